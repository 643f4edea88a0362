package io.stockledger.client;

import static io.stockledger.client.Eventually.eventually;
import static io.stockledger.client.ScriptedLedger.error;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stockledger.v1.Mutation;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a caller of submit may rely on. */
@Timeout(20)
class MutationStreamTest {

    private final ScriptedLedger ledger = new ScriptedLedger();
    private final LedgerClient client = LedgerClient.connect(ledger.target());

    @AfterEach
    void close() {
        client.close();
        ledger.close();
    }

    @Test
    void aLoneMutationLeavesAtOnceAndACrowdTravelsTogether() throws Exception {
        ledger.hold = true;
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        outcomes.add(client.submit(sell("A", 0)));
        eventually("the first is there, alone", () -> ledger.batches.equals(List.of(1)));
        for (int i = 1; i < 500; i++) {
            outcomes.add(client.submit(sell("A", i)));
        }
        ledger.letGo();
        all(outcomes);

        assertTrue(ledger.batches.size() <= 4, "requests: " + ledger.batches);
        assertInOrder("A", 500);
    }

    @Test
    void whatTheContinuationsOfOneAnswerSubmitTravelsTogether() throws Exception {
        // Again and again: nothing is compiled at first, and a continuation that takes long is not waited for.
        List<Integer> requests = List.of();
        for (int round = 0; round < 200 && !(requests.size() > 2 && requests.get(2) > 1); round++) {
            requests = requestsOfAHundredAndTheirContinuations("A" + round);
        }

        assertEquals(List.of(1, 100), requests.subList(0, 2));
        assertTrue(requests.get(2) > 1, "the first continuation's left alone: " + requests);
    }

    /** One leaves at once, alone; a hundred gather behind it, and each is followed by another. */
    private List<Integer> requestsOfAHundredAndTheirContinuations(String sku) throws Exception {
        ledger.batches.clear();
        ledger.hold = true;
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        for (int i = 0; i <= 100; i++) {
            int then = 1_000 + i;
            CompletableFuture<Outcome> first = client.submit(sell(sku, i));
            outcomes.add(i == 0 ? first : first.thenCompose(outcome -> client.submit(sell(sku, then))));
        }
        eventually("one is there", () -> ledger.batches.size() == 1);
        ledger.letGo();
        all(outcomes);
        return List.copyOf(ledger.batches);
    }

    @Test
    void aContinuationThatTakesLongHoldsNoOthersMutationBack() throws Exception {
        CompletableFuture<Boolean> arrived = new CompletableFuture<>();
        client.submit(sell("A", 0)).thenAccept(outcome -> {
            client.submit(sell("A", 1));
            // Submitted by another thread while this one is still at work.
            CompletableFuture.runAsync(() -> client.submit(sell("B", 0)));
            long begun = System.nanoTime();
            while (ledger.arrived.size() < 3 && System.nanoTime() - begun < Duration.ofSeconds(10).toNanos()) {
                Thread.onSpinWait();
            }
            arrived.complete(ledger.arrived.size() == 3);
        });

        assertTrue(arrived.get(), "both have reached the ledger meanwhile");
    }

    @Test
    void noRequestHoldsMoreThanAThousand() throws Exception {
        ledger.hold = true;
        List<CompletableFuture<Outcome>> outcomes = submitAll("A", 0, 5_000);
        ledger.letGo();
        all(outcomes);

        assertTrue(ledger.batches.stream().allMatch(size -> size <= 1_000), "requests: " + ledger.batches);
        assertInOrder("A", 5_000);
    }

    @Test
    void orderPerSkuIsKeptAndNothingAppliedTwiceAcrossABrokenStream() throws Exception {
        ledger.hold = true;
        List<CompletableFuture<Outcome>> outcomes = submitAll("A", 0, 2_000);
        ledger.faults.add(new ScriptedLedger.Fault.AnswerLost());
        ledger.letGo();
        outcomes.addAll(submitAll("A", 2_000, 2_000));
        all(outcomes);

        assertInOrder("A", 4_000);
        assertTrue(ledger.arrived.size() > 4_000, "something was sent again");
    }

    @Test
    void submittedMutationsRideThroughARestart() throws Exception {
        all(submitAll("A", 0, 10));
        ledger.hold = true;
        List<CompletableFuture<Outcome>> outcomes = submitAll("A", 10, 100);
        ledger.kill();
        ledger.hold = false;
        ledger.start();
        outcomes.addAll(submitAll("A", 110, 100));
        all(outcomes);

        assertInOrder("A", 210);
    }

    @Test
    void aMutationPutOffHoldsBackTheLaterOnesOfItsSkuOnly() throws Exception {
        // One that goes through first, so that the rest is queued behind the hold.
        ledger.mutationError = (mutation, nth) -> mutation.getMutationId().equals("A-0") && nth == 1
                ? error(Status.Code.RESOURCE_EXHAUSTED, "TOO_MANY_WAITING", 200)
                : null;
        CompletableFuture<Outcome> putOff = client.submit(sell("A", 0));
        eventually("it was put off", () -> ledger.arrived.size() == 1);
        // Its answer is behind it on the same stream.
        client.submit(sell("B", 0)).get();
        CompletableFuture<Outcome> behind = client.submit(sell("A", 1));
        client.submit(sell("B", 1)).get();

        assertFalse(behind.isDone());
        assertEquals(1, putOff.get().sequence());
        assertEquals(2, behind.get().sequence());
    }

    @Test
    void oneBadMutationFailsAlone() throws Exception {
        ledger.mutationError = (mutation, nth) -> mutation.getMutationId().equals("A-1")
                ? error(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", 0)
                : null;
        ledger.hold = true;
        List<CompletableFuture<Outcome>> outcomes = submitAll("A", 0, 3);
        ledger.letGo();

        assertInstanceOf(Outcome.Applied.class, outcomes.get(0).get());
        assertInstanceOf(Outcome.Applied.class, outcomes.get(2).get());
        LedgerException error = failure(outcomes.get(1));
        assertEquals("INVALID_FIELD", error.reason());
        assertFalse(error.outcomeUnknown());
    }

    @Test
    void moreThanMaxInFlightFailsAtOnceAndTheFreedPlaceIsThereWhenAFutureCompletes() throws Exception {
        try (LedgerClient small =
                LedgerClient.builder(ledger.target()).maxInFlight(2).build()) {
            ledger.hold = true;
            CompletableFuture<Outcome> first = small.submit(sell("A", 0));
            CompletableFuture<Outcome> second = small.submit(sell("A", 1));

            assertEquals("CLIENT_FULL", failure(small.submit(sell("A", 2))).reason());

            AtomicReference<CompletableFuture<Outcome>> next = new AtomicReference<>();
            first.thenRun(() -> next.set(small.submit(sell("A", 3))));
            ledger.letGo();
            second.get();
            eventually("the next was submitted", () -> next.get() != null);
            assertEquals(3, next.get().get().sequence());
        }
    }

    @Test
    void aStreamThatDoesNotAnswerIsBrokenOffAndWhatItHeldIsSentAgain() throws Exception {
        try (LedgerClient quick = LedgerClient.builder(ledger.target())
                .callTimeout(Duration.ofMillis(300))
                .build()) {
            ledger.faults.add(new ScriptedLedger.Fault.Silence());

            assertEquals(1, quick.submit(sell("A", 0)).get().sequence());
            assertEquals(2, ledger.arrived.size());
        }
    }

    @Test
    void anUnansweredMutationFailsAtNotAfterAsUnknown() throws Exception {
        try (LedgerClient hurried = LedgerClient.builder(ledger.target())
                .mutationTimeout(Duration.ofMillis(300))
                .build()) {
            ledger.faults.add(new ScriptedLedger.Fault.Silence());

            LedgerException error = failure(hurried.submit(sell("A", 0)));

            assertTrue(error.outcomeUnknown());
            assertEquals("OUTCOME_UNKNOWN", error.reason());
        }
    }

    @Test
    void closingSaysWhichMutationsMayHaveBeenApplied() throws Exception {
        ledger.hold = true;
        CompletableFuture<Outcome> sent = client.submit(sell("A", 0));
        eventually("it was sent", () -> ledger.arrived.size() == 1);

        client.close();

        assertTrue(failure(sent).outcomeUnknown());
        LedgerException late = failure(client.submit(sell("A", 1)));
        assertEquals("CLIENT_CLOSED", late.reason());
        assertFalse(late.outcomeUnknown());
    }

    @Test
    void whereNobodyListensEverySubmittedMutationFailsAtOnce() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        try (LedgerClient lost = LedgerClient.connect("127.0.0.1:" + port)) {
            List<CompletableFuture<Outcome>> outcomes = IntStream.range(0, 100)
                    .mapToObj(i -> lost.submit(sell("A", i)))
                    .toList();
            for (CompletableFuture<Outcome> outcome : outcomes) {
                assertTrue(failure(outcome).getMessage().startsWith("no ledger answers at "));
            }
        }
    }

    private static Mutation sell(String sku, int n) {
        return Mutations.sell(sku, 1).setMutationId(sku + "-" + n).build();
    }

    private List<CompletableFuture<Outcome>> submitAll(String sku, int first, int count) {
        List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
        for (int i = first; i < first + count; i++) {
            outcomes.add(client.submit(sell(sku, i)));
        }
        return outcomes;
    }

    private static void all(List<CompletableFuture<Outcome>> outcomes) throws Exception {
        for (CompletableFuture<Outcome> outcome : outcomes) {
            outcome.get();
        }
    }

    private void assertInOrder(String sku, int count) {
        // One by one: a failure names the first that is out of place, not thousands.
        List<String> applied = ledger.applied.get(sku);
        for (int i = 0; i < count; i++) {
            assertEquals(sku + "-" + i, applied.get(i));
        }
        assertEquals(count, applied.size());
    }

    private static LedgerException failure(CompletableFuture<Outcome> outcome) {
        return (LedgerException) assertThrows(ExecutionException.class, outcome::get).getCause();
    }
}
