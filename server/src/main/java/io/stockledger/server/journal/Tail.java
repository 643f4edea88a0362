package io.stockledger.server.journal;

import com.typesafe.config.Config;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Semaphore;
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
    /** While committed rows wait for the watermark the tail looks again soon, at first after this long. */
    private static final long HELD_BACK_PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(500);
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
    private final Semaphore wakeUps = new Semaphore(0);
    private final Thread thread;
    private volatile boolean closed;

    private Position position;
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
        if (wakeUps.availablePermits() == 0) {
            wakeUps.release();
        }
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
                    PreparedStatement statement = connection.prepareStatement(query())) {
                connection.setNetworkTimeout(Runnable::run, STATEMENT_TIMEOUT_MS);
                if (away) {
                    LOG.info("The tail reads the journal again");
                    away = false;
                }
                // What was known of running transactions is void after a crash: ids that wrote nothing may come again.
                looks.clear();
                followOn(connection, statement);
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

    private void followOn(Connection connection, PreparedStatement statement) throws SQLException {
        long pauseNanos = HELD_BACK_PAUSE_NANOS;
        while (!closed) {
            wakeUps.drainPermits();
            long committed = committedNanos.getAndSet(0);
            long before = clock.millis();
            Page page = read(statement);
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
            if (page.rowsHeldBack()) {
                pauseNanos = page.rows().isEmpty() ? Math.min(pauseNanos * 2, HELD_BACK_PAUSE_NANOS_MAX) : HELD_BACK_PAUSE_NANOS;
                pause(pauseNanos);
            } else {
                pauseNanos = HELD_BACK_PAUSE_NANOS;
                pause(pollInterval.toNanos());
            }
        }
    }

    /**
     * One statement, so that rows, watermark and what is held back are seen in one snapshot. The
     * columns in ORDER BY are qualified: sorting by the text beside them would be wrong, and slow.
     * That rows are held back is read off the newest one: a search for them is planned as a scan of
     * the whole table.
     */
    String query() {
        return "SELECT s.xmin::text, s.xmax::text,"
                + " coalesce((SELECT h.tx FROM event_journal h ORDER BY h.tx DESC, h.ordering DESC LIMIT 1) >= s.xmin, false),"
                + " j.tx::text AS tx_text, j.ordering, j.persistence_id, j.sequence_number, j.event_payload"
                + " FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xmin, pg_snapshot_xmax(pg_current_snapshot()) AS xmax) s"
                + " LEFT JOIN ("
                + "  SELECT r.*, sum(octet_length(r.event_payload)) OVER (ORDER BY r.tx, r.ordering) - octet_length(r.event_payload) AS bytes_before"
                + "  FROM (SELECT j.* FROM event_journal j WHERE (j.tx, j.ordering) > (CAST(? AS xid8), ?) AND " + JournalReader.BELOW_WATERMARK
                + "   ORDER BY j.tx, j.ordering LIMIT " + pageRows + ") r"
                + " ) j ON j.bytes_before < " + pageBytes
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
        try (ResultSet result = statement.executeQuery()) {
            while (result.next()) {
                xmin = Long.parseUnsignedLong(result.getString(1));
                xmax = Long.parseUnsignedLong(result.getString(2));
                heldBack = result.getBoolean(3);
                if (result.getString(4) != null) {
                    JournalRow row = JournalReader.row(result, 4);
                    rows.add(row);
                    bytes += row.payload().length;
                }
            }
        }
        return new Page(rows, rows.size() < pageRows && bytes < pageBytes, xmin, xmax, heldBack);
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
            wakeUps.tryAcquire(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            // Only close() interrupts.
            Thread.currentThread().interrupt();
        }
    }
}
