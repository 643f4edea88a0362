package io.stockledger.loadtest.drill;

import io.grpc.StatusRuntimeException;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Sends ids again that were applied long ago: behind very many newer ones of the same SKU, after a clean restart, a
 * kill and a passivation. Each time the first outcome comes back, and nothing is written.
 */
final class Ids {
    private static final String SKU = "REMEMBERED";
    private static final int UNDER_WAY_MAX = 8_000;
    private static final long IDLE_MS = 2_000;

    private final Ground ground;
    private final int newer;

    Ids(Ground ground, int newer) {
        this.ground = ground;
        this.newer = newer;
    }

    void run() throws Exception {
        ServerProcess server = ground.server("stockledger.entity.idle-after = " + IDLE_MS + " ms\n");
        LedgerClient client = ground.client(server.target());
        Bare bare = ground.keep(new Bare(server.target()));
        client.apply(Mutations.receive(SKU, 10_000_000).build());
        Instant then = Instant.now();
        Mutation dated = Mutations.sell(SKU, 3).setMutationId("dated").setCreatedAt(Bare.timestamp(then)).build();
        Mutation undated = Mutations.sell(SKU, 5).setMutationId("undated").build();
        Mutation hold = Mutations.reserve(SKU, 7, Duration.ofDays(2)).setMutationId("hold").build();
        long first = sequence(bare.apply(dated, 10_000), false);
        sequence(bare.apply(undated, 10_000), false);
        sequence(bare.apply(hold, 10_000), false);

        long begun = System.nanoTime();
        ground.check(sellNewer(client) == newer, "%,d newer ids of the SKU applied, in %.1f s", newer, Ground.secondsSince(begun));
        again(bare, "behind " + newer + " newer ids", dated, undated, hold, first);
        server.stop();
        server.start();
        again(bare, "after a restart", dated, undated, hold, first);
        server.kill();
        server.start();
        again(bare, "after a kill", dated, undated, hold, first);
        // Nothing can be asked about passivation that would not wake the SKU: three times the idle time must do.
        Ground.pause(3 * IDLE_MS);
        again(bare, "after passivation", dated, undated, hold, first);

        long before = client.stock(SKU).getSequence();
        ground.check(before == newer + 4L, "the SKU stands at sequence %,d: nothing was written twice", before);
        String other = reason(bare, Mutations.sell(SKU, 4).setMutationId("undated").build());
        ground.check(other.equals("MUTATION_ID_REUSED"), "the same id with other content: %s", other);
        String old = reason(bare, Mutations.sell(SKU, 1).setMutationId("old").setCreatedAt(Bare.timestamp(Instant.now().minus(8, ChronoUnit.DAYS))).build());
        ground.check(old.equals("MUTATION_EXPIRED"), "created_at of 8 days ago: %s", old);

        timeFresh(bare, "a fresh id with created_at", true);
        timeFresh(bare, "a fresh id without", false);
        String known = client.mutation(SKU, "undated").getState().name();
        ground.check(known.equals("MUTATION_STATE_APPLIED"), "GetMutation of the old id: %s", known);
    }

    private long sellNewer(LedgerClient client) throws InterruptedException {
        Semaphore room = new Semaphore(UNDER_WAY_MAX);
        AtomicLong applied = new AtomicLong();
        for (int i = 0; i < newer; i++) {
            room.acquire();
            // Its id is the client's, which vouches by created_at that it is new; the time of one without is told below.
            client.submit(Mutations.sell(SKU, 1).build()).whenComplete((outcome, error) -> {
                if (outcome instanceof Outcome.Applied) {
                    applied.incrementAndGet();
                }
                room.release();
            });
        }
        room.acquire(UNDER_WAY_MAX);
        return applied.get();
    }

    private void again(Bare bare, String when, Mutation dated, Mutation undated, Mutation hold, long first) {
        reconnect(bare);
        StringBuilder times = new StringBuilder();
        boolean same = true;
        for (Mutation mutation : List.of(dated, undated, hold)) {
            long begun = System.nanoTime();
            long found = sequence(bare.apply(mutation, 30_000), true);
            times.append(String.format(java.util.Locale.ROOT, " %.1f ms", Ground.secondsSince(begun) * 1e3));
            same &= found == first + List.of(dated, undated, hold).indexOf(mutation);
        }
        ground.check(same, "%s: the first outcomes again (with created_at, without, a hold:%s)", when, times);
    }

    /** Connects again where a restart broke the connection, on another SKU, so that only the look-up is timed. */
    private static void reconnect(Bare bare) {
        Mutation warm = Mutations.receive("WARM", 1).setMutationId("warm").build();
        Ground.await(Duration.ofSeconds(20), () -> {
            try {
                return bare.apply(warm, 10_000).hasApplied();
            } catch (StatusRuntimeException broken) {
                return false;
            }
        });
    }

    private void timeFresh(Bare bare, String what, boolean dated) {
        double sum = 0;
        double worst = 0;
        int calls = 50;
        for (int i = 0; i < calls; i++) {
            Mutation.Builder sell = Mutations.sell(SKU, 1).setMutationId(UUID.randomUUID().toString());
            if (dated) {
                sell.setCreatedAt(Bare.timestamp(Instant.now()));
            }
            long begun = System.nanoTime();
            bare.apply(sell.build(), 30_000);
            double ms = Ground.secondsSince(begun) * 1e3;
            sum += ms;
            worst = Math.max(worst, ms);
        }
        ground.say("%s: %.2f ms in the mean, %.1f ms at most, over %d calls", what, sum / calls, worst, calls);
    }

    private static String reason(Bare bare, Mutation mutation) {
        try {
            return bare.apply(mutation, 30_000).getOutcomeCase().name();
        } catch (StatusRuntimeException e) {
            return Bare.reason(e);
        }
    }

    private static long sequence(MutationResult result, boolean replayed) {
        return Optional.of(result).filter(MutationResult::hasApplied).map(MutationResult::getApplied)
                .filter(applied -> applied.getReplayed() == replayed).map(applied -> applied.getSequence()).orElse(-1L);
    }
}
