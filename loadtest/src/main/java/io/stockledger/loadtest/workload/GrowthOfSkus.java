package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Plot;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

/** How throughput goes as the same load spreads over more and more SKUs, on one ledger that holds them all. */
public final class GrowthOfSkus implements Workload {
    private static final Plot PLOT = new Plot("Growth: sales over more and more SKUs", "SKUs", "mutations/s", true, true);
    private static final List<Integer> CALLERS = List.of(64, 512);

    @Override
    public String name() {
        return "growth-skus";
    }

    @Override
    public String group() {
        return "growth";
    }

    @Override
    public String about() {
        return "unary sales over 1 to 100,000 SKUs (--full: 1,000,000), 64 and 512 callers";
    }

    @Override
    public double seconds(Settings settings) {
        List<Integer> points = points(settings);
        return 15 + points.get(points.size() - 1) / 8_000.0 + settings.seconds(points.size() * CALLERS.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        ServerProcess ledger = ground.ownLedger("");
        ManagedChannel channel = ground.channelTo(ledger.target());
        LedgerServiceGrpc.LedgerServiceStub stub = LedgerServiceGrpc.newStub(channel);
        Sales sales = new Sales(ground.fresh("gs"));
        List<String> skus = new ArrayList<>();
        for (int point : points(ground.settings())) {
            List<String> more = IntStream.range(skus.size(), point).mapToObj(i -> ground.fresh("GROWTH")).toList();
            sales.stockUp(channel, more);
            skus.addAll(more);
            for (int callers : CALLERS) {
                String name = "growth-skus-" + callers + "-callers-" + point;
                ground.add(Figure.of(name, String.format(Locale.ROOT, "any of %,d SKUs, unary, %s", point, Plots.callers(callers)),
                        ground.peak(name, Callers.<ApplyMutationResponse>unary(callers,
                                (caller, answer) -> stub.applyMutation(sales.request(skus.get(ThreadLocalRandom.current().nextInt(point))), answer),
                                answer -> Sales.requireApplied(answer.getResult()))).rounds(), "mutations/s")
                        .on(PLOT.at("ledger, unary, " + Plots.callers(callers), point)));
            }
        }
    }

    private static List<Integer> points(Settings settings) {
        List<Integer> all = List.of(1, 10, 100, 1_000, 10_000, 100_000, 1_000_000);
        return all.subList(0, settings.full() ? 7 : settings.quick() ? 4 : 6);
    }
}
