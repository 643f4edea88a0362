package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.journal.Recoveries.Past;
import io.stockledger.server.journal.Recoveries.StoredRow;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

class RecoveriesTest {
    private Database database;
    private Recoveries recoveries;
    private final TestJournalWriter writer = new TestJournalWriter();

    @BeforeEach
    void open() {
        database = TestPostgresql.database();
        recoveries = new Recoveries(database::connect, 1);
    }

    @AfterEach
    void close() {
        recoveries.close();
        database.close();
    }

    @Test
    void skuWithoutRowsHasNoPast() throws Exception {
        Past past = past("NEW");
        assertEquals(0, past.newestRow());
        assertTrue(past.snapshot().isEmpty() && past.rows().isEmpty());
    }

    @Test
    void skusThatAskTogetherEachGetTheirOwnPast() throws Exception {
        for (int sku = 0; sku < 40; sku++) {
            for (int row = 0; row < sku % 4; row++) {
                writer.write(database, "SKU-" + sku, TestJournalWriter.receipts(1 + row, "main"));
            }
        }
        snapshot("SKU-3", 2, new byte[] {1});
        snapshot("SKU-7", 1, new byte[] {2});
        snapshot("SKU-7", 3, new byte[] {3});
        CountDownLatch gate = new CountDownLatch(1);
        AtomicInteger reads = new AtomicInteger();
        try (Recoveries together = new Recoveries(() -> lendBehind(gate, reads), 1)) {
            List<CompletableFuture<Past>> pasts = new ArrayList<>();
            for (int sku = 0; sku < 40; sku++) {
                pasts.add(together.past("SKU-" + sku));
            }
            gate.countDown();
            for (int sku = 0; sku < 40; sku++) {
                Past past = pasts.get(sku).get(20, TimeUnit.SECONDS);
                int snapshotRow = sku == 3 ? 2 : sku == 7 ? 3 : 0;
                assertEquals(sku % 4, past.newestRow(), "SKU-" + sku);
                assertEquals(snapshotRow, past.snapshotRow(), "SKU-" + sku);
                assertEquals(sku % 4 - snapshotRow, past.rows().size(), "SKU-" + sku);
                for (int i = 0; i < past.rows().size(); i++) {
                    StoredRow row = past.rows().get(i);
                    assertEquals(snapshotRow + 1 + i, row.number());
                    assertEquals(row.number(), GroupRow.of(row.payload()).entryCount());
                    assertEquals("SKU-" + sku, GroupRow.of(row.payload()).entries().get(0).getSku());
                }
            }
        }
        assertTrue(reads.get() <= 2, reads + " reads");
        assertArrayEquals(new byte[] {3}, past("SKU-7").snapshot().orElseThrow().stored().orElseThrow().payload());
    }

    @Test
    void longPastComesInPagesThatLeaveNothingOut() throws Exception {
        for (int row = 1; row <= 250; row++) {
            writer.write(database, "LONG", TestJournalWriter.receipts(row == 120 ? 2_000 : 1, "main"));
        }
        Past past = past("LONG");
        assertEquals(250, past.newestRow());
        List<Long> numbers = new ArrayList<>();
        past.rows().forEach(row -> numbers.add(row.number()));
        while (numbers.size() < 250) {
            List<StoredRow> page = recoveries.page("LONG", numbers.size() + 1, past.newestRow(), 100).get(20, TimeUnit.SECONDS);
            assertTrue(!page.isEmpty(), "after " + numbers.size());
            page.forEach(row -> numbers.add(row.number()));
        }
        for (int i = 0; i < 250; i++) {
            assertEquals(i + 1, numbers.get(i));
        }
    }

    @Test
    void rowLargerThanWhatIsReadAheadComesInItsPage() throws Exception {
        writer.write(database, "BIG", TestJournalWriter.receipts(5_000, "main"));
        assertTrue(past("BIG").rows().isEmpty());
        assertEquals(1, recoveries.page("BIG", 1, 1, 100).get(20, TimeUnit.SECONDS).size());
    }

    @Test
    void storeThatIsAwayFailsTheAskersAndNotTheNext() throws Exception {
        AtomicInteger lent = new AtomicInteger();
        try (Recoveries shaky = new Recoveries(() -> {
            if (lent.getAndIncrement() == 0) {
                throw new SQLException("away", "08001");
            }
            return database.connect();
        }, 1)) {
            CompletableFuture<Past> first = shaky.past("A");
            assertThrows(ExecutionException.class, () -> first.get(20, TimeUnit.SECONDS));
            assertEquals(0, shaky.past("A").get(20, TimeUnit.SECONDS).newestRow());
        }
    }

    @Test
    void skuThatTheStoreCantReadFailsAlone() throws Exception {
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        writer.write(database, "B", TestJournalWriter.receipts(2, "main"));
        CountDownLatch gate = new CountDownLatch(1);
        try (Recoveries together = new Recoveries(() -> lendBehind(gate, new AtomicInteger()), 1)) {
            // The first may be read before the others have asked.
            together.past("A");
            CompletableFuture<Past> before = together.past("A");
            // PostgreSQL takes no such text.
            CompletableFuture<Past> unreadable = together.past("\0");
            CompletableFuture<Past> behind = together.past("B");
            CompletableFuture<List<StoredRow>> page = together.page("B", 1, 1, 100);
            gate.countDown();
            assertEquals(1, before.get(20, TimeUnit.SECONDS).newestRow());
            assertEquals(1, behind.get(20, TimeUnit.SECONDS).rows().size());
            assertEquals(1, page.get(20, TimeUnit.SECONDS).size());
            ExecutionException why = assertThrows(ExecutionException.class, () -> unreadable.get(20, TimeUnit.SECONDS));
            assertEquals("22021", ((SQLException) why.getCause()).getSQLState());
        }
    }

    @Test
    void sessionThatIsLostFailsAllItsAskersAndNotTheNext() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        AtomicBoolean ending = new AtomicBoolean(true);
        try (Recoveries shaky = new Recoveries(() -> {
            Connection session = lendBehind(gate, new AtomicInteger());
            if (ending.get()) {
                end(session);
            }
            return session;
        }, 1)) {
            List<CompletableFuture<Past>> lost = List.of(shaky.past("A"), shaky.past("B"), shaky.past("C"));
            gate.countDown();
            for (CompletableFuture<Past> past : lost) {
                assertThrows(ExecutionException.class, () -> past.get(20, TimeUnit.SECONDS));
            }
            ending.set(false);
            assertEquals(0, shaky.past("A").get(20, TimeUnit.SECONDS).newestRow());
        }
    }

    /** As an operator or a dying server does. */
    private void end(Connection session) throws SQLException {
        int pid = session.unwrap(PGConnection.class).getBackendPID();
        try (Connection operator = database.connect(); PreparedStatement end =
                operator.prepareStatement("SELECT pg_terminate_backend(?, 20000)")) {
            end.setInt(1, pid);
            end.executeQuery().close();
        }
    }

    private Past past(String sku) throws Exception {
        return recoveries.past(sku).get(20, TimeUnit.SECONDS);
    }

    private Connection lendBehind(CountDownLatch gate, AtomicInteger reads) throws SQLException {
        try {
            assertTrue(gate.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new SQLException(e);
        }
        reads.incrementAndGet();
        return database.connect();
    }

    private void snapshot(String sku, long row, byte[] payload) throws SQLException {
        try (Connection connection = database.connect(); PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO snapshot VALUES (?, ?, 0, 534731, 'SLS1', ?)")) {
            insert.setString(1, sku);
            insert.setLong(2, row);
            insert.setBytes(3, payload);
            insert.executeUpdate();
        }
    }
}
