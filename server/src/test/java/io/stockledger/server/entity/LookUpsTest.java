package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.History;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.TestJournalWriter;
import io.stockledger.server.journal.TestPostgresql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Look-ups of many SKUs, on few threads, over a real journal. */
class LookUpsTest {
    private static final Duration WINDOW = Duration.ofDays(7);
    private static final int THREADS = 2;
    private static final int WAITING_MAX = 40;

    private Database database;
    private LookUps lookUps;
    private final TestJournalWriter writer = new TestJournalWriter();

    @BeforeEach
    void open() throws Exception {
        database = TestPostgresql.database();
        writer.write(database, "hot", TestJournalWriter.receipts(50, "main"));
        writer.write(database, "cold", TestJournalWriter.receipts(3, "main"));
        lookUps = new LookUps(new History(new JournalReader(database, 1_000, 1 << 20)), WINDOW,
                InstantSource.system(), THREADS, WAITING_MAX,
                new EntityMeasurements(new CompositeMeterRegistry()));
    }

    @AfterEach
    void close() {
        lookUps.close();
        database.close();
    }

    private static Waiting.ForDecision told(String sku, String id, long forgottenThrough, long... foundAt) {
        Mutation mutation = new Mutation(id, sku, "main", "", "", "", 0, 0, 0, Mutation.ANY_SEQUENCE, 0,
                new Operation.Receive(1, false));
        Waiting.ForDecision told = new Waiting.ForDecision(new Submission(sku, List.of(mutation), 0,
                Submission.NO_DEADLINE, (index, outcome) -> { }), 0);
        told.foundAt = foundAt;
        told.forgottenThrough = forgottenThrough;
        told.toldAt = 3;
        return told;
    }

    private LookUps.Finding find(Waiting.ForDecision told) throws Exception {
        CompletableFuture<LookUps.Finding> finding = new CompletableFuture<>();
        assertTrue(lookUps.begin(told, finding::complete));
        return finding.get(20, TimeUnit.SECONDS);
    }

    private static long sequence(LookUps.Finding finding) {
        return ((Outcome.Applied) ((LookUps.Answered) finding).outcome()).entry().sequence();
    }

    @Test
    void everyPlaceThatAnIdMayStandAtIsLookedAt() throws Exception {
        assertEquals(2, sequence(find(told("cold", "cold-2", 0, 3, 2))));
        assertEquals(2, sequence(find(told("cold", "cold-2", 2, 3))));
        // Not where it stands, and not among the forgotten: the id is new, as far as the SKU had come.
        assertEquals(3, ((LookUps.Cleared) find(told("cold", "cold-2", 0, 3, 1))).throughSequence());
        assertEquals(3, ((LookUps.Cleared) find(told("cold", "new", 3))).throughSequence());
    }

    /** Look-ups that stay at work until this opens. */
    private boolean beginHeld(String sku, CountDownLatch open) {
        return lookUps.begin(told(sku, sku + "-1", 0, 1), finding -> {
            try {
                open.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Test
    void neighboursLookUpsGoOnWhileAllOfOneSkusWait() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        for (int i = 0; i < 6; i++) {
            assertTrue(beginHeld("hot", open));
        }
        for (int i = 0; i < 20; i++) {
            assertEquals(1, sequence(find(told("cold", "cold-1", 0, 1))));
        }
        open.countDown();
    }

    @Test
    void oneSkuHasAQuarterOfTheQueueAndItsNeighboursTheRest() throws Exception {
        CountDownLatch open = new CountDownLatch(1);
        int taken = 0;
        while (beginHeld("hot", open)) {
            taken++;
        }
        assertTrue(taken >= WAITING_MAX / 4 && taken <= WAITING_MAX / 4 + 1, taken + " taken");
        assertEquals(1, sequence(find(told("cold", "cold-1", 0, 1))));
        open.countDown();
    }

    @Test
    void lookUpsGoOnWhileEverySkuWaitsForTheStoreToSettleAndThenAllAreTold() throws Exception {
        CountDownLatch told = new CountDownLatch(10 * WAITING_MAX);
        try (Connection writing = TestPostgresql.connect(database)) {
            writing.setAutoCommit(false);
            writer.write(writing, "hot", TestJournalWriter.receipts(1, "main"));
            for (int i = 0; i < 10 * WAITING_MAX; i++) {
                int number = i;
                assertTrue(lookUps.settle("sku " + i, settled -> {
                    if (settled) {
                        told.countDown();
                    }
                    if (number == 0) {
                        throw new IllegalStateException("a SKU that went wrong");
                    }
                }));
            }
            assertEquals(1, sequence(find(told("cold", "cold-1", 0, 1))));
            assertEquals(10 * WAITING_MAX, told.getCount(), "nobody waited: nothing was shown");
            writing.commit();
        }
        assertTrue(told.await(20, TimeUnit.SECONDS), () -> told.getCount() + " were not told");
    }

    /** Until a wait has seen which writes are under way, and looks on and on whether these have ended. */
    private static void awaitSettling(String databaseName) throws Exception {
        try (Connection watching = TestPostgresql.superuser("postgres");
                PreparedStatement looking = watching.prepareStatement("SELECT count(*) FROM pg_stat_activity"
                        + " WHERE datname = ? AND state = 'idle' AND query LIKE '%FROM pg_locks%'")) {
            looking.setString(1, databaseName);
            for (long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20); ; TimeUnit.MILLISECONDS.sleep(1)) {
                try (ResultSet found = looking.executeQuery()) {
                    found.next();
                    if (found.getInt(1) > 0) {
                        return;
                    }
                }
                assertTrue(System.nanoTime() < deadline, "nobody waits for the writes under way");
            }
        }
    }

    @Test
    void whoAsksWhileTheStoreSettlesIsToldAfterTheWritesOfBeforeThat() throws Exception {
        try (Connection first = TestPostgresql.connect(database); Connection second = TestPostgresql.connect(database)) {
            first.setAutoCommit(false);
            second.setAutoCommit(false);
            writer.write(first, "hot", TestJournalWriter.receipts(1, "main"));
            CompletableFuture<Boolean> settled = new CompletableFuture<>();
            CompletableFuture<Boolean> later = new CompletableFuture<>();
            assertTrue(lookUps.settle("hot", settled::complete));
            awaitSettling(first.getCatalog());
            writer.write(second, "cold", TestJournalWriter.receipts(1, "main"));
            assertTrue(lookUps.settle("cold", later::complete));
            assertFalse(settled.isDone(), "told though its write was under way");
            first.commit();
            assertTrue(settled.get(20, TimeUnit.SECONDS));
            assertFalse(later.isDone(), "told by a wait that began before");
            second.commit();
            assertTrue(later.get(20, TimeUnit.SECONDS));
        }
    }
}
