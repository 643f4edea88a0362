package io.stockledger.server.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps two ledgers that know nothing of each other off one database: each would answer from what it last saw. A
 * ledger alone holds an advisory lock for itself; nodes of one cluster share it. The lock is a session's, so it ends
 * with the process, however that ends; where the database was away it is taken again.
 */
public final class SoleLedger implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SoleLedger.class);
    /** Any number will do that nobody else takes: "SLEDGER" in ASCII. */
    private static final long KEY = 0x534C4544474552L;
    /** A process that was killed may leave its session for a moment. */
    private static final long PATIENCE_MS = 5_000;
    private static final long LOOK_EVERY_MS = 2_000;

    private final Database database;
    private final boolean shared;
    private final Thread watch;
    private Connection session;

    private SoleLedger(Database database, boolean shared) {
        this.database = database;
        this.shared = shared;
        this.watch = new Thread(this::watch, "sole-ledger");
        this.watch.setDaemon(true);
    }

    /** @param shared this ledger is a node of a cluster: others of it may hold the lock too */
    public static SoleLedger on(Database database, boolean shared) throws SQLException {
        SoleLedger sole = new SoleLedger(database, shared);
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
        session = database.connect();
        String function = shared ? "pg_try_advisory_lock_shared" : "pg_try_advisory_lock";
        try (PreparedStatement take = session.prepareStatement("SELECT " + function + "(?)")) {
            take.setLong(1, KEY);
            try (ResultSet taken = take.executeQuery()) {
                if (taken.next() && taken.getBoolean(1)) {
                    return true;
                }
            }
        }
        session.close();
        return false;
    }

    private void watch() {
        boolean held = true;
        while (!Thread.currentThread().isInterrupted()) {
            sleep(LOOK_EVERY_MS);
            try {
                if (held && session.isValid(2)) {
                    continue;
                }
                held = take();
                if (!held) {
                    LOG.error("Another ledger has taken over the database while it was away: stop one of the two.");
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
