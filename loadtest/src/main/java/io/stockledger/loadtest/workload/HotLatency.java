package io.stockledger.loadtest.workload;

import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.OpenLoop;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.LedgerServiceGrpc.LedgerServiceStub;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/** How long a sale of one hot SKU takes at half of what the ledger can do, one call a sale, at a steady rate of arrivals. */
public final class HotLatency implements Workload {
    private static final int CALLERS_AT_PEAK = 512;

    @Override
    public String name() {
        return "hot-latency";
    }

    @Override
    public String group() {
        return "latency";
    }

    @Override
    public String about() {
        return "one SKU, ApplyMutation, arrivals at half of its own peak, latency from the intended time on";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(2);
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("hl"));
        String sku = ground.fresh("HOT");
        sales.stockUp(ground.channel(0), List.of(sku));
        Optional<Figure> known = ground.found("hot-unary-best");
        double peak = known.isPresent() ? known.get().value()
                : ground.peak("hot-latency-peak", HotUnary.sell(ground, sales, sku, CALLERS_AT_PEAK)).perSecond();
        List<LedgerServiceStub> stubs = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> LedgerServiceGrpc.newStub(ground.channel(i))).toList();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        OpenLoop.Latency latency = ground.latency(peak / 2, (number, answered) ->
                stubs.get((int) (number % stubs.size())).applyMutation(sales.request(sku), new StreamObserver<ApplyMutationResponse>() {
                    @Override
                    public void onNext(ApplyMutationResponse answer) {
                        if (answer.getResult().hasApplied()) {
                            answered.run();
                        } else {
                            failure.compareAndSet(null, new IllegalStateException("not applied: " + answer.getResult()));
                        }
                    }

                    @Override
                    public void onError(Throwable e) {
                        failure.compareAndSet(null, e);
                    }

                    @Override
                    public void onCompleted() {}
                }));
        if (failure.get() != null) {
            throw new IllegalStateException("a sale failed: " + failure.get().getMessage(), failure.get());
        }
        Latencies.add(ground, "hot-latency", "hot SKU, unary, at half of its peak", latency,
                Optional.of(Goal.shown("row-lock-latency-p50")), Optional.of(Goal.within(0.2, "row-lock-latency-p99")));
    }
}
