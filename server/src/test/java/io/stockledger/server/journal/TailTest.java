package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/**
 * Entries in the long check: {@code -Dstockledger.test.tail.entries=1000000}.
 */
class TailTest {
    private static final int ENTRIES = Integer.getInteger("stockledger.test.tail.entries", 50_000);
    private static final int WRITERS = 8;
    private static final int SKUS_A_WRITER = 20;
    private static final int ENTRIES_A_ROW = 2;

    @Test
    void nothingIsLostUnderInterleavedTransactionsThatCommitLateAndEachSkuKeepsItsOrder() throws Exception {
        try (Database database = TestPostgresql.database()) {
            Map<String, Long> lastRow = new HashMap<>();
            AtomicLong rows = new AtomicLong();
            List<String> outOfOrder = new ArrayList<>();
            Tail.Listener listener = (tailed, completeTime) -> {
                for (JournalRow row : tailed) {
                    long before = lastRow.getOrDefault(row.sku(), 0L);
                    if (row.rowNumber() != before + 1) {
                        outOfOrder.add(row.sku() + ": " + before + " then " + row.rowNumber());
                    }
                    lastRow.put(row.sku(), row.rowNumber());
                    rows.incrementAndGet();
                }
            };
            Set<Long> byOrderingAlone = new HashSet<>();
            AtomicBoolean writing = new AtomicBoolean(true);
            ExecutorService pool = Executors.newFixedThreadPool(1);
            try (Tail tail = new Tail(database, TestPostgresql.JOURNAL, Clock.systemUTC(), Position.START, listener)) {
                tail.start();
                Future<?> naive = pool.submit(() -> followByOrderingAlone(database, writing, byOrderingAlone));
                long written = writeInterleaved(database, tail);
                await("the tail shows all rows", () -> rows.get() >= written);
                writing.set(false);
                naive.get(30, TimeUnit.SECONDS);
                assertEquals(List.of(), outOfOrder);
                assertEquals(written, rows.get());
                // The same writers lose rows to the cursor that looks right: so this test can fail.
                assertTrue(byOrderingAlone.size() < written, "a cursor on ordering alone lost nothing: the writers do not interleave");
                assertEquals(List.of(), scansOfTheWholeJournal(database, tail.query(false)));
                assertEquals(List.of(), scansOfTheWholeJournal(database, tail.query(true)));
                System.out.printf("tail: %d rows of %d entries, none lost; by ordering alone %d lost%n", written, ENTRIES_A_ROW, written - byOrderingAlone.size());
            } finally {
                writing.set(false);
                pool.shutdownNow();
            }
        }
    }

    @Test
    void committedRowsWaitForAnOlderTransactionAndTheirAgeIsTold() throws Exception {
        try (Database database = TestPostgresql.database();
                Connection blocker = database.connect(); Statement statement = blocker.createStatement()) {
            AtomicLong rows = new AtomicLong();
            AtomicLong complete = new AtomicLong();
            try (Tail tail = new Tail(database, TestPostgresql.JOURNAL, Clock.systemUTC(), Position.START, (tailed, completeTime) -> {
                rows.addAndGet(tailed.size());
                complete.set(completeTime);
            })) {
                tail.start();
                await("the tail looks", () -> complete.get() > 0);
                blocker.setAutoCommit(false);
                statement.execute("SELECT pg_current_xact_id()");
                new TestJournalWriter().write(database, "A", TestJournalWriter.receipts(1, "main"));
                long committedAt = System.currentTimeMillis();
                tail.wake();
                await("the age of what is held back grows", () -> tail.watermarkAge().toMillis() > 200);
                assertEquals(0, rows.get());
                assertTrue(complete.get() <= committedAt, "complete although a committed row is held back");
                blocker.rollback();
                await("the row comes", () -> rows.get() == 1);
                await("complete again", () -> complete.get() > committedAt && tail.watermarkAge().isZero());
            }
        }
    }

    @Test
    void completeTimeGoesOnWhereWritersNeverPause() throws Exception {
        try (Database database = TestPostgresql.database()) {
            AtomicLong complete = new AtomicLong();
            AtomicBoolean writing = new AtomicBoolean(true);
            ExecutorService pool = Executors.newFixedThreadPool(2);
            try (Tail tail = new Tail(database, TestPostgresql.JOURNAL, Clock.systemUTC(), Position.START, (tailed, completeTime) -> complete.set(completeTime))) {
                for (String sku : List.of("A", "B")) {
                    pool.submit(() -> {
                        TestJournalWriter writer = new TestJournalWriter();
                        try (Connection connection = database.connect()) {
                            connection.setAutoCommit(false);
                            // Always one transaction open, now of this writer, now of the other.
                            while (writing.get()) {
                                writer.write(connection, sku, TestJournalWriter.receipts(1, "main"));
                                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(3));
                                connection.commit();
                            }
                        }
                        return null;
                    });
                }
                tail.start();
                long now = System.currentTimeMillis();
                await("complete time passes the test's start by a while", () -> complete.get() > now + 500);
            } finally {
                writing.set(false);
                pool.shutdown();
                assertTrue(pool.awaitTermination(10, TimeUnit.SECONDS));
            }
        }
    }

    @Test
    void tailGoesOnAfterItsSessionWasKilled() throws Exception {
        try (Database database = TestPostgresql.database()) {
            TestJournalWriter writer = new TestJournalWriter();
            List<Long> seen = new ArrayList<>();
            AtomicLong rows = new AtomicLong();
            try (Tail tail = new Tail(database, TestPostgresql.JOURNAL, Clock.systemUTC(), Position.START, (tailed, completeTime) -> {
                tailed.forEach(row -> seen.add(row.rowNumber()));
                rows.addAndGet(tailed.size());
            })) {
                tail.start();
                writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
                await("the first row", () -> rows.get() == 1);
                try (Connection connection = database.connect(); Statement statement = connection.createStatement()) {
                    statement.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
                }
                await("a write passes again", () -> {
                    try {
                        writer.write(database, "B", TestJournalWriter.receipts(1, "main"));
                        return true;
                    } catch (SQLException e) {
                        return false;
                    }
                });
                await("the second row", () -> rows.get() == 2);
            }
        }
    }

    /** A look must cost the same however long the journal is. */
    private static List<String> scansOfTheWholeJournal(Database database, String query) throws SQLException {
        List<String> scans = new ArrayList<>();
        try (Connection connection = database.connect(); Statement statement = connection.createStatement()) {
            statement.execute("SET plan_cache_mode = force_generic_plan");
            statement.execute("PREPARE look (text, bigint) AS " + query.replaceFirst("\\?", "\\$1").replaceFirst("\\?", "\\$2"));
            try (ResultSet plan = statement.executeQuery("EXPLAIN EXECUTE look ('0', 0)")) {
                while (plan.next()) {
                    if (plan.getString(1).contains("Seq Scan")) {
                        scans.add(plan.getString(1));
                    }
                }
            }
        }
        return scans;
    }

    private static long writeInterleaved(Database database, Tail tail) throws Exception {
        ExecutorService writers = Executors.newFixedThreadPool(WRITERS);
        AtomicLong rowsLeft = new AtomicLong(ENTRIES / ENTRIES_A_ROW);
        AtomicLong written = new AtomicLong();
        List<Future<?>> done = new ArrayList<>();
        for (int w = 0; w < WRITERS; w++) {
            int number = w;
            done.add(writers.submit(() -> {
                Random random = new Random(number);
                TestJournalWriter writer = new TestJournalWriter();
                try (Connection connection = database.connect()) {
                    connection.setAutoCommit(false);
                    while (rowsLeft.get() > 0) {
                        int rows = 1 + random.nextInt(16);
                        for (int i = 0; i < rows; i++) {
                            writer.write(connection, number + "/" + random.nextInt(SKUS_A_WRITER), TestJournalWriter.receipts(ENTRIES_A_ROW, "main"));
                            if (random.nextInt(20) == 0) {
                                Thread.yield();
                            }
                        }
                        if (random.nextInt(4) == 0) {
                            LockSupport.parkNanos(random.nextInt(3_000_000));
                        }
                        connection.commit();
                        tail.wake();
                        written.addAndGet(rows);
                        rowsLeft.addAndGet(-rows);
                    }
                }
                return null;
            }));
        }
        for (Future<?> writer : done) {
            writer.get();
        }
        writers.shutdown();
        return written.get();
    }

    private static Void followByOrderingAlone(Database database, AtomicBoolean writing, Set<Long> seen) throws SQLException {
        String query = "SELECT ordering FROM event_journal WHERE ordering > ? AND tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY ordering LIMIT 2000";
        long last = 0;
        try (Connection connection = database.connect(); Statement index = connection.createStatement()) {
            index.execute("CREATE INDEX naive ON event_journal (ordering)");
            try (PreparedStatement statement = connection.prepareStatement(query)) {
                boolean more = true;
                while (writing.get() || more) {
                    more = false;
                    statement.setLong(1, last);
                    try (ResultSet rows = statement.executeQuery()) {
                        while (rows.next()) {
                            more = true;
                            last = rows.getLong(1);
                            seen.add(last);
                        }
                    }
                    if (!more) {
                        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
                    }
                }
            }
        }
        return null;
    }

    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertFalse(System.nanoTime() > end, "not within 30 s: " + what);
            TimeUnit.MILLISECONDS.sleep(2);
        }
    }
}
