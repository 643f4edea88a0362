package io.stockledger.server.journal;

import com.typesafe.config.Config;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the journal as it commits: every row, once, in the order of (transaction, ordering), which
 * keeps each SKU's own order. A row is shown only once no transaction is left that could still put
 * one before it (the watermark). One thread a node; woken by this node's own commits, with a slow
 * poll behind it.
 */
public final class Tail implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Tail.class);
    /** While committed rows wait for the watermark the tail looks again soon: after a quarter of the wait, between these. */
    private static final long HELD_BACK_PAUSE_NANOS_MIN = TimeUnit.MICROSECONDS.toNanos(400);
    private static final long HELD_BACK_PAUSE_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(20);
    private static final int STATEMENT_TIMEOUT_MS = 30_000;

    private final Database database;
    private final Clock clock;
    private final Listener listener;
    private final int pageRows;
    private final long pageBytes;
    private final Duration pollInterval;
    private final Duration heldBackWarning;
    /** The oldest commit of this node that no look has begun after; 0: there is none. */
    private final AtomicLong committedNanos = new AtomicLong();
    private final WakeUps wakeUps = new WakeUps();
    private final Thread thread;
    private volatile boolean closed;

    private Position position;
    /** Whether the last rows were small, so that the next are asked for in the way that suits those. */
    private boolean smallRows = true;
    /** Looks whose transactions had not all ended: once the watermark passes a look's end, it is complete. */
    private final Deque<Look> looks = new ArrayDeque<>();
    private long completeTimeMs;
    /** The oldest commit of this node that belongs to no look yet; 0: none. */
    private long unseenSinceNanos;
    private long heldBackSinceNanos;
    private long heldBackAtXmin;
    private volatile long watermarkAgeNanos;
    private boolean warned;

    /** What the tail tells, always from its own thread; it should return soon. */
    public interface Listener {
        /**
         * Rows that come next, possibly none, after which everything that was committed before
         * {@code completeTimeMs} (by the ledger's clock) has been told; 0 where that is not known yet.
         */
        void tailed(List<JournalRow> rows, long completeTimeMs);

        /** Whether rows are wanted now. Where not, they are passed over unread; once they are, {@link Tail#wake} is due. */
        default boolean wantsRows() {
            return true;
        }

        /** Rows up to this position have been passed over. */
        default void passed(Position position, long completeTimeMs) {}

        /** Commits of this node have been told, the oldest of them so long after it was made. */
        default void lagged(long nanos) {}
    }

    /** @param committedNanos the oldest commit of this node that the look is the first to see; 0: none */
    private record Look(long timeMs, long xmax, long committedNanos) {}

    private record Page(List<JournalRow> rows, boolean toTheEnd, long xmin, long xmax, boolean rowsHeldBack) {}

    /** Follows what commits after {@code start}. {@code config}: stockledger.journal. */
    public Tail(Database database, Config config, Clock clock, Position start, Listener listener) {
        this.database = database;
        this.clock = clock;
        this.listener = listener;
        this.position = start;
        this.pageRows = config.getInt("tail.page-rows");
        this.pageBytes = config.getBytes("tail.page-bytes");
        this.pollInterval = config.getDuration("tail.poll-interval");
        this.heldBackWarning = config.getDuration("tail.held-back-warning");
        this.thread = new Thread(this::follow, "journal-tail");
        this.thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    /** This node has committed something. Cheap, from any thread. */
    public void committed() {
        if (committedNanos.get() == 0) {
            committedNanos.compareAndSet(0, System.nanoTime());
        }
        wake();
    }

    /** There may be something new. Cheap, from any thread; many calls at once are one look. */
    public void wake() {
        wakeUps.wake();
    }

    /** For how long committed rows have been held back by a transaction that does not end; zero where none is. */
    public Duration watermarkAge() {
        return Duration.ofNanos(watermarkAgeNanos);
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void follow() {
        boolean away = false;
        while (!closed) {
            try (Connection connection = database.connect();
                    PreparedStatement summed = connection.prepareStatement(query(false));
                    PreparedStatement small = connection.prepareStatement(query(true));
                    PreparedStatement unread = connection.prepareStatement(WITHOUT_ROWS)) {
                connection.setNetworkTimeout(Runnable::run, STATEMENT_TIMEOUT_MS);
                planOnce(connection);
                if (away) {
                    LOG.info("The tail reads the journal again");
                    away = false;
                }
                // What was known of running transactions is void after a crash: ids that wrote nothing may come again.
                looks.clear();
                followOn(connection, new Statements(summed, small, unread));
            } catch (SQLException e) {
                if (!away && !closed) {
                    LOG.warn("The tail can't read the journal, trying on: {}", Database.firstLine(e));
                }
                away = true;
                pause(pollInterval.toNanos());
            } catch (RuntimeException e) {
                LOG.error("The tail failed, going on from where it was", e);
                pause(TimeUnit.SECONDS.toNanos(1));
            }
        }
    }

    /**
     * A look after each commit takes 0.07 ms, and planning it 0.4: the store would plan each anew, since it takes the
     * plan for any position as dearer than that for one. Both are the same walk of one index.
     */
    private static void planOnce(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET plan_cache_mode = force_generic_plan");
        }
    }

    private record Statements(PreparedStatement summed, PreparedStatement small, PreparedStatement unread) {}

    private void followOn(Connection connection, Statements statements) throws SQLException {
        while (!closed) {
            wakeUps.lookBegins();
            long committed = committedNanos.getAndSet(0);
            long before = clock.millis();
            if (listener.wantsRows()) {
                Page page = read(smallRows ? statements.small() : statements.summed());
                long toldSinceNanos = complete(page, before, committed);
                if (!page.rows().isEmpty()) {
                    position = page.rows().get(page.rows().size() - 1).position();
                }
                listener.tailed(page.rows(), completeTimeMs);
                watchHeldBack(connection, page);
                if (toldSinceNanos != 0) {
                    listener.lagged(System.nanoTime() - toldSinceNanos);
                }
                if (!page.toTheEnd()) {
                    continue;
                }
            } else {
                Page page = passOver(statements.unread());
                complete(page, before, committed);
                listener.passed(position, completeTimeMs);
                watchHeldBack(connection, page);
            }
            pause(heldBackAtXmin == 0 ? pollInterval.toNanos()
                    : Math.min(Math.max(watermarkAgeNanos / 4, HELD_BACK_PAUSE_NANOS_MIN), HELD_BACK_PAUSE_NANOS_MAX));
        }
    }

    private static final String SNAPSHOT = "SELECT s.xmin::text, s.xmax::text,"
            + " coalesce((SELECT h.tx FROM event_journal h ORDER BY h.tx DESC, h.ordering DESC LIMIT 1) >= s.xmin, false),";
    private static final String FROM_SNAPSHOT =
            " FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin, pg_snapshot_xmax(pg_current_snapshot()) AS xmax) s";
    private static final String WITHOUT_ROWS = SNAPSHOT + " w.tx::text AS tx_text, w.ordering" + FROM_SNAPSHOT
            + " LEFT JOIN LATERAL (SELECT j.tx, j.ordering FROM event_journal j WHERE " + JournalReader.BELOW_WATERMARK
            + " ORDER BY j.tx DESC, j.ordering DESC LIMIT 1) w ON true";

    /**
     * One statement, so that rows, watermark and what is held back are seen in one snapshot. The
     * columns in ORDER BY are qualified: sorting by the text beside them would be wrong, and slow.
     * That rows are held back is read off the newest one: a search for them is planned as a scan of
     * the whole table.
     *
     * @param smallRows in which a row that is not small comes without its payload: summing sizes up takes most of the
     *     database's time where rows are small and many
     */
    String query(boolean smallRows) {
        String rows = "FROM event_journal j WHERE (j.tx, j.ordering) > (CAST(? AS xid8), ?) AND " + JournalReader.BELOW_WATERMARK
                + " ORDER BY j.tx, j.ordering LIMIT " + pageRows;
        return SNAPSHOT + " j.tx::text AS tx_text, j.ordering, j.persistence_id, j.sequence_number, j.event_payload, j.bytes"
                + FROM_SNAPSHOT + " LEFT JOIN ("
                + (smallRows
                    ? "SELECT j.tx, j.ordering, j.persistence_id, j.sequence_number, " + JournalReader.PAYLOAD_IF_SMALL + ", " + JournalReader.bytesOf("j") + " AS bytes " + rows + ") j ON true"
                    : "  SELECT r.*, " + JournalReader.bytesOf("r") + " AS bytes, " + JournalReader.bytesBefore("r", "r.tx, r.ordering")
                        + " FROM (SELECT j.* " + rows + ") r) j ON j.bytes_before < " + pageBytes)
                + " ORDER BY j.tx, j.ordering";
    }

    private Page read(PreparedStatement statement) throws SQLException {
        statement.setString(1, Long.toUnsignedString(position.tx()));
        statement.setLong(2, position.ordering());
        List<JournalRow> rows = new ArrayList<>();
        long xmin = 0;
        long xmax = 0;
        long bytes = 0;
        boolean heldBack = false;
        boolean allHere = true;
        try (ResultSet result = statement.executeQuery()) {
            while (allHere && result.next()) {
                xmin = Long.parseUnsignedLong(result.getString(1));
                xmax = Long.parseUnsignedLong(result.getString(2));
                heldBack = result.getBoolean(3);
                if (result.getString(4) == null) {
                    break;
                }
                allHere = result.getBytes(8) != null;
                if (allHere) {
                    JournalRow row = JournalReader.row(result, 4);
                    rows.add(row);
                    bytes += row.bytes();
                }
            }
        }
        boolean toTheEnd = allHere && rows.size() < pageRows && (smallRows || bytes < pageBytes);
        if (!allHere || !rows.isEmpty()) {
            smallRows = allHere && JournalReader.areSmall(rows);
        }
        return new Page(rows, toTheEnd, xmin, xmax, heldBack);
    }

    /** Moves on to the watermark without reading rows. */
    private Page passOver(PreparedStatement statement) throws SQLException {
        try (ResultSet result = statement.executeQuery()) {
            result.next();
            if (result.getString(4) != null) {
                Position newest = new Position(Long.parseUnsignedLong(result.getString(4)), result.getLong(5));
                position = newest.isAfter(position) ? newest : position;
            }
            return new Page(List.of(), true, Long.parseUnsignedLong(result.getString(1)),
                    Long.parseUnsignedLong(result.getString(2)), result.getBoolean(3));
        }
    }

    /** The oldest commit of this node that is complete with this page and was not before; 0: none. */
    private long complete(Page page, long lookedAtMs, long committed) {
        unseenSinceNanos = unseenSinceNanos == 0 ? committed : unseenSinceNanos;
        if (!page.toTheEnd()) {
            return 0;
        }
        long oldest = 0;
        while (!looks.isEmpty() && (!page.rowsHeldBack()
                || Long.compareUnsigned(looks.getFirst().xmax(), page.xmin()) <= 0)) {
            Look look = looks.removeFirst();
            completeTimeMs = Math.max(completeTimeMs, look.timeMs());
            oldest = oldest == 0 ? look.committedNanos() : oldest;
        }
        if (!page.rowsHeldBack()) {
            completeTimeMs = Math.max(completeTimeMs, lookedAtMs);
            oldest = oldest == 0 ? unseenSinceNanos : oldest;
            unseenSinceNanos = 0;
        } else if (looks.isEmpty() || lookedAtMs > looks.getLast().timeMs() && looks.size() < 10_000) {
            // A look a millisecond is enough: a stuck transaction must not make the list long.
            looks.addLast(new Look(lookedAtMs, page.xmax(), unseenSinceNanos));
            unseenSinceNanos = 0;
        }
        return oldest;
    }

    private void watchHeldBack(Connection connection, Page page) throws SQLException {
        long now = System.nanoTime();
        if (!page.rowsHeldBack() || page.xmin() != heldBackAtXmin) {
            if (warned) {
                LOG.info("The feed goes on: the transaction that held committed entries back has ended");
                warned = false;
            }
            heldBackAtXmin = page.rowsHeldBack() ? page.xmin() : 0;
            heldBackSinceNanos = now;
        }
        watermarkAgeNanos = page.rowsHeldBack() ? now - heldBackSinceNanos : 0;
        if (!warned && watermarkAgeNanos > heldBackWarning.toNanos()) {
            warned = true;
            LOG.warn("Committed entries have been held back from the feed for {} ms by {}",
                    TimeUnit.NANOSECONDS.toMillis(watermarkAgeNanos), blocker(connection));
        }
    }

    private static String blocker(Connection connection) throws SQLException {
        String query = "SELECT pid, datname, usename, application_name, state, age(backend_xid) FROM pg_stat_activity"
                + " WHERE backend_xid IS NOT NULL ORDER BY age(backend_xid) DESC LIMIT 1";
        try (PreparedStatement statement = connection.prepareStatement(query); ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return "a transaction that no session shows (a prepared one?)";
            }
            return "PostgreSQL session pid " + row.getInt(1) + " (database " + row.getString(2) + ", user " + row.getString(3)
                    + ", application '" + row.getString(4) + "', " + row.getString(5) + "): end it with pg_terminate_backend("
                    + row.getInt(1) + ")";
        }
    }

    private void pause(long nanos) {
        if (closed) {
            return;
        }
        try {
            wakeUps.await(nanos);
        } catch (InterruptedException e) {
            // Only close() interrupts.
            Thread.currentThread().interrupt();
        }
    }
}
