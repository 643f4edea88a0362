package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Mutations;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A stream keeps the order of its mutations a SKU, answers in the order of its requests, and outlives bad mutations. */
class StreamOrderTest {
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger.entity { ids-kept = 16 }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    @Test
    void orderOfOneSkuIsKeptWithinAStream() {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        int batches = 100;
        for (int i = 0; i < batches; i++) {
            // Each sale finds exactly the unit that came right before it.
            stream.send(Mutations.receive("order-a", 1), Mutations.receive("order-b", 1), Mutations.sell("order-a", 1),
                    Mutations.sell("order-b", 1));
        }
        for (int i = 0; i < batches; i++) {
            List<MutationResult> results = stream.results();
            assertEquals(List.of(2L * i + 1, 2L * i + 1, 2L * i + 2, 2L * i + 2),
                    results.stream().map(result -> result.getApplied().getSequence()).toList());
        }
        stream.complete();
        stream.awaitCompletion();
    }

    @Test
    void aMutationThatIsLookedUpHoldsTheLaterOnesOfItsStream() {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        for (int i = 0; i < 10; i++) {
            // More ids than are kept: from here on one without created_at may be among the forgotten.
            stream.send(Mutations.receive("held", 1), Mutations.sell("held", 1), Mutations.receive("held", 1),
                    Mutations.sell("held", 1));
        }
        assertTrue(stream.results(10).stream().allMatch(MutationResult::hasApplied));

        // Another stream keeps the SKU's writes under way, so that requests arrive in all its states.
        StreamCaller other = new StreamCaller(ledger.callsWithoutWaiting());
        int batches = 150;
        for (int i = 0; i < batches; i++) {
            other.send(Mutations.receive("held", 1).setLocation("elsewhere").setCreatedAt(ledger.at(Duration.ofSeconds(30))));
            // The receipt is looked up, the sale needs no look-up and must not overtake it.
            stream.send(Mutations.receive("held", 1));
            stream.send(Mutations.sell("held", 1).setCreatedAt(ledger.at(Duration.ofSeconds(30))));
        }
        List<MutationResult> results = stream.results(2 * batches);
        long refused = results.stream().filter(result -> !result.hasApplied()).count();
        assertEquals(0, refused, () -> "sales overtook their receipts: " + results.stream()
                .filter(result -> !result.hasApplied()).findFirst());
        long last = 0;
        for (MutationResult result : results) {
            assertTrue(result.getApplied().getSequence() > last, "out of order");
            last = result.getApplied().getSequence();
        }
        assertTrue(other.results(batches).stream().allMatch(MutationResult::hasApplied));
    }

    @Test
    void oneBadMutationDoesNotEndTheStream() {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(Mutations.receive("bad", 1), Mutations.receive("bad", 0), Mutations.receive("", 1),
                Mutation.newBuilder().setSku("bad"), Mutations.sell("bad", 1));
        List<MutationResult> results = stream.results();
        assertTrue(results.get(0).hasApplied());
        for (int i = 1; i < 4; i++) {
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", RunningLedger.Problem.of(results.get(i).getError()).name());
        }
        assertTrue(results.get(4).hasApplied());
        stream.send(Mutations.receive("bad", 1));
        assertEquals(3, stream.results().get(0).getApplied().getSequence());
    }

    @Test
    void answersComeInTheOrderOfTheRequests() {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        List<String> sent = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            // Some answered at once, some after a write, some after the SKU has come into memory.
            Mutation.Builder mutation = switch (i % 3) {
                case 0 -> Mutations.receive("answers", 0);
                case 1 -> Mutations.receive("answers", 1);
                default -> Mutations.receive("answers-" + i, 1);
            };
            stream.send(mutation);
            sent.add(mutation.getMutationId());
        }
        assertEquals(sent, stream.results(200).stream().map(MutationResult::getMutationId).toList());
    }

    @Test
    void aBatchOfAThousandIsTakenAndOneMoreIsRefused() {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(copies(1_000));
        assertEquals(1_000, stream.results().stream().filter(MutationResult::hasApplied).count());
        long sequence = ledger.stock("thousand").getSequence();

        stream.send(copies(1_001));
        stream.send(copies(1));
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", stream.problem().name());
        assertEquals(sequence, ledger.stock("thousand").getSequence(), "nothing after the refused batch is applied");

        StreamCaller empty = new StreamCaller(ledger.callsWithoutWaiting());
        empty.send(List.of());
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", empty.problem().name());
    }

    @Test
    void whatWasAskedBeforeABadBatchIsAnsweredFirst() {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(Mutations.receive("before", 1));
        stream.send(List.of());
        assertTrue(stream.results().get(0).hasApplied());
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", stream.problem().name());
    }

    private static List<Mutation.Builder> copies(int count) {
        List<Mutation.Builder> batch = new ArrayList<>(Collections.nCopies(count, Mutations.receive("thousand", 1)));
        batch.replaceAll(Mutation.Builder::clone);
        return batch;
    }
}
