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
import java.util.stream.IntStream;

/** 100,000 SKUs awake and peak load in heaps of 1 GiB, which the README says to reckon with, and of 512 MiB, beside the launcher's default. */
public final class SmallHeap implements Workload {
    private static final int CALLERS = 512;
    private static final String AWAKE = "stockledger.entity.idle-after = 1 hour\n";

    @Override
    public String name() {
        return "small-heap";
    }

    @Override
    public String group() {
        return "memory";
    }

    @Override
    public String about() {
        return "100,000 SKUs awake and 512 callers of a hot one in heaps of 1 GiB and 512 MiB, beside the default heap";
    }

    @Override
    public double seconds(Settings settings) {
        return 45 + skus(settings) / 2_000.0 + settings.seconds(3);
    }

    @Override
    public void run(Ground ground) throws Exception {
        measure(ground, "small-heap-default-512", "hot SKU, unary, 512 callers, many SKUs awake, default heap");
        measure(ground, "small-heap-1-gib-512", "the same in a heap of 1 GiB", "-Xms1g", "-Xmx1g");
        measure(ground, "small-heap-512", "the same in a heap of 512 MiB", "-Xms512m", "-Xmx512m");
    }

    private static void measure(Ground ground, String name, String title, String... flags) throws Exception {
        int skus = skus(ground.settings());
        try (ServerProcess ledger = ground.ownLedger(AWAKE, flags)) {
            ServerHeap heap = ServerHeap.of(ledger);
            ManagedChannel channel = ground.channelTo(ledger.target());
            Sales sales = new Sales(ground.fresh("sh"));
            List<String> names = IntStream.range(0, skus).mapToObj(i -> ground.fresh("AWAKE")).toList();
            sales.stockUp(channel, names);
            String hot = names.get(0);
            LedgerServiceGrpc.LedgerServiceStub stub = LedgerServiceGrpc.newStub(channel);
            List<Double> rounds = ground.peak(name, Callers.<ApplyMutationResponse>unary(CALLERS,
                    (caller, answer) -> stub.applyMutation(sales.request(hot), answer),
                    answer -> Sales.requireApplied(answer.getResult()))).rounds();
            long awake = ResidentMemory.awake(ledger);
            if (awake < skus) {
                throw new IllegalStateException(awake + " SKUs are awake where " + skus + " should be");
            }
            long live = heap.liveBytes();
            Figure figure = Figure.of(name, title, rounds, "mutations/s")
                    .note(String.format(Locale.ROOT, "%,d SKUs awake, %,d MiB live after a full collection", awake, live >> 20));
            ground.add(flags.length > 0 ? figure.goal(Goal.shown("small-heap-default-512")) : figure);
            channel.shutdownNow();
        }
    }

    private static int skus(Settings settings) {
        return settings.quick() ? 10_000 : 100_000;
    }
}
