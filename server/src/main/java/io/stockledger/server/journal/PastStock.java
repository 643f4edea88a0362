package io.stockledger.server.journal;

import io.stockledger.server.domain.Balance;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * What a SKU's stock was at a point of its past. An entry holds the balances after it wherever it touched, so the
 * rows are read backwards from that point until each location has been met once; a row says how many there are. The
 * entries before that are never read, however long the SKU's history is. A row that is met and is not what was written
 * ends the read with a {@link GroupRow.DamagedException}.
 */
public final class PastStock {
    /** Of a row, the newest first: a hot SKU's holds thousands, and the last few commonly tell all. */
    private static final int ENTRIES_AT_ONCE = 512;

    private final JournalReader journal;
    private final Pace pace;

    /** @param pace kept between the pages of a read */
    public PastStock(JournalReader journal, Pace pace) {
        this.journal = journal;
        this.pace = pace;
    }

    /**
     * What was found.
     *
     * @param sequence the last entry that it reflects; 0: none
     * @param recordedAtMs when that was recorded
     * @param balances by location, ordered by location
     */
    public record Found(long sequence, long recordedAtMs, List<Balance> balances) {}

    /**
     * Right after the entry of a sequence; 0: before the first.
     *
     * @param location only this one; empty: all of them
     * @param goOn asked before each page
     * @return empty where the SKU has no such entry, or the read was told not to go on
     */
    public Optional<Found> after(String sku, long sequence, String location, BooleanSupplier goOn) throws SQLException {
        if (sequence == 0) {
            return Optional.of(new Found(0, 0, List.of()));
        }
        Optional<JournalRow> row = journal.rowContaining(sku, sequence);
        return row.isEmpty() ? Optional.empty()
                : back(sku, row.get().rowNumber(), entry -> entry.getSequence() <= sequence, location, goOn);
    }

    /**
     * After every entry recorded at or before a time. What is still being written then is not waited for: that is the
     * caller's to see to.
     *
     * @param location only this one; empty: all of them
     * @param goOn asked before each page
     * @return empty where the read was told not to go on
     */
    public Optional<Found> at(String sku, long timeMs, String location, BooleanSupplier goOn) throws SQLException {
        return back(sku, journal.firstRowRecordedAfter(sku, timeMs),
                entry -> EntryCodec.millis(entry.getRecordedAt()) <= timeMs, location, goOn);
    }

    /** The sequence of the SKU's last entry; 0: it has none. */
    public long lastSequence(String sku) throws SQLException {
        return journal.lastRow(sku).map(row -> row.whole().group().lastSequence()).orElse(0L);
    }

    private Optional<Found> back(String sku, long fromRowNumber, Predicate<Entry> earlyEnough, String location,
            BooleanSupplier goOn) throws SQLException {
        Gathered gathered = new Gathered(location);
        long before = fromRowNumber == Long.MAX_VALUE ? fromRowNumber : fromRowNumber + 1;
        while (goOn.getAsBoolean()) {
            Pace.Turn turn = pace.begin();
            List<JournalRow> rows = journal.rowsBackward(sku, before);
            for (JournalRow row : rows) {
                GroupRow group = row.whole().group();
                for (long end = group.lastSequence(); end >= group.firstSequence(); end -= ENTRIES_AT_ONCE) {
                    long from = Math.max(group.firstSequence(), end - ENTRIES_AT_ONCE + 1);
                    gathered.add(group.entries(from, (int) (end - from + 1), Integer.MAX_VALUE), group.locationCount(), earlyEnough);
                    if (gathered.isWhole()) {
                        return Optional.of(gathered.found());
                    }
                    turn.restIfDue();
                }
                before = row.rowNumber();
            }
            if (rows.isEmpty()) {
                return Optional.of(gathered.found());
            }
            turn.end();
        }
        return Optional.empty();
    }

    /** The newest balance of each location, met on the way back. */
    private static final class Gathered {
        private final String location;
        private final Map<String, LocationBalance> newest = new TreeMap<>();
        private long sequence;
        private long recordedAtMs;
        private int locations;

        Gathered(String location) {
            this.location = location;
        }

        /** @param locationsAfter the row that the entries are of */
        void add(List<Entry> entries, int locationsAfter, Predicate<Entry> earlyEnough) {
            for (int i = entries.size() - 1; i >= 0; i--) {
                Entry entry = entries.get(i);
                if (!earlyEnough.test(entry)) {
                    continue;
                }
                if (sequence == 0) {
                    sequence = entry.getSequence();
                    recordedAtMs = EntryCodec.millis(entry.getRecordedAt());
                    // Of the whole row: later entries of it may have brought one that did not exist yet. Then that
                    // one is never met, and the read goes on to the SKU's first row.
                    locations = locationsAfter;
                }
                for (LocationBalance balance : entry.getBalancesList()) {
                    if (location.isEmpty() || location.equals(balance.getLocation())) {
                        newest.putIfAbsent(balance.getLocation(), balance);
                    }
                }
            }
        }

        boolean isWhole() {
            return sequence > 0 && newest.size() >= (location.isEmpty() ? locations : 1);
        }

        Found found() {
            List<Balance> balances = new ArrayList<>(newest.size());
            newest.values().forEach(balance -> balances.add(EntryCodec.toDomain(balance)));
            return new Found(sequence, recordedAtMs, balances);
        }
    }
}
