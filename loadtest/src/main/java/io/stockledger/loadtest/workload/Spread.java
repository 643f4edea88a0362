package io.stockledger.loadtest.workload;

import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.LedgerServiceGrpc.LedgerServiceStub;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** Sales over so many SKUs, each as likely as the others: nobody shares a group, so the journal's rows are the cost. */
public final class Spread implements Workload {
    private static final int CALLERS = 512;
    private static final int STREAMS = 8;
    private static final int BATCH = 1_000;
    /** Stocking up this many takes a second at the least. */
    private static final double STOCKED_UP_A_SECOND = 10_000;

    private final int skus;

    public Spread(int skus) {
        this.skus = skus;
    }

    @Override
    public String name() {
        return "spread-" + skus;
    }

    @Override
    public String group() {
        return "spread";
    }

    @Override
    public String about() {
        return String.format(Locale.ROOT, "%,d SKUs, each as likely: ApplyMutation with 512 callers, 8 streams of 1,000", skus);
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(2) + skus / STOCKED_UP_A_SECOND;
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("sp"));
        List<String> names = skus(ground, sales, skus);
        Supplier<String> any = () -> names.get(ThreadLocalRandom.current().nextInt(names.size()));
        String unary = "spread-unary-" + skus;
        Figure one = Figure.of(unary, String.format(Locale.ROOT, "%,d SKUs, unary, 512 callers", skus),
                ground.peak(unary, unary(ground, sales, CALLERS, any)).rounds(), "mutations/s").on(Plots.SPREAD.at("ledger, unary, 512 callers", skus));
        String stream = "spread-stream-" + skus;
        Figure many = Figure.of(stream, String.format(Locale.ROOT, "%,d SKUs, 8 streams of 1,000", skus),
                ground.peak(stream, Streams.load(ground, STREAMS, BATCH, () -> sales.sale(any.get()))).rounds(), "mutations/s")
                .on(Plots.SPREAD.at("ledger, 8 streams of 1,000", skus));
        boolean promised = skus == 10_000;
        ground.add(one.goal(promised ? Goal.timesBest(3, "row-lock-spread") : Goal.shownBest("row-lock-spread")));
        ground.add(many.goal(promised ? Goal.timesBest(10, "row-lock-spread") : Goal.shownBest("row-lock-spread")));
    }

    /** So many SKUs with stock. */
    static List<String> skus(Ground ground, Sales sales, int count) throws InterruptedException {
        String prefix = ground.fresh("S");
        List<String> names = IntStream.range(0, count).mapToObj(i -> prefix + "/" + i).toList();
        sales.stockUp(ground.channel(0), names);
        return names;
    }

    static Load unary(Ground ground, Sales sales, int callers, Supplier<String> sku) {
        List<LedgerServiceStub> stubs = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> LedgerServiceGrpc.newStub(ground.channel(i))).toList();
        return Callers.unary(callers,
                (int caller, StreamObserver<ApplyMutationResponse> answer) ->
                        stubs.get(caller % stubs.size()).applyMutation(sales.request(sku.get()), answer),
                answer -> Sales.requireApplied(answer.getResult()));
    }
}
