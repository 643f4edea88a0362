package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.stockledger.client.Mutations;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.GetMutationRequest;
import io.stockledger.v1.GetMutationResponse;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationState;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A mutation that comes too late is never applied, and its caller can know so. */
class NotAfterTest {
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger.entity.sweep-interval = 1 hour");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static MutationState state(Mutation.Builder mutation) {
        return ask(mutation, mutation.getNotAfter()).getState();
    }

    private static GetMutationResponse ask(Mutation.Builder mutation, Timestamp notAfter) {
        return ledger.calls().getMutation(GetMutationRequest.newBuilder().setSku(mutation.getSku())
                .setMutationId(mutation.getMutationId()).setNotAfter(notAfter).build());
    }

    @Test
    void aMutationThatTheNetworkHeldBackIsNeverApplied() throws Exception {
        ledger.applied(Mutations.receive("held-back", 1));
        try (HoldingProxy network = new HoldingProxy(ledger.port())) {
            ManagedChannel channel = RunningLedger.channelTo(network.port());
            try {
                LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(channel)
                        .withDeadlineAfter(30, TimeUnit.SECONDS);
                calls.getStock(GetStockRequest.newBuilder().setSku("held-back").build()).get();
                network.hold();
                Mutation.Builder claim = Mutations.sell("held-back", 1).setMutationId("held-back-1")
                        .setNotAfter(ledger.at(Duration.ofMinutes(1)));
                Future<ApplyMutationResponse> answer = calls.applyMutation(RunningLedger.request(claim));
                await("the claim is on its way", () -> network.heldBytes() > 20);

                assertEquals(MutationState.MUTATION_STATE_NOT_APPLIED, state(claim), "not_after has not passed yet");
                ledger.clock.forward(Duration.ofMinutes(2));
                assertEquals(MutationState.MUTATION_STATE_NEVER, state(claim));
                network.release();

                ExecutionException failed = assertThrows(ExecutionException.class,
                        answer::get);
                assertEquals("FAILED_PRECONDITION/NOT_AFTER_PASSED",
                        RunningLedger.Problem.of((StatusRuntimeException) failed.getCause()).name());
                assertEquals(MutationState.MUTATION_STATE_NEVER, state(claim));
                assertEquals(1, ledger.stock("held-back").getAvailableToSell());
            } finally {
                channel.shutdownNow();
            }
        }
    }

    @Test
    void aMutationSentAfterItsNotAfterIsNotApplied() {
        Mutation.Builder late = Mutations.receive("late", 1).setNotAfter(ledger.at(Duration.ofMillis(-1)));
        assertEquals("FAILED_PRECONDITION/NOT_AFTER_PASSED", problem(() -> ledger.apply(late)).name());
        assertEquals(MutationState.MUTATION_STATE_NEVER, state(late));
        assertEquals(0, ledger.stock("late").getSequence());
    }

    @Test
    void whatWasAppliedInTimeIsNeverSaidToBeNever() {
        Mutation.Builder timely = Mutations.receive("timely", 1).setNotAfter(ledger.at(Duration.ofMinutes(1)));
        ledger.applied(timely);
        ledger.clock.forward(Duration.ofMinutes(2));
        GetMutationResponse found = ask(timely, timely.getNotAfter());
        assertEquals(MutationState.MUTATION_STATE_APPLIED, found.getState());
        assertEquals(1, found.getEntry().getSequence());
        assertEquals(timely.getMutationId(), found.getEntry().getMutationId());
    }

    @Test
    void aNotAfterThatPassesWhileTheMutationWaitsForItsTurnCounts() throws Exception {
        ledger.applied(Mutations.receive("waits", 1));
        LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel())
                .withDeadlineAfter(30, TimeUnit.SECONDS);
        Future<ApplyMutationResponse> first;
        Future<ApplyMutationResponse> second;
        try (RunningLedger.HeldWrites held = ledger.holdWrites()) {
            first = calls.applyMutation(RunningLedger.request(Mutations.receive("waits", 1)));
            held.awaitOne();
            second = calls.applyMutation(RunningLedger.request(
                    Mutations.receive("waits", 1).setNotAfter(ledger.at(Duration.ofMinutes(1)))));
            ledger.clock.forward(Duration.ofMinutes(2));
        }
        assertTrue(first.get().getResult().hasApplied());
        ExecutionException failed = assertThrows(ExecutionException.class, second::get);
        assertEquals("FAILED_PRECONDITION/NOT_AFTER_PASSED",
                RunningLedger.Problem.of((StatusRuntimeException) failed.getCause()).name());
        assertEquals(2, ledger.stock("waits").getSequence());
    }

    @Test
    void aDeadlineThatPassesBeforeItsTurnMeansNotApplied() throws Exception {
        ledger.applied(Mutations.receive("deadline", 1));
        Mutation.Builder overdue = Mutations.receive("deadline", 1);
        Future<ApplyMutationResponse> first;
        StreamCaller stream;
        try (RunningLedger.HeldWrites held = ledger.holdWrites()) {
            first = LedgerServiceGrpc.newFutureStub(ledger.channel()).withDeadlineAfter(30, TimeUnit.SECONDS)
                    .applyMutation(RunningLedger.request(Mutations.receive("deadline", 1)));
            held.awaitOne();
            stream = new StreamCaller(LedgerServiceGrpc.newStub(ledger.channel()).withDeadlineAfter(300, TimeUnit.MILLISECONDS));
            stream.send(Mutations.receive("deadline", 1));
            assertEquals(io.grpc.Status.Code.DEADLINE_EXCEEDED, problem(() ->
                    LedgerServiceGrpc.newBlockingStub(ledger.channel()).withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                            .applyMutation(RunningLedger.request(overdue))).code());
            assertEquals(io.grpc.Status.Code.DEADLINE_EXCEEDED, stream.problem().code());
            // The ledger counts from when a call came in, a little later than its caller does.
            long callersEnd = System.nanoTime();
            RunningLedger.await("the deadlines have passed at the ledger too",
                    () -> System.nanoTime() - callersEnd > TimeUnit.MILLISECONDS.toNanos(300));
        }
        assertTrue(first.get().getResult().hasApplied());
        // A look is answered after everything that was submitted before it.
        assertEquals(2, ledger.stock("deadline").getSequence());
        assertEquals(MutationState.MUTATION_STATE_NOT_APPLIED,
                ledger.mutation("deadline", overdue.getMutationId()).getState());
    }
}
