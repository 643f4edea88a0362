package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.Interleavings;
import io.stockledger.server.journal.Recoveries.Past;
import io.stockledger.server.journal.Recoveries.StoredRow;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The one reader of all SKUs' pasts, where those who ask, its sessions and whoever closes it meet, while rows are written. */
class RecoveriesThreadsTest {
    private static final int SKUS = 4;
    private static final int ROWS = 400;
    /** A snapshot comes after so many rows of a SKU; every second is too large to be read beside others. */
    private static final int SNAPSHOT_ROWS = 3;
    private static final int LARGE = 80 << 10;
    private static final int CLOSINGS = 300;

    private Database database;

    @BeforeEach
    void open() {
        database = TestPostgresql.database();
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void aPastIsOfOneMomentAndOfItsSkuHoweverMuchIsWrittenMeanwhile() {
        AtomicLongArray committed = new AtomicLongArray(SKUS);
        AtomicBoolean over = new AtomicBoolean();
        try (Recoveries recoveries = new Recoveries(database.reads()::getConnection, 2)) {
            Runnable asker = () -> {
                long[] seen = new long[SKUS];
                boolean last;
                do {
                    last = over.get();
                    List<CompletableFuture<Past>> pasts = new ArrayList<>();
                    for (int sku = 0; sku < SKUS; sku++) {
                        seen[sku] = Math.max(seen[sku], committed.get(sku));
                        pasts.add(recoveries.past("SKU-" + sku));
                    }
                    for (int sku = 0; sku < SKUS; sku++) {
                        Past past = await(pasts.get(sku));
                        assertTrue(past.newestRow() >= seen[sku], "a row that was committed before it was asked for is missing");
                        seen[sku] = past.newestRow();
                        assertWhole("SKU-" + sku, past);
                    }
                } while (!last);
            };
            Interleavings.together(() -> {
                try {
                    write(committed);
                } finally {
                    over.set(true);
                }
            }, asker, asker);
        }
    }

    @Test
    void whoAsksWhileItClosesIsAnsweredOrToldSo() {
        Map<String, Long> rows = new HashMap<>();
        TestJournalWriter writer = new TestJournalWriter();
        for (int sku = 0; sku < SKUS; sku++) {
            for (int row = 0; row < sku; row++) {
                write(writer, sku);
            }
            rows.put("SKU-" + sku, (long) sku);
        }
        for (int round = 0; round < CLOSINGS; round++) {
            Recoveries recoveries = new Recoveries(database.reads()::getConnection, 2);
            Queue<Map.Entry<String, CompletableFuture<Past>>> pasts = new ConcurrentLinkedQueue<>();
            Runnable asker = () -> rows.keySet().forEach(sku -> pasts.add(Map.entry(sku, recoveries.past(sku))));
            Interleavings.together(asker, asker, recoveries::close);
            for (Map.Entry<String, CompletableFuture<Past>> one : pasts) {
                try {
                    assertEquals(rows.get(one.getKey()), await(one.getValue()).newestRow());
                } catch (CompletionException e) {
                    assertEquals("the journal is closing", e.getCause().getMessage());
                }
            }
        }
    }

    private static void assertWhole(String sku, Past past) {
        past.snapshot().ifPresent(newest -> assertEquals(newest.rowNumber(),
                ByteBuffer.wrap(newest.stored().orElseThrow().payload()).getLong(), "another row's snapshot"));
        long next = past.snapshotRow() + 1;
        for (StoredRow row : past.rows()) {
            assertEquals(next++, row.number());
            assertEquals(sku, GroupRow.of(row.payload()).entries().get(0).getSku());
        }
        assertEquals(past.newestRow() + 1, next, "its rows end where its newest row stands");
    }

    private void write(AtomicLongArray committed) {
        TestJournalWriter writer = new TestJournalWriter();
        for (int i = 0; i < ROWS; i++) {
            int sku = i % SKUS;
            int row = i / SKUS + 1;
            write(writer, sku);
            committed.set(sku, row);
            if (row % SNAPSHOT_ROWS == 0) {
                snapshot(sku, row, row / SNAPSHOT_ROWS % 2 == 0 ? LARGE : Long.BYTES);
            }
        }
    }

    private void write(TestJournalWriter writer, int sku) {
        try {
            writer.write(database, "SKU-" + sku, TestJournalWriter.receipts(1, "main"));
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private void snapshot(int sku, int row, int length) {
        try (Connection connection = database.reads().getConnection(); PreparedStatement insert =
                connection.prepareStatement("INSERT INTO snapshot VALUES (?, ?, 0, 534731, 'SLS1', ?)")) {
            insert.setString(1, "SKU-" + sku);
            insert.setLong(2, row);
            insert.setBytes(3, ByteBuffer.allocate(length).putLong(row).array());
            insert.executeUpdate();
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private static <T> T await(CompletableFuture<T> what) {
        return what.orTimeout(20, TimeUnit.SECONDS).join();
    }
}
