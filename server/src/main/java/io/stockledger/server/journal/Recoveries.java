package io.stockledger.server.journal;

import io.stockledger.server.journal.RowWriter.Sessions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Reads what SKUs need to come back. A SKU asks once; many that ask while a read is under way are read together, in
 * two statements: newest row numbers and snapshots, then the rows after them. A SKU without rows, as each is at its
 * first touch, costs one index look-up. Where the store can't read them together, it reads each alone: one that it
 * can't read at all keeps no other away.
 */
final class Recoveries implements AutoCloseable {
    /** A SKU's newest snapshot; empty, where it is still to be read by itself. */
    record Newest(long rowNumber, long createdMs, Optional<StoredSnapshot> stored) {}

    /** A row as it is stored, with what the persistence plugin wants to know of it. */
    record StoredRow(long number, String writer, long timestampMs, byte[] payload) {}

    /**
     * What a SKU comes back from.
     *
     * @param newestRow number of its newest row; 0: it has none
     * @param rows those after the snapshot, up to the newest or as far as was read ahead
     */
    record Past(Optional<Newest> snapshot, long newestRow, List<StoredRow> rows) {
        /** The row that the snapshot was taken after; 0: there is none. */
        long snapshotRow() {
            return snapshot.map(Newest::rowNumber).orElse(0L);
        }
    }

    private static final int SKUS_A_READ = 256;
    /** How long a session that met an error may take to show that it is alive. */
    private static final int ALIVE_SECONDS_MAX = 5;
    /** SQLState of a statement that the store gave up: alone each might take as long again. */
    private static final String TOOK_TOO_LONG = "57014";
    /** Read ahead a SKU; the rest comes in pages. */
    private static final int ROWS_AHEAD = 100;
    private static final long BYTES_AHEAD = 64 << 10;

    private static final String NEWEST = "SELECT w.place, j.sequence_number, s.sequence_number, s.created,"
            + " CASE WHEN octet_length(s.snapshot_payload) <= " + BYTES_AHEAD
            + "  AND NOT EXISTS (SELECT 1 FROM snapshot_part p WHERE p.persistence_id = w.sku) THEN s.snapshot_payload END"
            + " FROM unnest(?::text[]) WITH ORDINALITY w(sku, place)"
            + " CROSS JOIN LATERAL (SELECT r.sequence_number FROM event_journal r WHERE r.persistence_id = w.sku"
            + "  ORDER BY r.sequence_number DESC LIMIT 1) j"
            + " LEFT JOIN LATERAL (SELECT * FROM snapshot n WHERE n.persistence_id = w.sku"
            + "  ORDER BY n.sequence_number DESC LIMIT 1) s ON true";
    private static final String ROWS = "SELECT w.place, j.sequence_number, j.writer, j.write_timestamp, j.event_payload"
            + " FROM unnest(?::text[], ?::bigint[]) WITH ORDINALITY w(sku, after, place)"
            + " CROSS JOIN LATERAL ("
            + "  SELECT r.*, sum(" + JournalReader.bytesOf("r") + ") OVER (ORDER BY r.sequence_number) AS bytes FROM ("
            + "   SELECT * FROM event_journal r WHERE r.persistence_id = w.sku AND r.sequence_number > w.after"
            + "   ORDER BY r.sequence_number LIMIT " + ROWS_AHEAD + ") r) j"
            + " WHERE j.bytes <= " + BYTES_AHEAD + " ORDER BY w.place, j.sequence_number";
    private static final String PAGE = "SELECT j.sequence_number, j.writer, j.write_timestamp, j.event_payload FROM ("
            + " SELECT r.*, " + JournalReader.bytesBefore("r", "r.sequence_number") + " FROM ("
            + "  SELECT * FROM event_journal r WHERE r.persistence_id = ? AND r.sequence_number BETWEEN ? AND ?"
            + "  ORDER BY r.sequence_number LIMIT ?) r) j"
            + " WHERE j.bytes_before < " + (1 << 20) + " ORDER BY j.sequence_number";

    private sealed interface Question {
        boolean isAnswered();

        void fail(Throwable why);
    }

    private record PastOf(String sku, CompletableFuture<Past> answer) implements Question {
        @Override
        public boolean isAnswered() {
            return answer.isDone();
        }

        @Override
        public void fail(Throwable why) {
            answer.completeExceptionally(why);
        }
    }

    private record PageOf(String sku, long from, long to, int rowsMax, CompletableFuture<List<StoredRow>> answer)
            implements Question {
        @Override
        public boolean isAnswered() {
            return answer.isDone();
        }

        @Override
        public void fail(Throwable why) {
            answer.completeExceptionally(why);
        }
    }

    private final Sessions sessions;
    private final Object lock = new Object();
    private final ArrayDeque<Question> waiting = new ArrayDeque<>();
    private boolean closed;

    Recoveries(Sessions sessions, int sessionsAtOnce) {
        this.sessions = sessions;
        for (int i = 0; i < sessionsAtOnce; i++) {
            Thread thread = new Thread(this::work, "journal-recovery-" + (i + 1));
            thread.setDaemon(true);
            thread.start();
        }
    }

    /** What the SKU comes back from, all of it as it stood at one moment. Completed by a thread of the reader. */
    CompletableFuture<Past> past(String sku) {
        CompletableFuture<Past> answer = new CompletableFuture<>();
        ask(new PastOf(sku, answer));
        return answer;
    }

    /** The SKU's rows of these numbers, oldest first, as far as a page goes; it holds a row if there is one. */
    CompletableFuture<List<StoredRow>> page(String sku, long from, long to, int rowsMax) {
        CompletableFuture<List<StoredRow>> answer = new CompletableFuture<>();
        ask(new PageOf(sku, from, to, rowsMax, answer));
        return answer;
    }

    private void ask(Question question) {
        synchronized (lock) {
            if (!closed) {
                waiting.add(question);
                lock.notify();
                return;
            }
        }
        question.fail(new IllegalStateException("the journal is closing"));
    }

    private void work() {
        List<Question> questions = take();
        while (!questions.isEmpty()) {
            try (Connection connection = sessions.lend()) {
                answer(connection, questions);
            } catch (SQLException | RuntimeException | Error e) {
                questions.forEach(question -> question.fail(e));
            }
            questions = take();
        }
    }

    private List<Question> take() {
        synchronized (lock) {
            while (waiting.isEmpty() && !closed) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return List.of();
                }
            }
            List<Question> taken = new ArrayList<>();
            while (!waiting.isEmpty() && taken.size() < SKUS_A_READ) {
                taken.add(waiting.poll());
            }
            return taken;
        }
    }

    private void answer(Connection connection, List<Question> questions) throws SQLException {
        try {
            answerTogether(connection, questions);
        } catch (SQLException e) {
            if (TOOK_TOO_LONG.equals(e.getSQLState()) || !connection.isValid(ALIVE_SECONDS_MAX)) {
                throw e;
            }
            if (questions.size() == 1) {
                questions.get(0).fail(e);
                return;
            }
            for (Question question : questions) {
                if (!question.isAnswered()) {
                    answer(connection, List.of(question));
                }
            }
        }
    }

    private void answerTogether(Connection connection, List<Question> questions) throws SQLException {
        List<PastOf> pasts = new ArrayList<>();
        for (Question question : questions) {
            if (question instanceof PastOf past) {
                pasts.add(past);
            }
        }
        if (!pasts.isEmpty()) {
            List<Past> found = pasts(connection, pasts.stream().map(PastOf::sku).toList());
            for (int i = 0; i < found.size(); i++) {
                PastOf past = pasts.get(i);
                // Where a newer snapshot has taken its place, all of it is read again.
                whole(connection, past.sku(), found.get(i)).ifPresentOrElse(past.answer()::complete, () -> ask(past));
            }
        }
        for (Question question : questions) {
            if (question instanceof PageOf page) {
                page.answer().complete(page(connection, page));
            }
        }
    }

    /** With its snapshot, if that was too large to be read beside 255 others; empty: it is there no more. */
    private static Optional<Past> whole(Connection connection, String sku, Past past) throws SQLException {
        if (past.snapshot().isEmpty() || past.snapshot().get().stored().isPresent()) {
            return Optional.of(past);
        }
        Newest known = past.snapshot().get();
        return StoredSnapshot.find(connection, sku, known.rowNumber()).map(stored -> new Past(
                Optional.of(new Newest(known.rowNumber(), known.createdMs(), Optional.of(stored))), past.newestRow(), past.rows()));
    }

    private static List<Past> pasts(Connection connection, List<String> skus) throws SQLException {
        Past[] found = new Past[skus.size()];
        try (PreparedStatement newest = Database.prepareForBytes(connection, NEWEST)) {
            newest.setArray(1, connection.createArrayOf("text", skus.toArray()));
            try (ResultSet row = newest.executeQuery()) {
                while (row.next()) {
                    byte[] small = row.getBytes(5);
                    long snapshotRow = row.getLong(3);
                    found[row.getInt(1) - 1] = new Past(snapshotRow == 0 ? Optional.empty()
                            : Optional.of(new Newest(snapshotRow, row.getLong(4), Optional.ofNullable(small)
                                    .map(payload -> new StoredSnapshot(payload, Map.of())))),
                            row.getLong(2), List.of());
                }
            }
        }
        List<Integer> behind = new ArrayList<>();
        for (int i = 0; i < found.length; i++) {
            if (found[i] == null) {
                found[i] = new Past(Optional.empty(), 0, List.of());
            } else if (found[i].newestRow() > found[i].snapshotRow()) {
                behind.add(i);
            }
        }
        if (!behind.isEmpty()) {
            Map<Integer, List<StoredRow>> rows = rowsAhead(connection, skus, found, behind);
            rows.forEach((place, ahead) -> {
                // A row that came in between the two statements is left to the next recovery, as if it were later.
                ahead.removeIf(row -> row.number() > found[place].newestRow());
                found[place] = new Past(found[place].snapshot(), found[place].newestRow(), ahead);
            });
        }
        return List.of(found);
    }

    private static Map<Integer, List<StoredRow>> rowsAhead(Connection connection, List<String> skus, Past[] found,
            List<Integer> behind) throws SQLException {
        Map<Integer, List<StoredRow>> ahead = new HashMap<>();
        try (PreparedStatement rows = Database.prepareForBytes(connection, ROWS)) {
            rows.setArray(1, connection.createArrayOf("text", behind.stream().map(skus::get).toArray()));
            rows.setArray(2, connection.createArrayOf("int8", behind.stream().map(i -> found[i].snapshotRow()).toArray()));
            try (ResultSet row = rows.executeQuery()) {
                while (row.next()) {
                    ahead.computeIfAbsent(behind.get(row.getInt(1) - 1), place -> new ArrayList<>()).add(row(row, 2));
                }
            }
        }
        return ahead;
    }

    private static List<StoredRow> page(Connection connection, PageOf asked) throws SQLException {
        try (PreparedStatement page = Database.prepareForBytes(connection, PAGE)) {
            page.setString(1, asked.sku());
            page.setLong(2, asked.from());
            page.setLong(3, asked.to());
            page.setInt(4, asked.rowsMax());
            List<StoredRow> rows = new ArrayList<>();
            try (ResultSet row = page.executeQuery()) {
                while (row.next()) {
                    rows.add(row(row, 1));
                }
            }
            return rows;
        }
    }

    private static StoredRow row(ResultSet row, int column) throws SQLException {
        return new StoredRow(row.getLong(column), row.getString(column + 1), row.getLong(column + 2),
                row.getBytes(column + 3));
    }

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            lock.notifyAll();
        }
    }
}
