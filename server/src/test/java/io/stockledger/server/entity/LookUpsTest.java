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
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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

    @Test
    void neighboursLookUpsGoOnWhileAllOfOneSkusWait() throws Exception {
        try (Connection writing = TestPostgresql.connect(database)) {
            writing.setAutoCommit(false);
            writer.write(writing, "hot", TestJournalWriter.receipts(1, "main"));
            CompletableFuture<Boolean> first = new CompletableFuture<>();
            // Each waits for the write that is under way.
            assertTrue(lookUps.settle("hot", first::complete));
            for (int i = 0; i < 5; i++) {
                assertTrue(lookUps.settle("hot", settled -> { }));
            }
            for (int i = 0; i < 20; i++) {
                assertEquals(1, sequence(find(told("cold", "cold-1", 0, 1))));
            }
            assertFalse(first.isDone(), "the first did not wait: nothing was shown");
            writing.commit();
            assertTrue(first.get(20, TimeUnit.SECONDS));
        }
    }

    @Test
    void oneSkuHasAQuarterOfTheQueueAndItsNeighboursTheRest() throws Exception {
        try (Connection writing = TestPostgresql.connect(database)) {
            writing.setAutoCommit(false);
            writer.write(writing, "hot", TestJournalWriter.receipts(1, "main"));
            int taken = 0;
            while (lookUps.settle("hot", settled -> { })) {
                taken++;
            }
            assertTrue(taken >= WAITING_MAX / 4 && taken <= WAITING_MAX / 4 + 1, taken + " taken");
            assertEquals(1, sequence(find(told("cold", "cold-1", 0, 1))));
            writing.commit();
        }
    }
}
