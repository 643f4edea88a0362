package io.stockledger.server.journal;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the rows of all SKUs. While its sessions are at work it gathers what arrives; a session that comes free takes
 * all of it into one transaction of one statement. A row that the store refuses fails alone: its transaction left
 * nothing behind, so its neighbours are written again without it.
 */
final class RowWriter implements AutoCloseable {
    /** Where sessions of the store are lent from. */
    interface Sessions {
        Connection lend() throws SQLException;
    }

    /** A row to be written. */
    record NewRow(String sku, long number, String writer, long timestampMs, GroupRow group) {}

    /** What became of a write; told once, and to return soon. May be told after the write counts as settled. */
    interface Outcome {
        void written();

        /** It is not in the journal: the store looked at it and refused. */
        void refused(SQLException why);

        /** Nobody knows: the store could not be reached, or stopped answering. */
        void unknown(Throwable why);
    }

    private static final Logger LOG = LoggerFactory.getLogger(RowWriter.class);
    /** Told by one task: so many that threads seldom hand over, so few that the last does not wait for long. */
    private static final int TOLD_TOGETHER_MAX = 128;
    /** Bounds the time of a transaction, which holds back the feed's watermark. */
    private static final long BYTES_MAX = 8L << 20;
    /** How long a transaction that was refused is split for, before the rest of it counts as of unknown outcome. */
    private static final long SPLITTING_NANOS_MAX = TimeUnit.SECONDS.toNanos(5);

    private static final String COLUMNS = "event_journal (persistence_id, sequence_number, writer, write_timestamp,"
            + " adapter_manifest, event_ser_id, event_ser_manifest, event_payload, first_sequence, announced_due, row_bytes)";
    private static final int COLUMN_COUNT = 11;
    private static final String INSERT = "INSERT INTO " + COLUMNS + " VALUES (?, ?, ?, ?, '', "
            + JournalSerializer.IDENTIFIER + ", ?, ?, ?, ?, ?)";
    private static final int NULL_FIELD = -1;
    private static final String COPY = "COPY " + COLUMNS + " FROM STDIN (FORMAT binary)";

    private static final Comparator<NewRow> BY_SKU = Comparator.comparing(NewRow::sku);

    /** Rows that are written together or not at all. */
    private static final class Write {
        final List<NewRow> rows;
        final Outcome outcome;
        boolean told;

        Write(List<NewRow> rows, Outcome outcome) {
            this.rows = rows;
            this.outcome = outcome;
        }
    }

    /** Writes of one SKU that wait or are under way, and who wants to know when none is. */
    private static final class Unsettled {
        int writes;
        List<Runnable> then = List.of();
    }

    private final Sessions sessions;
    private final int waitingMax;
    private final int rowsMax;
    private final Executor tellsWritten;
    private final List<Thread> threads = new ArrayList<>();

    private final Object lock = new Object();
    private final ArrayDeque<Write> waiting = new ArrayDeque<>();
    private final Map<String, Unsettled> unsettled = new HashMap<>();
    private boolean closed;

    /**
     * @param sessionsAtOnce transactions under way at once: while one waits for the disk another is put together
     * @param waitingMax writes that may wait
     * @param rowsMax rows a transaction
     * @param tellsWritten runs the tasks that tell of what was written, each of several writes of one transaction; the
     *     other outcomes are told by the thread that meets them
     */
    RowWriter(Sessions sessions, int sessionsAtOnce, int waitingMax, int rowsMax, Executor tellsWritten) {
        this.sessions = sessions;
        this.waitingMax = waitingMax;
        this.rowsMax = rowsMax;
        this.tellsWritten = tellsWritten;
        for (int i = 0; i < sessionsAtOnce; i++) {
            Thread thread = new Thread(this::work, "journal-writer-" + (i + 1));
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        }
    }

    /** Writes rows of one SKU, all or none; at once, or with what else waits when a session comes free. */
    void write(List<NewRow> rows, Outcome outcome) {
        synchronized (lock) {
            if (!closed && waiting.size() < waitingMax) {
                waiting.add(new Write(rows, outcome));
                unsettled.computeIfAbsent(rows.get(0).sku(), sku -> new Unsettled()).writes++;
                lock.notify();
                return;
            }
        }
        outcome.unknown(new IllegalStateException(
                closed ? "the journal is closing" : waitingMax + " rows wait for the store already"));
    }

    /** Runs once no row of the SKU waits or is under way: now, or by a thread of the writer. */
    void whenSettled(String sku, Runnable then) {
        synchronized (lock) {
            Unsettled writes = unsettled.get(sku);
            if (writes != null) {
                writes.then = new ArrayList<>(writes.then);
                writes.then.add(then);
                return;
            }
        }
        then.run();
    }

    private void work() {
        List<Write> writes = take();
        while (!writes.isEmpty()) {
            Throwable failure = null;
            try (Connection connection = sessions.lend()) {
                insert(connection, writes, System.nanoTime() + SPLITTING_NANOS_MAX);
            } catch (SQLException | RuntimeException | Error e) {
                // Whatever it was, those who wait are told, and the next rows are tried.
                failure = e;
            }
            settle(writes, failure);
            writes = take();
        }
    }

    /** What waits, up to the bounds of a transaction; empty: closed, and nothing waits. */
    private List<Write> take() {
        synchronized (lock) {
            while (waiting.isEmpty() && !closed) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return List.of();
                }
            }
            List<Write> taken = new ArrayList<>(Math.min(waiting.size(), rowsMax));
            int rows = 0;
            long bytes = 0;
            while (!waiting.isEmpty() && rows < rowsMax && bytes < BYTES_MAX) {
                Write write = waiting.poll();
                taken.add(write);
                rows += write.rows.size();
                for (NewRow row : write.rows) {
                    bytes += row.group().bytes().length;
                }
            }
            return taken;
        }
    }

    /**
     * Writes in one transaction; where the store refuses a row of them, in halves, down to that row.
     *
     * @throws SQLException what became of writes that were not told is unknown
     */
    private void insert(Connection connection, List<Write> writes, long splitUntilNanos) throws SQLException {
        try {
            List<NewRow> rows = new ArrayList<>(writes.size());
            writes.forEach(write -> rows.addAll(write.rows));
            // SKUs that are neighbours in the store's indexes one after the other: a twelfth less work for it.
            rows.sort(BY_SKU);
            if (rows.size() == 1) {
                insert(connection, rows.get(0));
            } else {
                copy(connection, rows);
            }
        } catch (SQLException e) {
            if (!isForItsRows(e) || System.nanoTime() - splitUntilNanos > 0) {
                throw e;
            }
            if (writes.size() == 1) {
                tell(writes.get(0), () -> writes.get(0).outcome.refused(e));
            } else {
                insert(connection, writes.subList(0, writes.size() / 2), splitUntilNanos);
                insert(connection, writes.subList(writes.size() / 2, writes.size()), splitUntilNanos);
            }
            return;
        }
        for (int from = 0; from < writes.size(); from += TOLD_TOGETHER_MAX) {
            List<Write> some = writes.subList(from, Math.min(writes.size(), from + TOLD_TOGETHER_MAX));
            tellsWritten.execute(() -> some.forEach(RowWriter::tellWritten));
            some.forEach(write -> write.told = true);
        }
    }

    /** One that throws must not keep the others from being told. */
    private static void tellWritten(Write write) {
        try {
            write.outcome.written();
        } catch (RuntimeException e) {
            LOG.warn("Nobody could be told that a row of {} is written", write.rows.get(0).sku(), e);
        }
    }

    /**
     * Whether the store refused what it was given (22, 23: data and constraints; 55P03: a key that another transaction
     * has in hand). Such a statement was rolled back, for sure.
     */
    private static boolean isForItsRows(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("22") || state.startsWith("23") || state.equals("55P03");
    }

    /** One row alone: one round trip to the store. */
    private static void insert(Connection connection, NewRow row) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            insert.setString(1, row.sku());
            insert.setLong(2, row.number());
            insert.setString(3, row.writer());
            insert.setLong(4, row.timestampMs());
            byte[] payload = RowPacking.packed(row.group());
            insert.setString(5, RowPacking.layout(payload));
            insert.setBytes(6, payload);
            insert.setLong(7, row.group().firstSequence());
            insert.setLong(8, row.group().announcedDueMs());
            insert.setObject(9, RowPacking.isPacked(payload) ? row.group().bytes().length : null, Types.INTEGER);
            insert.executeUpdate();
        }
    }

    /** Many rows: the store takes them in pages, with less work and log a row. */
    private static void copy(Connection connection, List<NewRow> rows) throws SQLException {
        byte[] bytes = binaryCopy(rows);
        CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn(COPY);
        try {
            copy.writeToCopy(bytes, 0, bytes.length);
            copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    /** PostgreSQL's binary COPY format: a signature, then for each row its number of fields, and each with its length. */
    private static byte[] binaryCopy(List<NewRow> rows) {
        int size = 32;
        List<byte[]> payloads = new ArrayList<>(rows.size());
        for (NewRow row : rows) {
            byte[] payload = RowPacking.packed(row.group());
            payloads.add(payload);
            size += 184 + row.sku().length() * 3 + payload.length;
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(size);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.write(new byte[] {'P', 'G', 'C', 'O', 'P', 'Y', '\n', (byte) 0xFF, '\r', '\n', 0});
            out.writeInt(0);
            out.writeInt(0);
            for (int i = 0; i < rows.size(); i++) {
                NewRow row = rows.get(i);
                out.writeShort(COLUMN_COUNT);
                writeField(out, utf8(row.sku()));
                writeField(out, row.number());
                writeField(out, utf8(row.writer()));
                writeField(out, row.timestampMs());
                out.writeInt(0);
                out.writeInt(Integer.BYTES);
                out.writeInt(JournalSerializer.IDENTIFIER);
                writeField(out, utf8(RowPacking.layout(payloads.get(i))));
                writeField(out, payloads.get(i));
                writeField(out, row.group().firstSequence());
                writeField(out, row.group().announcedDueMs());
                if (RowPacking.isPacked(payloads.get(i))) {
                    out.writeInt(Integer.BYTES);
                    out.writeInt(row.group().bytes().length);
                } else {
                    out.writeInt(NULL_FIELD);
                }
            }
            out.writeShort(-1);
        } catch (IOException e) {
            throw new IllegalStateException("a buffer in memory does not fail", e);
        }
        return bytes.toByteArray();
    }

    private static void writeField(DataOutputStream out, byte[] field) throws IOException {
        out.writeInt(field.length);
        out.write(field);
    }

    private static void writeField(DataOutputStream out, long field) throws IOException {
        out.writeInt(Long.BYTES);
        out.writeLong(field);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void tell(Write write, Runnable outcome) {
        write.told = true;
        outcome.run();
    }

    private void settle(List<Write> writes, Throwable failure) {
        List<Runnable> then = new ArrayList<>();
        for (Write write : writes) {
            if (!write.told) {
                tell(write, () -> write.outcome.unknown(failure));
            }
        }
        synchronized (lock) {
            for (Write write : writes) {
                String sku = write.rows.get(0).sku();
                Unsettled left = unsettled.get(sku);
                if (--left.writes == 0) {
                    unsettled.remove(sku);
                    then.addAll(left.then);
                }
            }
        }
        then.forEach(Runnable::run);
    }

    /** Writes what waits, then ends. */
    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
    }
}
