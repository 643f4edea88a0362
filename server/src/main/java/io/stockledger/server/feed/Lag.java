package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalReader.RowHeader;
import io.stockledger.server.journal.SubscriptionStore.Named;
import java.sql.SQLException;
import java.util.List;
import java.util.OptionalLong;

/**
 * How far a named subscription is behind: entries of its SKUs that were not acknowledged, and when the first of them was
 * recorded. It counts through a bounded number of rows; where there are more, the lag is at least that.
 */
public record Lag(long entries, boolean isAtLeast, OptionalLong firstRecordedAtMs) {
    public static Lag of(JournalReader reader, Named named, Selection selection, int rowsMax) throws SQLException {
        List<RowHeader> rows = reader.headersAfter(Subscription.readFrom(named.lowest()), rowsMax);
        long entries = 0;
        OptionalLong first = OptionalLong.empty();
        for (RowHeader row : rows) {
            if (!selection.wantsSku(row.sku())) {
                continue;
            }
            Cursor acknowledged = named.cursors().get(Selection.shareOf(row.sku(), named.cursors().size()));
            int order = row.position().compareTo(acknowledged.position());
            int left = order > 0 ? row.entryCount() : order < 0 ? 0 : Math.max(0, row.entryCount() - acknowledged.taken());
            entries += left;
            if (left > 0 && first.isEmpty()) {
                first = OptionalLong.of(row.recordedAtMs());
            }
        }
        return new Lag(entries, rows.size() == rowsMax, first);
    }

    /** How long ago, at this time, the first of them was recorded; 0: there is none. */
    public long ageMs(long nowMs) {
        return firstRecordedAtMs().isPresent() ? Math.max(0, nowMs - firstRecordedAtMs().getAsLong()) : 0;
    }
}
