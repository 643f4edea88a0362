package io.stockledger.server.journal;

import io.stockledger.server.domain.IdsPart;
import io.stockledger.server.journal.RowWriter.Sessions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes snapshots off the way of answers: nobody waits for one. It only shortens a replay, so one that fails, or that
 * finds too many others waiting, is let go; the SKU's next is due as before.
 */
final class SnapshotWriter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SnapshotWriter.class);
    /** A snapshot takes up to some MiB. */
    private static final int WAITING_MAX = 32;

    private static final String UPSERT = "INSERT INTO snapshot (persistence_id, sequence_number, created,"
            + " snapshot_ser_id, snapshot_ser_manifest, snapshot_payload) VALUES (?, ?, ?, "
            + JournalSerializer.IDENTIFIER + ", '" + JournalSerializer.SNAPSHOT + "', ?)"
            + " ON CONFLICT (persistence_id, sequence_number) DO UPDATE"
            + " SET created = excluded.created, snapshot_payload = excluded.snapshot_payload";

    private static final String HOLD = "UPDATE snapshot_part SET newest_snapshot = greatest(newest_snapshot, ?)"
            + " WHERE persistence_id = ? AND part = ANY (?) RETURNING part";
    private static final String INSERT_PART =
            "INSERT INTO snapshot_part (persistence_id, part, newest_snapshot, payload) VALUES (?, ?, ?, ?)";

    private record Waiting(long rowNumber, long createdMs, Snapshot snapshot) {}

    private final Sessions sessions;
    private final PartNames names = new PartNames();
    private final Object lock = new Object();
    /** The newest of each SKU. */
    private final Map<String, Waiting> waiting = new LinkedHashMap<>();
    private boolean closed;

    SnapshotWriter(Sessions sessions) {
        this.sessions = sessions;
        Thread thread = new Thread(this::work, "journal-snapshots");
        thread.setDaemon(true);
        thread.start();
    }

    /** Takes a snapshot of the SKU after its row of this number; false: too many wait. */
    boolean write(String sku, long rowNumber, long createdMs, Snapshot snapshot) {
        synchronized (lock) {
            if (!closed && (waiting.size() < WAITING_MAX || waiting.containsKey(sku))) {
                waiting.put(sku, new Waiting(rowNumber, createdMs, snapshot));
                lock.notifyAll();
                return true;
            }
            return false;
        }
    }

    private void work() {
        while (true) {
            Map.Entry<String, Waiting> next;
            synchronized (lock) {
                while (waiting.isEmpty() && !closed) {
                    try {
                        lock.wait();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        return;
                    }
                }
                if (closed) {
                    return;
                }
                Iterator<Map.Entry<String, Waiting>> oldest = waiting.entrySet().iterator();
                Map.Entry<String, Waiting> entry = oldest.next();
                next = Map.entry(entry.getKey(), entry.getValue());
                oldest.remove();
            }
            write(next.getKey(), next.getValue());
        }
    }

    private void write(String sku, Waiting taken) {
        try {
            write(sku, taken, StoredSnapshot.of(taken.snapshot(), names));
        } catch (SQLException | RuntimeException | Error e) {
            LOG.warn("A snapshot of {} was not written, the SKU goes on without: {}", sku, e.toString());
        }
    }

    private void write(String sku, Waiting taken, StoredSnapshot snapshot) throws SQLException {
        try (Connection connection = sessions.lend()) {
            connection.setAutoCommit(false);
            try {
                keepItShort(connection);
                writeParts(connection, sku, taken.rowNumber(), snapshot.parts());
                write(connection, sku, taken, snapshot.payload());
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    /**
     * The feed waits for whoever writes; a snapshot may be lost, so nobody waits for its way to the disk too. And the
     * table's trigger keeps the plan of its first runs: made while there are few snapshots, it would read them all, for good.
     */
    private static void keepItShort(Connection connection) throws SQLException {
        try (Statement settings = connection.createStatement()) {
            settings.execute("SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off");
        }
    }

    /** Most are there, from the snapshot before. */
    private static void writeParts(Connection connection, String sku, long rowNumber, Map<Long, IdsPart> parts) throws SQLException {
        if (parts.isEmpty()) {
            return;
        }
        Set<Long> missing = new LinkedHashSet<>(parts.keySet());
        try (PreparedStatement hold = connection.prepareStatement(HOLD)) {
            hold.setLong(1, rowNumber);
            hold.setString(2, sku);
            hold.setArray(3, connection.createArrayOf("int8", parts.keySet().toArray()));
            try (ResultSet held = hold.executeQuery()) {
                while (held.next()) {
                    missing.remove(held.getLong(1));
                }
            }
        }
        for (long part : missing) {
            try (PreparedStatement insert = connection.prepareStatement(INSERT_PART)) {
                insert.setString(1, sku);
                insert.setLong(2, part);
                insert.setLong(3, rowNumber);
                insert.setBytes(4, StoredSnapshot.bytes(parts.get(part).words()));
                insert.executeUpdate();
            }
        }
    }

    private static void write(Connection connection, String sku, Waiting taken, byte[] payload) throws SQLException {
        try (PreparedStatement upsert = connection.prepareStatement(UPSERT)) {
            upsert.setString(1, sku);
            upsert.setLong(2, taken.rowNumber());
            upsert.setLong(3, taken.createdMs());
            upsert.setBytes(4, payload);
            upsert.executeUpdate();
        }
    }

    /** Ends after the snapshot that is being written; others are let go. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
    }
}
