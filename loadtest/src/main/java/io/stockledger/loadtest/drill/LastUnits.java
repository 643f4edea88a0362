package io.stockledger.loadtest.drill;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.GetMutationResponse;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Stock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * A crowd asks at once for the last units of a SKU. Half of the callers send the same mutation two to five times at
 * the same moment; half of all go by single calls, half by the client's stream. With crashes, the server is killed
 * between send and answer and the callers resend until they are answered.
 */
final class LastUnits {
    private static final int CALLERS = 1_000;
    private static final int UNITS = 6;

    private final Ground ground;
    private final int rounds;
    private final boolean crash;
    private final ServerProcess server;
    private final Proxy proxy;
    private final LedgerClient through;
    private final LedgerClient direct;
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(null, task, "caller", 256 * 1024);
        thread.setDaemon(true);
        return thread;
    });

    LastUnits(Ground ground, int rounds, boolean crash) {
        this.ground = ground;
        this.rounds = rounds;
        this.crash = crash;
        this.server = ground.server();
        this.proxy = ground.keep(Proxy.to(server.port()));
        this.through = ground.client(proxy.target());
        this.direct = ground.client(server.target());
    }

    void run() throws Exception {
        ground.keep(threads::shutdownNow);
        int exact = 0;
        long calls = 0;
        long consistent = 0;
        int killedWithAnswersOut = 0;
        for (int round = 1; round <= rounds; round++) {
            String sku = "LAST-" + round;
            through.apply(Mutations.receive(sku, UNITS).build());
            List<Mutation> asked = new ArrayList<>();
            for (int caller = 0; caller < CALLERS; caller++) {
                // All copies of a caller must be the same bytes, so what the client would fill in is set here.
                Mutation.Builder sell = caller % 3 == 0 ? Mutations.reserve(sku, 1, Duration.ofMinutes(30)) : Mutations.sell(sku, 1);
                asked.add(sell.setMutationId("r" + round + "-c" + caller).setChannel("ch-" + caller % 2).build());
            }
            CountDownLatch go = new CountDownLatch(1);
            List<List<Future<Outcome>>> answers = new ArrayList<>();
            for (int caller = 0; caller < CALLERS; caller++) {
                int copies = caller % 2 == 0 ? 1 : 2 + ground.random().nextInt(4);
                List<Future<Outcome>> mine = new ArrayList<>();
                for (int copy = 0; copy < copies; copy++) {
                    Mutation mutation = asked.get(caller);
                    boolean single = (caller / 2 + copy) % 2 == 0;
                    mine.add(threads.submit(() -> {
                        go.await();
                        return single ? through.apply(mutation) : through.submit(mutation).get();
                    }));
                    calls++;
                }
                answers.add(mine);
            }
            if (crash) {
                killedWithAnswersOut += crash(sku, go, round % 2 == 0) ? 1 : 0;
            } else {
                go.countDown();
            }
            exact += isExact(round, sku, asked, answers) ? 1 : 0;
            consistent += CALLERS;
        }
        ground.check(exact == rounds, "%d rounds of %d: of %,d callers exactly %d got a unit, and each heard what GetMutation tells (%,d looked up, %,d calls)",
                exact, rounds, CALLERS, UNITS, consistent, calls);
        if (crash) {
            ground.check(killedWithAnswersOut > 0, "in %d rounds the units were gone, and no answer out, when the server was killed", killedWithAnswersOut);
        }
    }

    /** Kills the server with answers withheld, or just at a random moment; true where the units were gone already. */
    private boolean crash(String sku, CountDownLatch go, boolean withhold) throws InterruptedException {
        proxy.holdAnswers(withhold);
        go.countDown();
        boolean gone = false;
        if (withhold) {
            gone = Ground.await(Duration.ofSeconds(20), () -> direct.stock(sku).getAvailableToSell() == 0);
        } else {
            TimeUnit.MILLISECONDS.sleep(ground.chance(0, 300));
        }
        server.kill();
        proxy.cut();
        proxy.holdAnswers(false);
        server.start();
        return gone;
    }

    private boolean isExact(int round, String sku, List<Mutation> asked, List<List<Future<Outcome>>> answers) throws Exception {
        List<String> wrong = new ArrayList<>();
        Set<Integer> accepted = new HashSet<>();
        Set<Long> sequences = new HashSet<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            Set<Long> heard = new HashSet<>();
            for (Future<Outcome> answer : answers.get(caller)) {
                try {
                    Outcome outcome = answer.get(120, TimeUnit.SECONDS);
                    if (outcome instanceof Outcome.Applied applied) {
                        heard.add(applied.sequence());
                    } else if (outcome instanceof Outcome.Refused refused) {
                        heard.add(0L);
                        if (refused.reason() != RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK) {
                            wrong.add("caller " + caller + " was refused for " + refused.reason());
                        }
                    }
                } catch (ExecutionException e) {
                    wrong.add("caller " + caller + " got no outcome: " + e.getCause());
                }
            }
            if (heard.size() != 1) {
                wrong.add("caller " + caller + " heard different outcomes: " + heard);
            }
            if (!heard.contains(0L) && !heard.isEmpty()) {
                accepted.add(caller);
                sequences.addAll(heard);
            }
        }
        if (accepted.size() != UNITS || sequences.size() != UNITS) {
            wrong.add(accepted.size() + " callers were accepted, under " + sequences.size() + " sequences");
        }
        Stock stock = direct.stock(sku);
        if (stock.getAvailableToSell() != 0 || stock.getSequence() != UNITS + 1) {
            wrong.add("the SKU stands at sequence " + stock.getSequence() + " with " + stock.getAvailableToSell() + " to sell");
        }
        List<CompletableFuture<GetMutationResponse>> told = new ArrayList<>();
        for (Mutation mutation : asked) {
            told.add(CompletableFuture.supplyAsync(() -> direct.mutation(sku, mutation.getMutationId()), threads));
            if (told.size() % 100 == 0) {
                told.get(told.size() - 1).get();
            }
        }
        for (int caller = 0; caller < CALLERS; caller++) {
            MutationState state = told.get(caller).get().getState();
            MutationState expected = accepted.contains(caller) ? MutationState.MUTATION_STATE_APPLIED : MutationState.MUTATION_STATE_NOT_APPLIED;
            if (state != expected) {
                wrong.add("caller " + caller + ": GetMutation says " + state + ", heard " + expected);
            }
        }
        wrong.stream().limit(5).forEach(line -> ground.say("round %d: %s", round, line));
        return wrong.isEmpty();
    }
}
