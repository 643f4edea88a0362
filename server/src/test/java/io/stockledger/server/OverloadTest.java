package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.StatusRuntimeException;
import io.stockledger.client.Mutations;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Overload is told at once, and what was taken in is answered. */
class OverloadTest {
    private static final int WAITING_MAX = 40;

    private static List<Mutation.Builder> receipts(String sku, int count) {
        List<Mutation.Builder> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batch.add(Mutations.receive(sku, 1));
        }
        return batch;
    }

    @Test
    void beyondWhatANodeAdmitsCallersAreToldAtOnce() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.api.waiting-max = " + WAITING_MAX)) {
            overload(ledger, WAITING_MAX);
            // Everything has left again: as many as may be admitted are, in one go, over SKUs that fail and that don't.
            StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
            for (int round = 0; round < 5; round++) {
                stream.send(receipts(round % 2 == 0 ? "full" : "", WAITING_MAX));
                boolean applied = round % 2 == 0;
                assertTrue(stream.results().stream().allMatch(result -> result.hasApplied() == applied));
            }
            stream.send(receipts("full", WAITING_MAX + 1));
            for (MutationResult result : stream.results()) {
                RunningLedger.Problem problem = RunningLedger.Problem.of(result.getError());
                assertEquals("RESOURCE_EXHAUSTED/TOO_MANY_WAITING", problem.name());
                assertTrue(problem.retryAfter().isPresent());
            }
        }
    }

    @Test
    void beyondWhatMayWaitAtASkuCallersAreToldAtOnceAndOtherSkusAreNot() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.entity.waiting-max = " + WAITING_MAX)) {
            ledger.applied(Mutations.receive("hot", 1));
            // One lot is under way at the store, so one more than may wait is taken.
            overload(ledger, WAITING_MAX + 1);
            ledger.applied(Mutations.receive("cold", 1));
            StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
            stream.send(receipts("hot", WAITING_MAX));
            assertTrue(stream.results().stream().allMatch(MutationResult::hasApplied));
            // More at once than may ever wait keep nobody else out.
            stream.send(receipts("hot", WAITING_MAX + 1));
            assertTrue(stream.results().stream().allMatch(MutationResult::hasError));
            ledger.applied(Mutations.receive("hot", 1));
        }
    }

    @Test
    void whoWouldWaitForTooLongIsToldAtOnceAndWhoGoesWithTheNextWriteIsTaken() throws Exception {
        int lot = 10;
        try (RunningLedger ledger = RunningLedger.start("stockledger.entity { queue-wait-max = 1 ns, group-entries-max = " + lot + " }")) {
            overload(ledger, 1 + lot);
        }
    }

    private static void overload(RunningLedger ledger, int taken) throws Exception {
        LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel())
                .withDeadlineAfter(RunningLedger.BOUND.toSeconds(), TimeUnit.SECONDS);
        ledger.applied(Mutations.receive("hot", 1));
        long before = ledger.stock("hot").getSequence();
        List<Future<ApplyMutationResponse>> answers = new ArrayList<>();
        try (RunningLedger.HeldWrites held = ledger.holdWrites()) {
            answers.add(calls.applyMutation(RunningLedger.request(Mutations.receive("hot", 1))));
            held.awaitOne();
            for (int i = 1; i < 3 * WAITING_MAX; i++) {
                answers.add(calls.applyMutation(RunningLedger.request(Mutations.receive("hot", 1))));
            }
            // Told while the store still stands still.
            int refused = 3 * WAITING_MAX - taken;
            await("the surplus has been refused", () -> answers.stream().filter(Future::isDone).count() == refused);
        }
        int applied = 0;
        for (Future<ApplyMutationResponse> answer : answers) {
            try {
                assertTrue(answer.get().getResult().hasApplied());
                applied++;
            } catch (ExecutionException e) {
                RunningLedger.Problem problem = RunningLedger.Problem.of((StatusRuntimeException) e.getCause());
                assertEquals("RESOURCE_EXHAUSTED/TOO_MANY_WAITING", problem.name());
                assertTrue(problem.retryAfter().isPresent());
            }
        }
        assertEquals(taken, applied);
        assertEquals(before + taken, ledger.stock("hot").getSequence());
    }
}
