package io.stockledger.server.projection;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
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
    record StockKey(String sku, String location) {}

    record ReservationKey(String sku, String id) {}

    record MovementKey(LocalDate day, String sku, String location, String toLocation, String fromBucket, String toBucket,
            String kind, String channel) {}

    record Moved(long units, long entries) {
        Moved plus(Moved more) {
            return new Moved(units + more.units, entries + more.entries);
        }
    }

    /** A reservation of which nothing has happened: what entries make of it is what they add to one. */
    private static final Reservation NO_CHANGE = new Reservation("", "", "", "", 0, 0, 0, 0, 0, 0, 0, 0, 0);

    final Map<StockKey, ProjectedStock> stock = new HashMap<>();
    /** Made in this stretch: whole. */
    final Map<ReservationKey, ProjectedReservation> made = new HashMap<>();
    /** Made before it: what is to be added to each of their quantities; an expiry of 0 leaves theirs. */
    final Map<ReservationKey, ProjectedReservation> changed = new HashMap<>();
    final Map<MovementKey, Moved> movements = new HashMap<>();
    /** Rows of the stretch that are not what was written, as an operator is told of them: nothing of theirs is here. */
    final List<String> passedOver = new ArrayList<>();
    long entries;

    void add(Entry entry) {
        entries++;
        long recordedAtMs = EntryCodec.millis(entry.getRecordedAt());
        for (LocationBalance after : entry.getBalancesList()) {
            Balance balance = EntryCodec.toDomain(after);
            stock.put(new StockKey(entry.getSku(), balance.location()),
                    new ProjectedStock(entry.getSku(), balance, entry.getSequence(), recordedAtMs));
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
        if (entry.getMovementsCount() == 0) {
            return;
        }
        LocalDate day = LocalDate.ofInstant(Instant.ofEpochMilli(recordedAtMs), ZoneOffset.UTC);
        String kind = name(entry.getKind(), entry.getKindValue(), "ENTRY_KIND_");
        for (Movement movement : entry.getMovementsList()) {
            MovementKey key = new MovementKey(day, entry.getSku(), movement.getLocation(),
                    movement.getToLocation().isEmpty() ? movement.getLocation() : movement.getToLocation(),
                    name(movement.getFrom(), movement.getFromValue(), "BUCKET_"),
                    name(movement.getTo(), movement.getToValue(), "BUCKET_"), kind, entry.getChannel());
            movements.merge(key, new Moved(movement.getQuantity(), 1), Moved::plus);
        }
    }

    /** {@code ENTRY_KIND_SET_ASIDE} is {@code set_aside}; of one that a newer version wrote, its number. */
    private static String name(Enum<?> constant, int number, String prefix) {
        String name = constant.name();
        return name.startsWith(prefix) ? name.substring(prefix.length()).toLowerCase(Locale.ROOT) : Integer.toString(number);
    }

    /** Rows of tables that it will write. */
    int size() {
        return stock.size() + made.size() + changed.size() + movements.size();
    }
}
