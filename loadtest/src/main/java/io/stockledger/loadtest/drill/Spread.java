package io.stockledger.loadtest.drill;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Stock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** Writes very many SKUs at once: no write fails, no circuit breaker opens, nobody is left without an answer. */
final class Spread {
    private final Ground ground;
    private final int skus;
    private final int rounds;

    Spread(Ground ground, int skus, int rounds) {
        this.ground = ground;
        this.skus = skus;
        this.rounds = rounds;
    }

    void run() throws Exception {
        ServerProcess server = ground.server();
        LedgerClient client = ground.client(server.target());
        client.awaitReachable(java.time.Duration.ofSeconds(10));
        round(client, "receive", i -> Mutations.receive(sku(i), 100).build());
        for (int round = 2; round <= rounds; round++) {
            int turn = round;
            round(client, "sell, round " + round, i -> Mutations.sell(sku(i), 1).setMutationId("s" + turn + "-" + i).build());
        }
        // Cold SKUs: 10,000 recoveries at once.
        server.stop();
        server.start();
        round(client, "sell, all cold", i -> Mutations.sell(sku(i), 1).setMutationId("cold-" + i).build());

        List<String> names = new ArrayList<>();
        for (int i = 0; i < skus; i++) {
            names.add(sku(i));
        }
        long wrong = client.stocks(names, "").stream().filter(stock -> !isRight(stock)).count();
        ground.check(wrong == 0, "each SKU stands at sequence %d with %d on hand (%d do not)", rounds + 1, 100 - rounds, wrong);
        List<String> log = server.logLines("breaker", "error", "failed", "timed out", "timeout", "exception");
        log.stream().limit(5).forEach(line -> ground.say("log: %s", line));
        ground.check(log.isEmpty(), "the server's log tells of no failed write and no breaker (%d lines)", log.size());
    }

    private boolean isRight(Stock stock) {
        return stock.getSequence() == rounds + 1 && stock.getOnHand() == 100 - rounds;
    }

    private static String sku(int i) {
        return "SPREAD-" + i;
    }

    private void round(LedgerClient client, String what, IntFunction<Mutation> mutation) throws InterruptedException {
        long begun = System.nanoTime();
        List<CompletableFuture<Outcome>> answers = new ArrayList<>(skus);
        for (int i = 0; i < skus; i++) {
            answers.add(client.submit(mutation.apply(i)));
        }
        int applied = 0;
        String first = "";
        for (CompletableFuture<Outcome> answer : answers) {
            try {
                Outcome outcome = answer.get(150, TimeUnit.SECONDS);
                if (outcome instanceof Outcome.Applied) {
                    applied++;
                } else {
                    first = first.isEmpty() ? outcome.toString() : first;
                }
            } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
                first = first.isEmpty() ? e.toString() : first;
            }
        }
        double seconds = Ground.secondsSince(begun);
        ground.check(applied == skus, "%s: %,d of %,d SKUs written, all in %.2f s (%,.0f a second) %s", what, applied, skus, seconds, skus / seconds, first);
    }
}
