package io.stockledger.server.journal;

import com.typesafe.config.Config;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Reads the journal in small pages, each one statement and so a transaction of its own: nothing here
 * holds the feed's watermark or a vacuum back. A page ends after a number of rows, or once it has
 * passed a number of bytes, whichever comes first; it always holds a row if there is one.
 */
public final class JournalReader {
    /** Committed rows only, and none before which another could still commit. */
    static final String BELOW_WATERMARK = "j.tx < pg_snapshot_xmin(pg_current_snapshot())";
    /** The text is named other than the column: an ORDER BY j.tx must never sort by it. */
    static final String COLUMNS = "j.tx::text AS tx_text, j.ordering, j.persistence_id, j.sequence_number, j.event_payload, "
            + bytesOf("j") + " AS bytes";
    private static final String INDEXED_COLUMNS = COLUMNS + ", j.first_sequence, j.announced_due";

    private final Database database;
    private final int pageRows;
    private final long pageBytes;

    /** {@code config}: stockledger.journal. */
    public JournalReader(Database database, Config config) {
        this(database, config.getInt("reads.page-rows"), config.getBytes("reads.page-bytes"));
    }

    public JournalReader(Database database, int pageRows, long pageBytes) {
        this.database = database;
        this.pageRows = pageRows;
        this.pageBytes = pageBytes;
    }

    // ---- One SKU ----

    /**
     * The row that holds the entry of this sequence; throws a {@link GroupRow.DamagedException} where the column that it
     * is found by says other than the row does.
     */
    public Optional<JournalRow> rowContaining(String sku, long sequence) throws SQLException {
        for (int look = 0; look < 2; look++) {
            Optional<JournalRow> found = one("j.persistence_id = ? AND j.first_sequence <= ? ORDER BY j.first_sequence DESC", sku, sequence)
                    .map(IndexedRow::agreed);
            if (found.isPresent() && found.get().group().lastSequence() >= sequence) {
                return found;
            }
            // The row behind may be missed for its column; or it was committed a moment ago, and a second look finds it.
            Optional<JournalRow> next = one("j.persistence_id = ? AND j.sequence_number = ?", sku, found.map(JournalRow::rowNumber).orElse(0L) + 1)
                    .map(IndexedRow::agreed);
            if (next.isEmpty() || next.get().group().firstSequence() > sequence) {
                break;
            }
        }
        return Optional.empty();
    }

    /** The SKU's newest row. */
    public Optional<JournalRow> lastRow(String sku) throws SQLException {
        return one("j.persistence_id = ? ORDER BY j.sequence_number DESC", sku).map(IndexedRow::row);
    }

    /**
     * The number of the SKU's first row that holds an entry recorded after this time; Long.MAX_VALUE where none does.
     * Found by halving, since recorded times never go backwards within a SKU.
     */
    public long firstRowRecordedAfter(String sku, long timeMs) throws SQLException {
        Optional<JournalRow> last = lastRow(sku);
        if (last.isEmpty() || last.get().group().recordedAtMs() <= timeMs) {
            return Long.MAX_VALUE;
        }
        long low = 1;
        long high = last.get().rowNumber();
        while (low < high) {
            long middle = low + (high - low) / 2;
            if (recordedAtMs(sku, middle) > timeMs) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /** When a row's last entry was recorded: read from its header, so that its entries never travel. */
    private long recordedAtMs(String sku, long rowNumber) throws SQLException {
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(
                "SELECT header_long(substring(j.event_payload FROM 17 FOR 8), 0) FROM event_journal j"
                        + " WHERE j.persistence_id = ? AND j.sequence_number = ?")) {
            statement.setString(1, sku);
            statement.setLong(2, rowNumber);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    throw new SQLException("row " + rowNumber + " of SKU " + sku + " is not in the journal");
                }
                return row.getLong(1);
            }
        }
    }

    /** Whether the SKU has a row of this number. */
    public boolean holdsRow(String sku, long rowNumber) throws SQLException {
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(
                "SELECT 1 FROM event_journal j WHERE j.persistence_id = ? AND j.sequence_number = ?")) {
            statement.setString(1, sku);
            statement.setLong(2, rowNumber);
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    /** A page of the SKU's rows from this row number on, oldest first; row numbers begin at 1. */
    public List<JournalRow> rowsForward(String sku, long fromRowNumber) throws SQLException {
        return indexedRowsForward(sku, fromRowNumber).stream().map(IndexedRow::row).toList();
    }

    /** A row, and the columns that SQL finds it and ends pages by: as it is itself, unless somebody has changed one of the two. */
    public record IndexedRow(JournalRow row, long firstSequence, long announcedDueMs) {
        public boolean columnsAgree() {
            return firstSequence == row.group().firstSequence() && announcedDueMs == row.group().announcedDueMs()
                    && row.bytes() == row.group().bytes().length;
        }

        private JournalRow agreed() {
            if (!columnsAgree()) {
                // Where the row itself is damaged, that is what is told.
                row.whole();
                throw new GroupRow.DamagedException("row " + row.rowNumber() + " of " + row.sku()
                        + " has other numbers in its columns than in its header");
            }
            return row;
        }
    }

    /** The same page as {@link #rowsForward}, with those columns. */
    public List<IndexedRow> indexedRowsForward(String sku, long fromRowNumber) throws SQLException {
        return page("SELECT j.* FROM event_journal j WHERE j.persistence_id = ? AND j.sequence_number >= ?"
                + " ORDER BY j.sequence_number LIMIT " + pageRows, "j.sequence_number", sku, fromRowNumber);
    }

    /** Whether nothing followed a page of {@link #rowsForward} when it was read. */
    public boolean isLast(List<JournalRow> page) {
        return page.size() < pageRows && !pageIsFull(page);
    }

    /** A page of the SKU's rows before this row number, newest first; Long.MAX_VALUE begins at the end. */
    public List<JournalRow> rowsBackward(String sku, long beforeRowNumber) throws SQLException {
        return page("SELECT j.* FROM event_journal j WHERE j.persistence_id = ? AND j.sequence_number < ?"
                + " ORDER BY j.sequence_number DESC LIMIT " + pageRows, "j.sequence_number DESC", sku, beforeRowNumber)
                .stream().map(IndexedRow::row).toList();
    }

    /**
     * A page of the SKU's rows whose bytes hold this text (a mutation's or a reservation's id), newest first: rows before
     * {@code beforeRowNumber}, down to the first that was written before {@code sinceMs}. Rows that are not packed are
     * searched by the database, so that others never travel. That a row holds the text is a hint, not a proof. One
     * call looks through {@value #SEARCHED_ROWS} rows at most, and a page's bytes of packed ones: go on at
     * {@link Search#searchedDownTo} until that is 0.
     */
    public Search rowsHolding(String sku, String text, long sinceMs, long beforeRowNumber) throws SQLException {
        String packedBytes = "coalesce(j.row_bytes, 0)";
        String query = "SELECT j.tx::text AS tx_text, j.ordering, j.sequence_number, j.write_timestamp,"
                + " CASE WHEN j.write_timestamp >= ? AND (" + IS_PACKED + " OR position(? IN j.event_payload) > 0)"
                + "  THEN j.event_payload END AS found FROM ("
                + "  SELECT j.*, sum(" + packedBytes + ") OVER (ORDER BY j.sequence_number DESC) - " + packedBytes + " AS bytes_before FROM ("
                + "   SELECT * FROM event_journal j WHERE j.persistence_id = ? AND j.sequence_number < ?"
                + "   ORDER BY j.sequence_number DESC LIMIT " + SEARCHED_ROWS + ") j) j"
                + " WHERE j.bytes_before < ? ORDER BY j.sequence_number DESC";
        List<JournalRow> rows = new ArrayList<>();
        long downTo = 0;
        long bytes = 0;
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setLong(1, sinceMs);
            statement.setBytes(2, text.getBytes(StandardCharsets.UTF_8));
            statement.setString(3, sku);
            statement.setLong(4, beforeRowNumber);
            statement.setLong(5, pageBytes);
            try (ResultSet found = statement.executeQuery()) {
                while (found.next() && bytes < pageBytes) {
                    if (found.getLong("write_timestamp") < sinceMs) {
                        return new Search(rows, 0);
                    }
                    downTo = found.getLong("sequence_number");
                    byte[] payload = found.getBytes("found");
                    if (payload == null) {
                        continue;
                    }
                    GroupRow group = GroupRow.of(payload);
                    if (!RowPacking.isPacked(payload) || group.mayHold(text)) {
                        rows.add(new JournalRow(Long.parseUnsignedLong(found.getString("tx_text")), found.getLong("ordering"), sku, downTo, group));
                        bytes += group.bytes().length;
                    }
                }
            }
        }
        return new Search(rows, downTo <= 1 ? 0 : downTo);
    }

    static final int SEARCHED_ROWS = 500;
    private static final String IS_PACKED = "substring(j.event_payload FROM 1 FOR 4) = convert_to('" + RowPacking.PACKED + "', 'UTF8')";

    /** What a search found, and down to which row number it has looked; 0 where no row was left to look at. */
    public record Search(List<JournalRow> rows, long searchedDownTo) {}

    // ---- All SKUs ----

    /** A page of SKUs after this one, in the order of their bytes, one index look-up each; "" begins. */
    public List<String> skusAfter(String sku, String prefix, int limit) throws SQLException {
        String query = "WITH RECURSIVE walk(sku) AS ("
                + " (SELECT j.persistence_id FROM event_journal j WHERE j.persistence_id > ? AND j.persistence_id >= ?"
                + "   ORDER BY j.persistence_id LIMIT 1)"
                + " UNION ALL"
                + " SELECT (SELECT j.persistence_id FROM event_journal j WHERE j.persistence_id > walk.sku"
                + "   ORDER BY j.persistence_id LIMIT 1) FROM walk WHERE starts_with(walk.sku, ?)"
                + ") SELECT sku FROM walk WHERE starts_with(sku, ?) LIMIT " + limit;
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, sku);
            statement.setString(2, prefix);
            statement.setString(3, prefix);
            statement.setString(4, prefix);
            List<String> skus = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    skus.add(rows.getString(1));
                }
            }
            return skus;
        }
    }

    /**
     * The last row of each of these SKUs at this position of the feed, in their order; SKUs that had
     * none are left out. It is a page: it may end before the last SKU.
     */
    public List<JournalRow> lastRowsAt(Position position, List<String> skus) throws SQLException {
        String query = "SELECT q.tx::text AS tx_text, q.ordering, q.persistence_id, q.sequence_number, q.event_payload, " + bytesOf("q")
                + " FROM (SELECT j.*, s.place, " + bytesBefore("j", "s.place")
                + " FROM unnest(?::text[]) WITH ORDINALITY s(sku, place) CROSS JOIN LATERAL ("
                + "  SELECT r.* FROM event_journal r WHERE r.persistence_id = s.sku COLLATE \"C\" AND (r.tx, r.ordering) <= (CAST(? AS xid8), ?)"
                + "  ORDER BY r.sequence_number DESC LIMIT 1) j"
                + ") q WHERE q.bytes_before < ? ORDER BY q.place";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            Array array = connection.createArrayOf("text", skus.toArray());
            statement.setArray(1, array);
            statement.setString(2, Long.toUnsignedString(position.tx()));
            statement.setLong(3, position.ordering());
            statement.setLong(4, pageBytes);
            return rows(statement);
        }
    }

    /** Whether a page was ended by its size, so that more may follow. */
    public boolean pageIsFull(List<JournalRow> page) {
        return page.stream().mapToLong(JournalRow::bytes).sum() >= pageBytes;
    }

    /** The position of the last row that the feed may show now. */
    public Position watermark() throws SQLException {
        String query = "SELECT j.tx::text AS tx_text, j.ordering FROM event_journal j WHERE " + BELOW_WATERMARK
                + " ORDER BY j.tx DESC, j.ordering DESC LIMIT 1";
        try (Connection connection = database.reads().getConnection();
                PreparedStatement statement = connection.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? new Position(Long.parseUnsignedLong(row.getString(1)), row.getLong(2)) : Position.START;
        }
    }

    /** Whether a row stands at this position, as it must for every cursor that the feed gave out. */
    public boolean holds(Position position) throws SQLException {
        if (position.equals(Position.START)) {
            return true;
        }
        String query = "SELECT 1 FROM event_journal j WHERE j.tx = CAST(? AS xid8) AND j.ordering = ?";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, Long.toUnsignedString(position.tx()));
            statement.setLong(2, position.ordering());
            try (ResultSet row = statement.executeQuery()) {
                return row.next();
            }
        }
    }

    /** Rows up to this size are small: of those a whole page may come in one answer without their sizes being summed. */
    static final int SMALL_ROW_BYTES = 4096;
    /** Rows of a page of small rows; with the bound above, 8 MiB at most, commonly a few hundred KiB. */
    private static final int SMALL_PAGE_ROWS = 2048;

    /**
     * A page of the feed: rows of all SKUs after this position, below the watermark, in order.
     *
     * @param smallRows whether the rows before were small. Then the page is read in a way that takes less than half
     *     of the database's time, and ends before the first row that is not
     */
    public FeedPage feedAfter(Position position, long bytes, boolean smallRows) throws SQLException {
        if (smallRows) {
            FeedPage page = smallRowsAfter(position);
            if (!page.rows().isEmpty() || page.smallRows()) {
                return page;
            }
        }
        String query = pageQuery("SELECT j.* FROM event_journal j WHERE (j.tx, j.ordering) > (CAST(? AS xid8), ?) AND " + BELOW_WATERMARK
                + " ORDER BY j.tx, j.ordering LIMIT " + pageRows, "j.tx, j.ordering");
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, Long.toUnsignedString(position.tx()));
            statement.setLong(2, position.ordering());
            statement.setLong(3, bytes);
            List<JournalRow> rows = rows(statement);
            Position end = rows.isEmpty() ? position : rows.get(rows.size() - 1).position();
            return new FeedPage(rows, end, areSmall(rows));
        }
    }

    private FeedPage smallRowsAfter(Position position) throws SQLException {
        String query = "SELECT j.tx::text AS tx_text, j.ordering, j.persistence_id, j.sequence_number, " + PAYLOAD_IF_SMALL + ", " + bytesOf("j")
                + " FROM event_journal j WHERE (j.tx, j.ordering) > (CAST(? AS xid8), ?) AND " + BELOW_WATERMARK
                + " ORDER BY j.tx, j.ordering LIMIT " + SMALL_PAGE_ROWS;
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, Long.toUnsignedString(position.tx()));
            statement.setLong(2, position.ordering());
            List<JournalRow> rows = new ArrayList<>(SMALL_PAGE_ROWS);
            boolean small = true;
            try (ResultSet found = statement.executeQuery()) {
                while (small && found.next()) {
                    small = found.getBytes(5) != null;
                    if (small) {
                        rows.add(row(found, 1));
                    }
                }
            }
            return new FeedPage(rows, rows.isEmpty() ? position : rows.get(rows.size() - 1).position(), small);
        }
    }

    static final String PAYLOAD_IF_SMALL = "CASE WHEN " + bytesOf("j") + " <= " + SMALL_ROW_BYTES
            + " THEN j.event_payload END AS event_payload";

    /** Whether the next rows are likely to be small. */
    static boolean areSmall(List<JournalRow> rows) {
        for (JournalRow row : rows) {
            if (row.payload().length > SMALL_ROW_BYTES) {
                return false;
            }
        }
        return true;
    }

    /** The same for some SKUs only: {@code end} is how far it looked, also where it found nothing. */
    public FeedPage feedAfter(Position position, long bytes, Set<String> skus, String prefix) throws SQLException {
        // Rows of other SKUs cost their index entry and header, never their payload.
        String query = "SELECT q.tx::text AS tx_text, q.ordering, q.persistence_id, q.sequence_number,"
                + " CASE WHEN q.wanted THEN q.event_payload END AS event_payload FROM ("
                + " SELECT j.*, sum(CASE WHEN j.wanted THEN " + bytesOf("j") + " ELSE 0 END) OVER (ORDER BY j.tx, j.ordering)"
                + "  - CASE WHEN j.wanted THEN " + bytesOf("j") + " ELSE 0 END AS bytes_before FROM ("
                + "  SELECT j.*, (starts_with(j.persistence_id, ?) AND (cardinality(?::text[]) = 0 OR j.persistence_id = ANY(?::text[]))) AS wanted"
                + "  FROM event_journal j WHERE (j.tx, j.ordering) > (CAST(? AS xid8), ?) AND " + BELOW_WATERMARK
                + "  ORDER BY j.tx, j.ordering LIMIT " + pageRows * 4 + ") j"
                + ") q WHERE q.bytes_before < ? ORDER BY q.tx, q.ordering";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            Array array = connection.createArrayOf("text", skus.toArray());
            statement.setString(1, prefix);
            statement.setArray(2, array);
            statement.setArray(3, array);
            statement.setString(4, Long.toUnsignedString(position.tx()));
            statement.setLong(5, position.ordering());
            statement.setLong(6, bytes);
            List<JournalRow> rows = new ArrayList<>();
            Position end = position;
            try (ResultSet found = statement.executeQuery()) {
                while (found.next()) {
                    end = new Position(Long.parseUnsignedLong(found.getString(1)), found.getLong(2));
                    byte[] payload = found.getBytes(5);
                    if (payload != null) {
                        rows.add(new JournalRow(end.tx(), end.ordering(), found.getString(3), found.getLong(4), GroupRow.of(payload)));
                    }
                }
            }
            return new FeedPage(rows, end, areSmall(rows));
        }
    }

    /** Rows of the feed, the position up to which there are no others, and whether the next are likely to be small. */
    public record FeedPage(List<JournalRow> rows, Position end, boolean smallRows) {}

    /** What a row's header says: whose it is, how many entries it holds, and when the last of them was recorded. */
    public record RowHeader(Position position, String sku, int entryCount, long recordedAtMs) {}

    /** Headers of the feed's rows after this position, below the watermark, in order. */
    public List<RowHeader> headersAfter(Position position, int limit) throws SQLException {
        String query = HEADERS + "(j.tx, j.ordering) > (CAST(? AS xid8), ?) AND " + BELOW_WATERMARK + " ORDER BY j.tx, j.ordering LIMIT " + limit;
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, Long.toUnsignedString(position.tx()));
            statement.setLong(2, position.ordering());
            List<RowHeader> headers = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    ByteBuffer header = ByteBuffer.wrap(row.getBytes(4));
                    headers.add(new RowHeader(new Position(Long.parseUnsignedLong(row.getString(1)), row.getLong(2)), row.getString(3),
                            header.getInt(12), header.getLong(16)));
                }
            }
            return headers;
        }
    }

    private static final String HEADERS = "SELECT j.tx::text AS tx_text, j.ordering, j.persistence_id, substring(j.event_payload FROM 1 FOR 24) AS header"
            + " FROM event_journal j WHERE ";
    private static final int HEADERS_A_PAGE = 2_000;

    /**
     * Where a reader begins who wants every row that was recorded at or after this moment: the position of the row before
     * the first such, in the feed's order. A row stands up to a minute away from where its time would put it: writes wait.
     */
    public Position before(long timeMs) throws SQLException {
        Position before = beforeRoughly(timeMs - SWEEP_MARGIN_MS);
        while (true) {
            List<RowHeader> page = headersAfter(before, HEADERS_A_PAGE);
            for (RowHeader row : page) {
                if (row.recordedAtMs() >= timeMs) {
                    return before;
                }
                before = row.position();
            }
            if (page.isEmpty()) {
                return before;
            }
        }
    }

    /** The start, or a row that was recorded before this moment, found by halving the transactions. */
    private Position beforeRoughly(long timeMs) throws SQLException {
        Position found = Position.START;
        long from = 1;
        long to = watermark().tx();
        while (Long.compareUnsigned(from, to) <= 0) {
            long middle = from + Long.divideUnsigned(to - from, 2);
            List<RowHeader> row = headersAfter(new Position(middle, 0), 1);
            if (!row.isEmpty() && row.get(0).recordedAtMs() < timeMs) {
                found = row.get(0).position();
                from = found.tx() + 1;
            } else {
                to = middle - 1;
            }
        }
        return found;
    }

    // ---- Overdue holds ----

    /**
     * How far behind the clock the sweep's mark stays: a row that announced a due time may commit
     * after that time has been swept.
     */
    public static final long SWEEP_MARGIN_MS = 60_000;
    private static final long SWEEP_STEP_MS = 20_000;

    /** The SKUs that have at least one in {@code skusMax} of the newest {@code rows} rows, those of most of them first. */
    public List<String> busiestSkus(int rows, int skusMax) throws SQLException {
        String query = "SELECT s.persistence_id FROM ("
                + "  SELECT j.persistence_id, count(*) AS its, sum(count(*)) OVER () AS all_rows, max(j.ordering) AS newest FROM ("
                + "   SELECT persistence_id, ordering FROM event_journal ORDER BY tx DESC, ordering DESC LIMIT " + rows + ") j"
                + "  GROUP BY j.persistence_id) s"
                + " WHERE s.its * " + skusMax + " >= s.all_rows ORDER BY s.its DESC, s.newest DESC";
        try (Connection connection = database.reads().getConnection();
                PreparedStatement statement = connection.prepareStatement(query);
                ResultSet found = statement.executeQuery()) {
            List<String> skus = new ArrayList<>();
            while (found.next()) {
                skus.add(found.getString(1));
            }
            return skus;
        }
    }

    /** A SKU that has a hold open, and when its first such was due. */
    public record OverdueHold(String sku, long dueMs) {}

    /** SKUs found with an overdue hold, and through which announced time the look has come. */
    public record OverduePage(List<OverdueHold> holds, long lookedThroughMs) {}

    /**
     * SKUs that have a hold open which was due at or before this moment, by the ledger's clock, of those that announced a
     * time after {@code dueMs}. It is a page, of about so many rows in the order of what they announce: the next one
     * begins at {@link OverduePage#lookedThroughMs}, until that is {@code nowMs}.
     */
    public OverduePage overdueHoldsAfter(long dueMs, long nowMs, int rows) throws SQLException {
        String end = "SELECT j.announced_due FROM event_journal j WHERE j.announced_due > 0 AND j.announced_due > ? AND j.announced_due <= ?"
                + " ORDER BY j.announced_due OFFSET " + (rows - 1) + " LIMIT 1";
        String query = "SELECT s.sku, l.next_due FROM (SELECT DISTINCT j.persistence_id AS sku FROM event_journal j"
                + "  WHERE j.announced_due > 0 AND j.announced_due > ? AND j.announced_due <= ?) s"
                + NEXT_DUE_OF_S + " WHERE l.next_due > 0 AND l.next_due <= ? ORDER BY l.next_due";
        try (Connection connection = database.reads().getConnection(); PreparedStatement ending = connection.prepareStatement(end);
                PreparedStatement statement = connection.prepareStatement(query)) {
            ending.setLong(1, dueMs);
            ending.setLong(2, nowMs);
            long throughMs;
            try (ResultSet row = ending.executeQuery()) {
                throughMs = row.next() ? row.getLong(1) : nowMs;
            }
            statement.setLong(1, dueMs);
            statement.setLong(2, throughMs);
            statement.setLong(3, nowMs);
            List<OverdueHold> holds = new ArrayList<>();
            try (ResultSet found = statement.executeQuery()) {
                while (found.next()) {
                    holds.add(new OverdueHold(found.getString(1), found.getLong(2)));
                }
            }
            return new OverduePage(holds, throughMs);
        }
    }

    /** Those of these SKUs that have a hold open which was due at or before this moment. */
    public Set<String> overdueOf(List<String> skus, long nowMs) throws SQLException {
        String query = "SELECT s.sku FROM unnest(?::text[]) s(sku)" + NEXT_DUE_OF_S + " WHERE l.next_due > 0 AND l.next_due <= ?";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setArray(1, connection.createArrayOf("text", skus.toArray()));
            statement.setLong(2, nowMs);
            Set<String> overdue = new HashSet<>();
            try (ResultSet found = statement.executeQuery()) {
                while (found.next()) {
                    overdue.add(found.getString(1));
                }
            }
            return overdue;
        }
    }

    /** When the first hold of each SKU {@code s} is due, as its last row says. */
    private static final String NEXT_DUE_OF_S = " CROSS JOIN LATERAL ("
            + "SELECT header_long(substring(r.event_payload FROM 25 FOR 8), 0) AS next_due FROM event_journal r"
            + "  WHERE r.persistence_id = s.sku COLLATE \"C\" ORDER BY r.sequence_number DESC LIMIT 1) l";

    /** The sweep's mark: no hold that was due until then is open. */
    public long holdsSweptUntil() throws SQLException {
        try (Connection connection = database.reads().getConnection();
                PreparedStatement statement = connection.prepareStatement("SELECT swept_until FROM hold_sweep");
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /**
     * To be called when no hold that was due at or before this moment is open any more; a sweep that begins anew skips
     * what lies well before it. The mark moves in steps: each move is a transaction that writes, and holds the feed back
     * until it is on disk.
     */
    public void holdsSweptUntil(long dueMs) throws SQLException {
        String update = "UPDATE hold_sweep SET swept_until = ? WHERE swept_until < ?";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(update)) {
            statement.setLong(1, dueMs - SWEEP_MARGIN_MS);
            statement.setLong(2, dueMs - SWEEP_MARGIN_MS - SWEEP_STEP_MS);
            statement.executeUpdate();
        }
    }

    // ---- Writes under way ----

    /**
     * Returns once every transaction that is writing to the journal now has ended; throws after so long. They are told
     * by the lock that each holds on the table from before it has a transaction id until its commit is over: the
     * newest running id is not below the xmax of a snapshot, and a transaction elsewhere in the instance is no
     * concern of ours.
     */
    void awaitWritesUnderWay(long maxMs) throws SQLException {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(maxMs);
        try (Connection connection = database.reads().getConnection()) {
            Set<String> underWay = journalWriters(connection);
            while (!underWay.isEmpty()) {
                if (System.nanoTime() > deadline) {
                    throw new SQLException("a write to the journal has been under way for more than " + maxMs + " ms");
                }
                TimeUnit.MILLISECONDS.sleep(2);
                underWay.retainAll(journalWriters(connection));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SQLException("interrupted while writes were under way", e);
        }
    }

    /** Transactions that write to the journal, also those whose session has lost its client. */
    private static Set<String> journalWriters(Connection connection) throws SQLException {
        String query = "SELECT l.virtualtransaction FROM pg_locks l WHERE l.locktype = 'relation'"
                + " AND l.relation = 'event_journal'::regclass AND l.mode = 'RowExclusiveLock'"
                + " AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())";
        Set<String> writers = new HashSet<>();
        try (PreparedStatement statement = connection.prepareStatement(query); ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                writers.add(row.getString(1));
            }
        }
        return writers;
    }

    // ---- How ----

    /** SQL for the bytes of a row, unpacked. */
    static String bytesOf(String row) {
        return "coalesce(" + row + ".row_bytes, octet_length(" + row + ".event_payload))";
    }

    /** A column of SQL, by which a page is bounded: the bytes of the rows before this one. */
    static String bytesBefore(String row, String order) {
        return "sum(" + bytesOf(row) + ") OVER (ORDER BY " + order + ") - " + bytesOf(row) + " AS bytes_before";
    }

    /** The rows of a query in its order, until their payloads have passed the bytes given as its last parameter. */
    static String pageQuery(String rowsQuery, String order) {
        return "SELECT " + INDEXED_COLUMNS + " FROM ("
                + " SELECT j.*, " + bytesBefore("j", order)
                + " FROM (" + rowsQuery + ") j) j WHERE j.bytes_before < ? ORDER BY " + order;
    }

    private List<IndexedRow> page(String rowsQuery, String order, String sku, long rowNumber) throws SQLException {
        try (Connection connection = database.reads().getConnection();
                PreparedStatement statement = connection.prepareStatement(pageQuery(rowsQuery, order))) {
            statement.setString(1, sku);
            statement.setLong(2, rowNumber);
            statement.setLong(3, pageBytes);
            return indexedRows(statement);
        }
    }

    /** The first row of the journal, {@code j}, that meets this, in this order. */
    private Optional<IndexedRow> one(String conditionAndOrder, Object... parameters) throws SQLException {
        String query = "SELECT " + INDEXED_COLUMNS + " FROM event_journal j WHERE " + conditionAndOrder + " LIMIT 1";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            return indexedRows(statement).stream().findFirst();
        }
    }

    private static List<IndexedRow> indexedRows(PreparedStatement statement) throws SQLException {
        List<IndexedRow> rows = new ArrayList<>();
        try (ResultSet found = statement.executeQuery()) {
            while (found.next()) {
                rows.add(new IndexedRow(row(found, 1), found.getLong("first_sequence"), found.getLong("announced_due")));
            }
        }
        return rows;
    }

    private static List<JournalRow> rows(PreparedStatement statement) throws SQLException {
        List<JournalRow> rows = new ArrayList<>();
        try (ResultSet found = statement.executeQuery()) {
            while (found.next()) {
                rows.add(row(found, 1));
            }
        }
        return rows;
    }

    /** The row that stands in {@link #COLUMNS} from this column of a result on. */
    static JournalRow row(ResultSet result, int column) throws SQLException {
        return new JournalRow(Long.parseUnsignedLong(result.getString(column)), result.getLong(column + 1),
                result.getString(column + 2), result.getLong(column + 3), GroupRow.of(result.getBytes(column + 4)), result.getLong(column + 5));
    }
}
