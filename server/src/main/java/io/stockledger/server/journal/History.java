package io.stockledger.server.journal;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Reservation;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What a SKU's rows tell about its past. Every call reads the journal, page by page, and takes its time; where the
 * store can't be read it throws an {@link UnreadableException}, where a row is not what was written a
 * {@link GroupRow.DamagedException}.
 */
public final class History {
    private static final long SETTLE_MAX_MS = 5_000;

    /** Some eight rows of the largest. */
    private static final long HALF_READ_BYTES_MAX = 8L << 20;

    private final JournalReader journal;
    private final HalfReadRows halfRead = new HalfReadRows(HALF_READ_BYTES_MAX);

    public History(JournalReader journal) {
        this.journal = journal;
    }

    /** The store can't be read now. */
    public static final class UnreadableException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnreadableException(SQLException cause) {
            super("the journal can't be read: " + cause.getMessage(), cause);
        }
    }

    /**
     * The entry that a mutation wrote.
     *
     * @param foundAt the sequences at which it may stand; looked at first, one index look-up each
     * @param searchedThrough it may stand at any sequence up to this one too, which the store is to search; 0: it
     *         does not
     * @param sinceMs entries recorded before that time need not be searched
     */
    public Optional<Entry> entryOf(String sku, String mutationId, long[] foundAt, long searchedThrough, long sinceMs) {
        for (long sequence : foundAt) {
            Optional<Entry> entry = read(() -> journal.rowContaining(sku, sequence))
                    .map(row -> row.whole().group().entry(sequence))
                    .filter(there -> there.getMutationId().equals(mutationId))
                    .map(EntryCodec::toDomain);
            if (entry.isPresent()) {
                return entry;
            }
        }
        if (searchedThrough == 0) {
            return Optional.empty();
        }
        long lastRow = read(() -> journal.rowContaining(sku, searchedThrough)).map(JournalRow::rowNumber).orElse(0L);
        return entriesNaming(sku, mutationId, sinceMs, lastRow + 1,
                entry -> entry.getMutationId().equals(mutationId), true).stream().findFirst();
    }

    /** A reservation, open or closed, as the SKU's rows tell it; its id is that of the mutation that made it. */
    public Optional<Reservation> reservation(String sku, String reservationId) {
        List<Entry> entries = entriesNaming(sku, reservationId, 0, Long.MAX_VALUE,
                entry -> entry.getReservationId().equals(reservationId), false);
        return entries.isEmpty() ? Optional.empty() : Optional.of(Reservation.from(entries));
    }

    /** Some of a SKU's entries in order, and whether there are more behind them. */
    public record Page(List<io.stockledger.v1.Entry> entries, boolean more) {}

    /** The SKU's entries from a sequence on, as they are stored: so many, fewer where they have passed so many bytes. */
    public Page entries(String sku, long fromSequence, int max, int bytesMax) {
        List<io.stockledger.v1.Entry> entries = new ArrayList<>();
        List<JournalRow> rows = halfRead.take(sku, fromSequence).or(() -> read(() -> journal.rowContaining(sku, fromSequence)))
                .map(List::of).orElse(List.of());
        int bytes = 0;
        Optional<byte[]> digest = Optional.empty();
        while (!rows.isEmpty()) {
            for (JournalRow row : rows) {
                requireFollows(row, digest);
                digest = Optional.of(row.group().digest());
                List<io.stockledger.v1.Entry> some = row.group().entries(fromSequence, max - entries.size(), bytesMax - bytes);
                entries.addAll(some);
                bytes += some.stream().mapToInt(io.stockledger.v1.Entry::getSerializedSize).sum();
                long next = fromSequence + entries.size();
                if (row.group().lastSequence() >= next) {
                    halfRead.put(sku, next, row);
                    return new Page(entries, true);
                }
            }
            long next = rows.get(rows.size() - 1).rowNumber() + 1;
            if (entries.size() >= max || bytes >= bytesMax) {
                // Whether there is another row; rows of a SKU are numbered without a gap.
                return new Page(entries, read(() -> journal.holdsRow(sku, next)));
            }
            rows = read(() -> journal.rowsForward(sku, next));
        }
        return new Page(entries, false);
    }

    private static void requireFollows(JournalRow row, Optional<byte[]> digestBefore) {
        byte[] previous = row.whole().group().previousDigest();
        if (digestBefore.isPresent() && !Arrays.equals(previous, digestBefore.get())) {
            throw new GroupRow.DamagedException("row " + row.rowNumber() + " of " + row.sku() + " does not follow the one before it");
        }
    }

    /** On hand at a location right after the SKU's entry {@code atSequence}. */
    public long onHandAtSequence(String sku, String location, long atSequence) {
        return read(() -> journal.rowContaining(sku, atSequence))
                .map(row -> lastOnHand(sku, location, row.rowNumber() + 1,
                        entry -> entry.getSequence() <= atSequence))
                .orElse(0L);
    }

    /** On hand at a location after the SKU's last entry recorded at or before a time. */
    public long onHandAtTime(String sku, String location, long atTimeMs) {
        return lastOnHand(sku, location, Long.MAX_VALUE,
                entry -> EntryCodec.millis(entry.getRecordedAt()) <= atTimeMs);
    }

    /**
     * Returns once every write transaction that is under way in the store now has ended, so that what is read
     * afterwards can't be overtaken by a write from before; throws where that takes too long.
     */
    public void settle() {
        read(() -> {
            journal.awaitWritesUnderWay(SETTLE_MAX_MS);
            return true;
        });
    }

    /** Walks back from a row to the newest entry that is early enough and touched the location. */
    private long lastOnHand(String sku, String location, long beforeRowNumber,
            Predicate<io.stockledger.v1.Entry> earlyEnough) {
        long before = beforeRowNumber;
        while (true) {
            long page = before;
            List<JournalRow> rows = read(() -> journal.rowsBackward(sku, page));
            if (rows.isEmpty()) {
                return 0;
            }
            for (JournalRow row : rows) {
                List<io.stockledger.v1.Entry> entries = row.whole().group().entries();
                for (int i = entries.size() - 1; i >= 0; i--) {
                    Optional<Balance> balance = earlyEnough.test(entries.get(i))
                            ? balanceAt(entries.get(i), location) : Optional.empty();
                    if (balance.isPresent()) {
                        return balance.get().onHand();
                    }
                }
                before = row.rowNumber();
            }
        }
    }

    private static Optional<Balance> balanceAt(io.stockledger.v1.Entry entry, String location) {
        return entry.getBalancesList().stream()
                .filter(balance -> balance.getLocation().equals(location))
                .map(EntryCodec::toDomain).findFirst();
    }

    /** The SKU's entries that name a text, oldest first; the store searches, so that other rows never travel. */
    private List<Entry> entriesNaming(String sku, String text, long sinceMs, long beforeRowNumber,
            Predicate<io.stockledger.v1.Entry> wanted, boolean firstIsEnough) {
        List<Entry> newestFirst = new ArrayList<>();
        long before = beforeRowNumber;
        while (before > 0 && !(firstIsEnough && !newestFirst.isEmpty())) {
            long page = before;
            JournalReader.Search search = read(() -> journal.rowsHolding(sku, text, sinceMs, page));
            for (JournalRow row : search.rows()) {
                List<io.stockledger.v1.Entry> entries = row.whole().group().entries();
                for (int i = entries.size() - 1; i >= 0; i--) {
                    if (wanted.test(entries.get(i))) {
                        newestFirst.add(EntryCodec.toDomain(entries.get(i)));
                    }
                }
            }
            before = search.searchedDownTo();
        }
        Collections.reverse(newestFirst);
        return newestFirst;
    }

    private interface Read<T> {
        T run() throws SQLException;
    }

    private static <T> T read(Read<T> read) {
        try {
            return read.run();
        } catch (SQLException e) {
            throw new UnreadableException(e);
        }
    }
}
