package io.stockledger.server.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two ledgers that know nothing of each other off one database: each would answer from what it last saw. A
 * ledger alone holds an advisory lock for itself; nodes of one cluster share it. The lock is a session's, so it ends
 * with the process, however that ends; where the database was away it is taken again. Where another has taken it by
 * then, this ledger is told that it may not go on: what it has in memory may be old.
 */
public final class SoleLedger implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SoleLedger.class);
    /** Any number will do that nobody else takes: "SLEDGER" in ASCII. */
    private static final long KEY = 0x534C4544474552L;
    /** A process that was killed may leave its session for a moment. */
    private static final long PATIENCE_MS = 5_000;
    private static final long LOOK_EVERY_MS = 2_000;
    private static final long END_WAIT_MS = 5_000;

    private final Database database;
    private final boolean shared;
    private final Runnable onLost;
    private final Thread watch;
    private Connection session;
    /** Of the newest session that may hold the lock. */
    private Optional<Backend> backend = Optional.empty();

    private SoleLedger(Database database, boolean shared, Runnable onLost) {
        this.database = database;
        this.shared = shared;
        this.onLost = onLost;
        this.watch = new Thread(this::watch, "sole-ledger");
        this.watch.setDaemon(true);
    }

    /** The session's other end, in the store. */
    private record Backend(int pid, String begun) {}

    /**
     * @param shared this ledger is a node of a cluster: others of it may hold the lock too
     * @param onLost told once if another ledger has taken the lock while the database was away from this one
     */
    public static SoleLedger on(Database database, boolean shared, Runnable onLost) throws SQLException {
        SoleLedger sole = new SoleLedger(database, shared, onLost);
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
        while (!sole.take()) {
            if (System.nanoTime() > deadline) {
                throw new StartupException("Another ledger is running on the database at " + database.address()
                        + ": stop it first. Several nodes on one database need the same seed-nodes.");
            }
            sleep(100);
        }
        sole.watch.start();
        return sole;
    }

    private boolean take() throws SQLException {
        Connection connection = database.connect();
        boolean taken = false;
        try {
            if (backend.isPresent()) {
                end(backend.get(), connection);
            }
            // Before the lock is asked for: the answer to that may be lost, and the lock be held.
            backend = Optional.of(backendOf(connection));
            taken = tryLock(connection);
            if (taken) {
                session = connection;
            }
            return taken;
        } finally {
            if (!taken) {
                connection.close();
            }
        }
    }

    private boolean tryLock(Connection connection) throws SQLException {
        String function = shared ? "pg_try_advisory_lock_shared" : "pg_try_advisory_lock";
        try (PreparedStatement take = connection.prepareStatement("SELECT " + function + "(?)")) {
            take.setLong(1, KEY);
            try (ResultSet taken = take.executeQuery()) {
                return taken.next() && taken.getBoolean(1);
            }
        }
    }

    private static Backend backendOf(Connection connection) throws SQLException {
        try (PreparedStatement ask = connection.prepareStatement(
                "SELECT pid, extract(epoch FROM backend_start)::text FROM pg_stat_activity WHERE pid = pg_backend_pid()");
                ResultSet row = ask.executeQuery()) {
            row.next();
            return new Backend(row.getInt(1), row.getString(2));
        }
    }

    /** The store may not know yet that a session of ours has lost its other end, and keep the lock for it, for hours. */
    private static void end(Backend lost, Connection connection) throws SQLException {
        try (PreparedStatement end = connection.prepareStatement("SELECT pg_terminate_backend(pid, " + END_WAIT_MS + ")"
                + " FROM pg_stat_activity WHERE pid = ? AND extract(epoch FROM backend_start)::text = ?")) {
            end.setInt(1, lost.pid());
            end.setString(2, lost.begun());
            try (ResultSet ended = end.executeQuery()) {
                if (ended.next() && !ended.getBoolean(1)) {
                    throw new SQLException("the session that was lost, pid " + lost.pid() + ", does not end");
                }
            }
        }
    }

    private void watch() {
        boolean held = true;
        while (true) {
            sleep(LOOK_EVERY_MS);
            if (Thread.currentThread().isInterrupted()) {
                return;
            }
            try {
                if (held && session.isValid(2)) {
                    continue;
                }
                session.abort(Runnable::run);
                held = take();
                if (!held) {
                    onLost.run();
                    return;
                }
            } catch (SQLException away) {
                held = false;
            }
        }
    }

    private static void sleep(long ms) {
        try {
            TimeUnit.MILLISECONDS.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        watch.interrupt();
        try {
            watch.join();
            session.close();
        } catch (SQLException e) {
            LOG.debug("The lock's session was gone already", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
