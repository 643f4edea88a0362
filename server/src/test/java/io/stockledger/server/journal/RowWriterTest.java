package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.journal.RowWriter.NewRow;
import io.stockledger.v1.EntryKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RowWriterTest {
    private static final int WAITING_MAX = 10_000;
    private static final int ROWS_MAX = 2_000;

    private Database database;
    /** Opened once all rows of a test wait, so that they make one transaction. */
    private final CountDownLatch gate = new CountDownLatch(1);

    @BeforeEach
    void open() {
        database = TestPostgresql.database();
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void neighboursOfARowThatTheStoreRefusesAreWritten() throws Exception {
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
            List<CompletableFuture<String>> told = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                boolean bad = i == 37 || i == 38 || i == 99;
                told.add(write(writer, bad ? new NewRow("SKU-" + i, 1, "test", 0, GroupRow.of(new byte[200])) : row("SKU-" + i, 1)));
            }
            gate.countDown();
            for (int i = 0; i < 100; i++) {
                boolean bad = i == 37 || i == 38 || i == 99;
                assertEquals(bad ? "refused 23514" : "written", await(told.get(i)), "row " + i);
            }
        }
        assertEquals(97, count("SELECT count(*) FROM event_journal"));
    }

    @Test
    void rowsWrittenTogetherShareATransaction() throws Exception {
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
            CompletableFuture<String> first = write(writer, row("FIRST", 1));
            List<CompletableFuture<String>> told = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                told.add(write(writer, row("SKU-" + i, 1)));
            }
            gate.countDown();
            assertEquals("written", await(first));
            for (CompletableFuture<String> one : told) {
                assertEquals("written", await(one));
            }
        }
        // The first may have been taken before the others came.
        assertTrue(count("SELECT count(DISTINCT tx) FROM event_journal") <= 2);
        assertEquals(501, count("SELECT count(*) FROM event_journal"));
    }

    @Test
    void rowThatASecondWriterHasWrittenFailsOnlyItself() throws Exception {
        try (Connection other = TestPostgresql.connect(database)) {
            insert(other, "SKU-5", 1);
        }
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
            List<CompletableFuture<String>> told = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                told.add(write(writer, row("SKU-" + i, 1)));
            }
            gate.countDown();
            for (int i = 0; i < 20; i++) {
                assertEquals(i == 5 ? "refused 23505" : "written", await(told.get(i)), "row " + i);
            }
        }
    }

    @Test
    void rowThatASecondWriterIsWritingDoesNotHoldItsNeighboursUp() throws Exception {
        try (Connection other = TestPostgresql.connect(database)) {
            other.setAutoCommit(false);
            insert(other, "SKU-5", 1);
            try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
                List<CompletableFuture<String>> told = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    told.add(write(writer, row("SKU-" + i, 1)));
                }
                gate.countDown();
                for (int i = 0; i < 20; i++) {
                    assertEquals(i == 5 ? "refused 55P03" : "written", await(told.get(i)), "row " + i);
                }
            }
            other.rollback();
        }
    }

    @Test
    void whoCantBeToldThatItIsWrittenKeepsNobodyFromBeingTold() throws Exception {
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
            writer.write(List.of(row("DEAF", 1)), new RowWriter.Outcome() {
                @Override
                public void written() {
                    throw new IllegalStateException("nobody listens");
                }

                @Override
                public void refused(SQLException why) {}

                @Override
                public void unknown(Throwable why) {}
            });
            CompletableFuture<String> neighbour = write(writer, row("NEIGHBOUR", 1));
            gate.countDown();
            assertEquals("written", await(neighbour));
            assertEquals("written", await(write(writer, row("LATER", 1))));
        }
    }

    @Test
    void outcomesThatNobodyTakesAreTakenForUnknown() throws Exception {
        RejectedExecutionException stopping = new RejectedExecutionException("stopping");
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, task -> {
            throw stopping;
        })) {
            CompletableFuture<String> told = write(writer, row("SKU", 1));
            gate.countDown();
            assertEquals("unknown: " + stopping, await(told));
        }
    }

    @Test
    void aSkuIsSettledOnceItsRowIsWrittenAlthoughNobodyWasToldYet() throws Exception {
        List<Runnable> kept = new CopyOnWriteArrayList<>();
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, kept::add)) {
            CompletableFuture<String> told = write(writer, row("SKU", 1));
            CompletableFuture<Void> settled = new CompletableFuture<>();
            writer.whenSettled("SKU", () -> settled.complete(null));
            gate.countDown();
            settled.get(20, TimeUnit.SECONDS);
            assertFalse(told.isDone());
            kept.forEach(Runnable::run);
            assertEquals("written", await(told));
        }
    }

    @Test
    void columnsSayWhatTheRowsHeaderDoesAlsoWhereManyAreWritten() throws Exception {
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
            List<CompletableFuture<String>> told = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                GroupRow.Builder group = new GroupRow.Builder();
                group.add(EntryCodec.toDomain(TestJournalWriter.entry(EntryKind.ENTRY_KIND_RECEIVE, "main", "web")
                        .setSku("SKU-" + i).setSequence(100 + i).build()));
                told.add(write(writer, new NewRow("SKU-" + i, 7, "test", 0, group.build(GroupRow.noDigest(), 5_000 + i, 5_000 + i, 1))));
            }
            gate.countDown();
            for (CompletableFuture<String> one : told) {
                assertEquals("written", await(one));
            }
        }
        assertEquals(40, count("SELECT count(*) FROM event_journal WHERE first_sequence = header_long(event_payload, 4)"
                + " AND announced_due = header_long(event_payload, 32) AND announced_due > 0"));
    }

    @Test
    void rowsOfOneWriteAreWrittenAllOrNone() throws Exception {
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
            CompletableFuture<String> broken = new CompletableFuture<>();
            writer.write(List.of(row("PAIR", 1), new NewRow("PAIR", 2, "test", 0, GroupRow.of(new byte[200]))), telling(broken));
            CompletableFuture<String> whole = write(writer, row("OTHER", 1));
            gate.countDown();
            assertEquals("refused 23514", await(broken));
            assertEquals("written", await(whole));
        }
        assertEquals(0, count("SELECT count(*) FROM event_journal WHERE persistence_id = 'PAIR'"));
    }

    @Test
    void nothingAnsweredIsLostWhenTheDatabaseIsKilledInTheMiddle() throws Exception {
        Path path = Files.createTempDirectory("stockledger-killed-");
        try (DataFolder folder = DataFolder.open(path);
                EmbeddedPostgresql postgresql = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL);
                Database killed = Database.open(postgresql.address(), TestPostgresql.JOURNAL)) {
            Schema.migrate(killed);
            Set<String> written = new HashSet<>();
            int unknown = 0;
            try (RowWriter writer = new RowWriter(() -> TestPostgresql.connect(killed), 3, WAITING_MAX, 50, Runnable::run)) {
                AtomicInteger answered = new AtomicInteger();
                BlockingQueue<String[]> told = new ArrayBlockingQueue<>(5_000);
                for (int i = 0; i < 5_000; i++) {
                    String sku = "SKU-" + i;
                    CompletableFuture<String> one = write(writer, row(sku, 1));
                    one.thenAccept(outcome -> {
                        told.add(new String[] {sku, outcome});
                        if (answered.incrementAndGet() == 500) {
                            postgresql.postmaster().orElseThrow().destroyForcibly();
                        }
                    });
                }
                for (int i = 0; i < 5_000; i++) {
                    String[] one = told.poll(60, TimeUnit.SECONDS);
                    assertFalse(one == null, "every row is told");
                    assertFalse(one[1].startsWith("refused"), one[1]);
                    if (one[1].equals("written")) {
                        written.add(one[0]);
                    } else {
                        unknown++;
                    }
                }
            }
            assertTrue(unknown > 0, "the kill came in the middle");
            Set<String> stored = skus(killed);
            written.removeAll(stored);
            assertEquals(Set.of(), written, "told as written, and not there");
        } finally {
            TestPostgresql.delete(path);
        }
    }

    @Test
    void whoAsksForASkuIsToldOnceItsRowsAreSettled() throws Exception {
        try (RowWriter writer = new RowWriter(this::lendBehindTheGate, 1, WAITING_MAX, ROWS_MAX, Runnable::run)) {
            CompletableFuture<String> told = write(writer, row("A", 1));
            CompletableFuture<Long> settled = new CompletableFuture<>();
            writer.whenSettled("A", () -> settled.complete(1L));
            CompletableFuture<Long> other = new CompletableFuture<>();
            writer.whenSettled("B", () -> other.complete(1L));
            assertTrue(other.isDone(), "B has no rows under way");
            assertFalse(settled.isDone());
            gate.countDown();
            assertEquals(1L, settled.get(20, TimeUnit.SECONDS));
            assertTrue(told.isDone(), "a row's outcome is told first");
        }
    }

    private Connection lendBehindTheGate() throws SQLException {
        try {
            assertTrue(gate.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new SQLException(e);
        }
        Connection connection = TestPostgresql.connect(database);
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET lock_timeout = '100ms'");
        }
        return connection;
    }

    private static CompletableFuture<String> write(RowWriter writer, NewRow row) {
        CompletableFuture<String> told = new CompletableFuture<>();
        writer.write(List.of(row), telling(told));
        return told;
    }

    private static RowWriter.Outcome telling(CompletableFuture<String> told) {
        return new RowWriter.Outcome() {
            @Override
            public void written() {
                told.complete("written");
            }

            @Override
            public void refused(SQLException why) {
                told.complete("refused " + why.getSQLState());
            }

            @Override
            public void unknown(Throwable why) {
                told.complete("unknown: " + why);
            }
        };
    }

    static NewRow row(String sku, long number) {
        GroupRow.Builder group = new GroupRow.Builder();
        group.add(EntryCodec.toDomain(
                TestJournalWriter.entry(EntryKind.ENTRY_KIND_RECEIVE, "main", "web").setSku(sku).setSequence(number).build()));
        return new NewRow(sku, number, "test", 0, group.build(GroupRow.noDigest(), 0, 0, 1));
    }

    private static void insert(Connection connection, String sku, long number) throws SQLException {
        new TestJournalWriter().write(connection, sku, TestJournalWriter.receipts((int) number, "main"));
    }

    private static String await(CompletableFuture<String> told) throws Exception {
        return told.get(20, TimeUnit.SECONDS);
    }

    private long count(String query) throws SQLException {
        try (Connection connection = TestPostgresql.connect(database); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getLong(1);
        }
    }

    private static Set<String> skus(Database database) throws Exception {
        Set<String> skus = new HashSet<>();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            try (Connection connection = TestPostgresql.connect(database); Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery("SELECT persistence_id FROM event_journal")) {
                while (rows.next()) {
                    skus.add(rows.getString(1));
                }
                return skus;
            } catch (SQLException away) {
                if (System.nanoTime() > deadline) {
                    throw away;
                }
                TimeUnit.MILLISECONDS.sleep(50);
            }
        }
    }
}
