package io.stockledger.loadtest.drill;

import io.grpc.StatusRuntimeException;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.Stock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Kills PostgreSQL under a load of single calls. Every call gets an answer, and soon: an outcome, or an error that
 * says whether it may have been applied. Afterwards those in doubt are sent again, and the stock is what the callers
 * were told.
 */
final class StoreAway {
    private static final int CALLERS = 64;
    private static final int SKUS = 16;
    private static final int KILLS = 3;
    private static final long STOCK = 10_000_000;
    private static final long DEADLINE_MS = 30_000;
    private static final long ANSWER_MS_MAX = 12_000;

    private final Ground ground;
    private final AtomicLong applied = new AtomicLong();
    private final AtomicLong slowestMs = new AtomicLong();
    private final ConcurrentLinkedQueue<Mutation> inDoubt = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Mutation> notApplied = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicLong> reasons = java.util.Collections.synchronizedMap(new TreeMap<>());
    private volatile boolean stop;

    StoreAway(Ground ground) {
        this.ground = ground;
    }

    void run() throws Exception {
        ServerProcess server = ground.server();
        LedgerClient client = ground.client(server.target());
        for (int i = 0; i < SKUS; i++) {
            client.apply(Mutations.receive(sku(i), STOCK).build());
        }
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            Bare bare = ground.keep(new Bare(server.target()));
            int caller = i;
            Thread thread = new Thread(() -> call(bare, caller), "caller");
            thread.setDaemon(true);
            thread.start();
            callers.add(thread);
        }
        for (int kill = 0; kill < KILLS; kill++) {
            TimeUnit.MILLISECONDS.sleep(ground.chance(2_000, 4_000));
            long before = applied.get();
            long begun = System.nanoTime();
            server.killPostgresql();
            Ground.pause(50);
            long atKill = applied.get();
            boolean back = Ground.await(Duration.ofSeconds(60), () -> applied.get() > atKill + CALLERS);
            ground.check(back, "PostgreSQL killed after %,d applied; writes went on %.1f s later", before, Ground.secondsSince(begun));
        }
        TimeUnit.SECONDS.sleep(2);
        stop = true;
        int left = 0;
        for (Thread caller : callers) {
            caller.join(DEADLINE_MS + 10_000);
            left += caller.isAlive() ? 1 : 0;
        }
        ground.say("answers: %s", reasons);
        boolean silent = reasons.containsKey("DEADLINE_EXCEEDED");
        ground.check(left == 0 && !silent && slowestMs.get() <= ANSWER_MS_MAX, "every call was answered; the slowest took %.1f s", slowestMs.get() / 1e3);
        java.util.Set<String> known = java.util.Set.of("APPLIED", "OUTCOME_UNKNOWN", "NOT_STARTED", "TOO_MANY_WAITING");
        ground.check(known.containsAll(reasons.keySet()), "with an outcome, or a documented reason");

        int found = 0;
        int wrong = 0;
        for (Mutation mutation : inDoubt) {
            boolean was = client.mutation(mutation.getSku(), mutation.getMutationId()).getState() == MutationState.MUTATION_STATE_APPLIED;
            found += was ? 1 : 0;
        }
        for (Mutation mutation : notApplied) {
            boolean was = client.mutation(mutation.getSku(), mutation.getMutationId()).getState() == MutationState.MUTATION_STATE_APPLIED;
            wrong += was ? 1 : 0;
        }
        ground.check(wrong == 0, "of %d calls told \"not applied\" %d were", notApplied.size(), wrong);
        ground.say("of %d in doubt %d are in the journal", inDoubt.size(), found);
        for (Mutation mutation : inDoubt) {
            client.apply(mutation);
        }
        long expected = applied.get() + inDoubt.size();
        long sold = 0;
        long entries = 0;
        for (int i = 0; i < SKUS; i++) {
            Stock stock = client.stock(sku(i));
            sold += STOCK - stock.getOnHand();
            entries += stock.getSequence() - 1;
        }
        ground.check(sold == expected && entries == expected, "after sending those in doubt again %,d units are sold in %,d entries; the callers know of %,d", sold, entries, expected);
    }

    private void call(Bare bare, int caller) {
        for (int i = 0; !stop; i++) {
            Mutation mutation = Mutations.sell(sku((caller + i) % SKUS), 1).setMutationId("c" + caller + "-" + i).build();
            long begun = System.nanoTime();
            String reason;
            try {
                MutationResult result = bare.apply(mutation, DEADLINE_MS);
                reason = result.getOutcomeCase().name();
                applied.incrementAndGet();
            } catch (StatusRuntimeException e) {
                reason = Bare.reason(e);
                (reason.equals("NOT_STARTED") || reason.equals("TOO_MANY_WAITING") ? notApplied : inDoubt).add(mutation);
                // A caller that is told "later" does not hammer.
                Ground.pause(50);
            }
            slowestMs.accumulateAndGet((System.nanoTime() - begun) / 1_000_000, Math::max);
            reasons.computeIfAbsent(reason, key -> new AtomicLong()).incrementAndGet();
        }
    }

    private static String sku(int i) {
        return "STORE-" + i;
    }
}
