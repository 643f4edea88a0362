package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** More SKUs than stay in memory, asked in turn: each sale wakes a SKU, and another falls asleep. */
public final class Churn implements Workload {
    private static final int CALLERS = 64;
    /** Nobody leaves for being unused. */
    private static final String SETTINGS = "stockledger.entity { idle-after = 1 hour, resident-max = %d }\n";
    private static final int STAYING = 1_000;

    @Override
    public String name() {
        return "churn";
    }

    @Override
    public String group() {
        return "memory";
    }

    @Override
    public String about() {
        return "sales over more SKUs than stay in memory (1,000), beside the same SKUs all awake";
    }

    @Override
    public double seconds(Settings settings) {
        return 30 + skus(settings) / 3_000.0 + settings.seconds(2);
    }

    @Override
    public void run(Ground ground) throws Exception {
        measure(ground, "churn-awake", "spread, SKUs all awake, 64 callers", skus(ground.settings()));
        measure(ground, "churn-asleep", "spread, each sale wakes its SKU, 64 callers", STAYING);
    }

    private static void measure(Ground ground, String name, String title, int staying) throws Exception {
        int skus = skus(ground.settings());
        try (ServerProcess ledger = ground.ownLedger(SETTINGS.formatted(staying))) {
            ManagedChannel channel = ground.channelTo(ledger.target());
            Sales sales = new Sales(ground.fresh("ch"));
            List<String> names = IntStream.range(0, skus).mapToObj(i -> ground.fresh("CHURN")).toList();
            sales.stockUp(channel, names);
            LedgerServiceGrpc.LedgerServiceStub stub = LedgerServiceGrpc.newStub(channel);
            AtomicLong turn = new AtomicLong();
            List<Double> rounds = ground.peak(name, Callers.<ApplyMutationResponse>unary(CALLERS,
                    (caller, answer) -> stub.applyMutation(sales.request(names.get((int) (turn.getAndIncrement() % skus))), answer),
                    answer -> Sales.requireApplied(answer.getResult()))).rounds();
            long awake = ResidentMemory.awake(ledger);
            Figure figure = Figure.of(name, title, rounds, "mutations/s")
                    .note(String.format(Locale.ROOT, "%,d SKUs in turn, of which %,d were awake at the end", skus, awake));
            ground.add(name.equals("churn-asleep") ? figure.goal(Goal.shown("churn-awake")) : figure);
            channel.shutdownNow();
        }
    }

    private static int skus(Settings settings) {
        return settings.quick() ? 20_000 : 100_000;
    }
}
