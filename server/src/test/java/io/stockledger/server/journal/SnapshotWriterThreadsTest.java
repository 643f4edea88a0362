package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.Interleavings;
import io.stockledger.server.journal.snapshot.StockSnapshot;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The one writer of all SKUs' snapshots, where SKUs hand theirs over while it writes, or closes. */
class SnapshotWriterThreadsTest {
    private static final int WAITING_MAX = 32;
    private static final int CALLERS = 3;
    private static final int SKUS = 4;
    private static final int SNAPSHOTS = 500;
    private static final int ROUNDS = 300;

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
    void newestThatEachSkuHandedOverIsStored() throws Exception {
        try (SnapshotWriter writer = new SnapshotWriter(database.reads()::getConnection)) {
            Runnable[] callers = new Runnable[CALLERS];
            for (int i = 0; i < CALLERS; i++) {
                int caller = i;
                callers[i] = () -> {
                    for (int row = 1; row <= SNAPSHOTS; row++) {
                        for (int sku = 0; sku < SKUS; sku++) {
                            assertTrue(writer.write(sku(caller, sku), row, 0, snapshot(row)), "there is room for each SKU's newest");
                        }
                    }
                };
            }
            Interleavings.together(callers);
            for (int caller = 0; caller < CALLERS; caller++) {
                for (int sku = 0; sku < SKUS; sku++) {
                    assertEquals(SNAPSHOTS, stored(sku(caller, sku), SNAPSHOTS).read().stock().getSequence());
                }
            }
        }
    }

    @Test
    void noMoreWaitThanMayHoweverManyComeAtOnceAndNoneOnceItIsClosed() {
        for (int round = 0; round < ROUNDS; round++) {
            CountDownLatch gate = new CountDownLatch(1);
            SnapshotWriter writer = new SnapshotWriter(() -> lendBehind(gate));
            AtomicInteger taken = new AtomicInteger();
            Runnable[] callers = new Runnable[CALLERS];
            for (int i = 0; i < CALLERS; i++) {
                int caller = i;
                callers[i] = () -> {
                    for (int sku = 0; sku < WAITING_MAX / 2; sku++) {
                        taken.addAndGet(writer.write(sku(caller, sku), 1, 0, snapshot(1)) ? 1 : 0);
                    }
                };
            }
            Interleavings.together(callers);
            // One more, where the writer had one in hand by then.
            assertTrue(taken.get() == WAITING_MAX || taken.get() == WAITING_MAX + 1, taken + " were taken");
            Interleavings.together(writer::close, gate::countDown);
            assertFalse(writer.write("late", 1, 0, snapshot(1)));
        }
    }

    private static String sku(int caller, int sku) {
        return "SKU-" + caller + "-" + sku;
    }

    private static Snapshot snapshot(long sequence) {
        return new Snapshot(StockSnapshot.newBuilder().setSequence(sequence).build(), List.of(), List.of());
    }

    private StoredSnapshot stored(String sku, long rowNumber) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (true) {
            try (Connection connection = database.reads().getConnection()) {
                Optional<StoredSnapshot> found = StoredSnapshot.find(connection, sku, rowNumber);
                if (found.isPresent()) {
                    return found.get();
                }
            }
            assertTrue(System.nanoTime() - deadline < 0, "the newest snapshot of " + sku + " is not stored");
            TimeUnit.MILLISECONDS.sleep(2);
        }
    }

    private Connection lendBehind(CountDownLatch gate) throws SQLException {
        try {
            assertTrue(gate.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new SQLException(e);
        }
        return database.reads().getConnection();
    }
}
