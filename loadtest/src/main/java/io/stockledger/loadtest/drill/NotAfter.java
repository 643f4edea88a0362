package io.stockledger.loadtest.drill;

import com.google.common.util.concurrent.ListenableFuture;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * A network holds mutations back past their not_after and delivers them then: none is applied, and GetMutation's word
 * NEVER, given before they arrive, stays true.
 */
final class NotAfter {
    private static final int MUTATIONS = 50;
    private static final long LIFE_MS = 1_500;

    private final Ground ground;

    NotAfter(Ground ground) {
        this.ground = ground;
    }

    void run() throws Exception {
        ServerProcess server = ground.server();
        Proxy proxy = ground.keep(Proxy.to(server.port()));
        Bare bare = ground.keep(new Bare(proxy.target()));
        LedgerClient patient = ground.keep(LedgerClient.builder(proxy.target())
                .callTimeout(Duration.ofMillis(400)).mutationTimeout(Duration.ofMillis(LIFE_MS)).build());
        LedgerClient direct = ground.client(server.target());
        direct.apply(Mutations.receive("HELD", 1_000).build());
        bare.apply(Mutations.receive("WARM", 1).setMutationId("warm-1").build(), 10_000);
        patient.apply(Mutations.receive("WARM", 1).build());

        proxy.holdRequests(true);
        Instant notAfter = Instant.now().plusMillis(LIFE_MS);
        List<Mutation> held = new ArrayList<>();
        List<ListenableFuture<ApplyMutationResponse>> single = new ArrayList<>();
        List<CompletableFuture<Outcome>> streamed = new ArrayList<>();
        for (int i = 0; i < MUTATIONS; i++) {
            Mutation mutation = Mutations.sell("HELD", 1).setMutationId("held-" + i).setNotAfter(Bare.timestamp(notAfter)).build();
            held.add(mutation);
            if (i % 2 == 0) {
                // No deadline: a deadline would cancel the call, and the cancellation would hide what is tested.
                single.add(bare.futures().applyMutation(ApplyMutationRequest.newBuilder().setMutation(mutation).build()));
            } else {
                streamed.add(patient.submit(mutation));
            }
        }
        boolean passed = Ground.await(Duration.ofSeconds(10), () -> Instant.now().isAfter(notAfter.plusMillis(50)));
        ground.check(passed && neverSaid(direct, held, notAfter) == MUTATIONS, "GetMutation says NEVER of %d mutations that are still on their way", MUTATIONS);
        ground.check(direct.mutation("HELD", "held-0").getState() == MutationState.MUTATION_STATE_NOT_APPLIED,
                "asked without not_after it says NOT_APPLIED, which promises less");

        proxy.holdRequests(false);
        int late = 0;
        for (ListenableFuture<ApplyMutationResponse> answer : single) {
            late += reasonOf(answer).equals("NOT_AFTER_PASSED") ? 1 : 0;
        }
        ground.check(late == single.size(), "delivered late, %d of %d single calls are answered NOT_AFTER_PASSED", late, single.size());
        int unknown = 0;
        for (CompletableFuture<Outcome> answer : streamed) {
            try {
                answer.get(30, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                unknown += e.getCause() instanceof LedgerException error && (error.outcomeUnknown() || error.reason().equals("NOT_AFTER_PASSED")) ? 1 : 0;
            }
        }
        ground.check(unknown == streamed.size(), "the client says of %d of %d streamed ones that they have no outcome", unknown, streamed.size());
        ground.check(neverSaid(direct, held, notAfter) == MUTATIONS, "GetMutation still says NEVER of all");
        ground.check(direct.stock("HELD").getOnHand() == 1_000 && direct.stock("HELD").getSequence() == 1, "the stock stands as before: 1,000 at sequence 1");
        Mutation inTime = Mutations.sell("HELD", 1).setMutationId("in-time").setNotAfter(Bare.timestamp(Instant.now().plusSeconds(20))).build();
        ground.check(patient.apply(inTime) instanceof Outcome.Applied
                && direct.mutation("HELD", "in-time").getState() == MutationState.MUTATION_STATE_APPLIED, "one that comes in time is applied");
    }

    private static long neverSaid(LedgerClient direct, List<Mutation> held, Instant notAfter) {
        return held.stream().filter(mutation -> direct.mutation("HELD", mutation.getMutationId(), notAfter).getState()
                == MutationState.MUTATION_STATE_NEVER).count();
    }

    private static String reasonOf(ListenableFuture<ApplyMutationResponse> answer) throws Exception {
        try {
            return answer.get(30, TimeUnit.SECONDS).getResult().getOutcomeCase().name();
        } catch (ExecutionException e) {
            return Bare.reason(e.getCause());
        }
    }
}
