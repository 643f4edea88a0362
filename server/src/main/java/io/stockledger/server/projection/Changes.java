package io.stockledger.server.projection;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.v1.Bucket;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a stretch of the feed changes in a set's tables, folded so that each table's row is written once: a hot SKU's
 * thousand sales are one row of stock. Entries are taken as the contract has them, so that one of a kind which this
 * version does not know still brings its balances and movements.
 */
final class Changes {
    private record StockKey(String sku, String location) {
        boolean is(String sku, String location) {
            return this.sku.equals(sku) && this.location.equals(location);
        }
    }

    record ReservationKey(String sku, String id) {}

    /** A row of daily movements, with kind and buckets by their numbers in the contract. */
    record MovementKey(long epochDay, String sku, String location, String toLocation, int fromBucket, int toBucket,
            int kind, String channel) {
        private static MovementKey of(long epochDay, Entry entry, Movement movement) {
            return new MovementKey(epochDay, entry.getSku(), movement.getLocation(), toLocation(movement),
                    movement.getFromValue(), movement.getToValue(), entry.getKindValue(), entry.getChannel());
        }

        private static String toLocation(Movement movement) {
            return movement.getToLocation().isEmpty() ? movement.getLocation() : movement.getToLocation();
        }

        private boolean is(long epochDay, Entry entry, Movement movement) {
            return this.epochDay == epochDay && kind == entry.getKindValue() && fromBucket == movement.getFromValue()
                    && toBucket == movement.getToValue() && sku.equals(entry.getSku()) && location.equals(movement.getLocation())
                    && toLocation.equals(toLocation(movement)) && channel.equals(entry.getChannel());
        }

        LocalDate day() {
            return LocalDate.ofEpochDay(epochDay);
        }

        String fromName() {
            return name(Bucket.forNumber(fromBucket), fromBucket, "BUCKET_");
        }

        String toName() {
            return name(Bucket.forNumber(toBucket), toBucket, "BUCKET_");
        }

        String kindName() {
            return name(EntryKind.forNumber(kind), kind, "ENTRY_KIND_");
        }

        /** {@code ENTRY_KIND_SET_ASIDE} is {@code set_aside}; of one that a newer version wrote, its number. */
        private static String name(Enum<?> known, int number, String prefix) {
            return known == null ? Integer.toString(number) : known.name().substring(prefix.length()).toLowerCase(Locale.ROOT);
        }
    }

    /** What a row of daily movements grows by. */
    static final class Moved {
        private long units;
        private long entries;

        private void add(long more) {
            units += more;
            entries++;
        }

        long units() {
            return units;
        }

        long entries() {
            return entries;
        }
    }

    /** A location's balance, and the last entry that touched it. */
    private static final class Latest {
        private final StockKey key;
        private Entry entry;
        private LocationBalance balance;

        private Latest(StockKey key) {
            this.key = key;
        }

        private ProjectedStock projected() {
            Balance after = EntryCodec.toDomain(balance);
            return new ProjectedStock(key.sku(), after, after.availableToSell(""), entry.getSequence(), EntryCodec.millis(entry.getRecordedAt()));
        }
    }

    /** A reservation of which nothing has happened: what entries make of it is what they add to one. */
    private static final Reservation NO_CHANGE = new Reservation("", "", "", "", 0, 0, 0, 0, 0, 0, 0, 0, 0);

    private static final long DAY_MS = Duration.ofDays(1).toMillis();

    private final Map<StockKey, Latest> stock = new HashMap<>();
    /** Made in this stretch: whole. */
    final Map<ReservationKey, ProjectedReservation> made = new HashMap<>();
    /** Made before it: what is to be added to each of their quantities; an expiry of 0 leaves theirs. */
    final Map<ReservationKey, ProjectedReservation> changed = new HashMap<>();
    final Map<MovementKey, Moved> movements = new HashMap<>();
    /** Rows of the stretch that are not what was written, as an operator is told of them: nothing of theirs is here. */
    final List<String> passedOver = new ArrayList<>();
    long entries;
    // Of the entry before: in a hot SKU's stretch each entry changes the same rows, and looks nothing up. Null at first.
    private Latest lastStock;
    private MovementKey lastMovement;
    private Moved lastMoved;

    void add(Entry entry) {
        entries++;
        long recordedAtMs = EntryCodec.millis(entry.getRecordedAt());
        for (LocationBalance balance : entry.getBalancesList()) {
            if (lastStock == null || !lastStock.key.is(entry.getSku(), balance.getLocation())) {
                lastStock = stock.computeIfAbsent(new StockKey(entry.getSku(), balance.getLocation()), Latest::new);
            }
            lastStock.entry = entry;
            lastStock.balance = balance;
        }
        addMovements(entry, recordedAtMs);
        switch (entry.getKind()) {
            case ENTRY_KIND_RESERVE -> {
                Reservation reservation = Reservation.madeBy(EntryCodec.toDomain(entry));
                ReservationKey key = new ReservationKey(entry.getSku(), reservation.id());
                changed.remove(key);
                made.put(key, new ProjectedReservation(entry.getSku(), reservation, recordedAtMs));
            }
            case ENTRY_KIND_EXTEND, ENTRY_KIND_RELEASE, ENTRY_KIND_COMMIT, ENTRY_KIND_FULFILL,
                    ENTRY_KIND_CANCEL_COMMITTED, ENTRY_KIND_EXPIRE -> {
                ReservationKey key = new ReservationKey(entry.getSku(), entry.getReservationId());
                Map<ReservationKey, ProjectedReservation> of = made.containsKey(key) ? made : changed;
                Reservation before = of.containsKey(key) ? of.get(key).reservation() : NO_CHANGE;
                of.put(key, new ProjectedReservation(entry.getSku(), before.after(EntryCodec.toDomain(entry)), recordedAtMs));
            }
            case ENTRY_KIND_EXPECT, ENTRY_KIND_CANCEL_EXPECTED, ENTRY_KIND_RECEIVE, ENTRY_KIND_SELL, ENTRY_KIND_RETURN,
                    ENTRY_KIND_SET_ASIDE, ENTRY_KIND_PUT_BACK, ENTRY_KIND_SHIP_TRANSFER, ENTRY_KIND_RECEIVE_TRANSFER,
                    ENTRY_KIND_ADJUST, ENTRY_KIND_COUNT, ENTRY_KIND_SET_SAFETY_STOCK, ENTRY_KIND_SET_CHANNEL_ALLOCATION,
                    ENTRY_KIND_UNSPECIFIED, UNRECOGNIZED -> { }
        }
    }

    private void addMovements(Entry entry, long recordedAtMs) {
        long epochDay = Math.floorDiv(recordedAtMs, DAY_MS);
        for (Movement movement : entry.getMovementsList()) {
            if (lastMovement == null || !lastMovement.is(epochDay, entry, movement)) {
                lastMovement = MovementKey.of(epochDay, entry, movement);
                lastMoved = movements.computeIfAbsent(lastMovement, key -> new Moved());
            }
            lastMoved.add(movement.getQuantity());
        }
    }

    List<ProjectedStock> stock() {
        return stock.values().stream().map(Latest::projected).toList();
    }

    /** Rows of tables that it will write. */
    int size() {
        return stock.size() + made.size() + changed.size() + movements.size();
    }
}
