package io.stockledger.loadtest.workload;

import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.health.v1.HealthGrpc.HealthStub;
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
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * How long a sale of one hot SKU takes at half of what the ledger can do, one call a sale, at a steady rate of arrivals;
 * and how long a call that does nothing takes on the same server at the same rate, which is all that a ledger could save.
 */
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
        return "one SKU, ApplyMutation, arrivals at half of its own peak, latency from the intended time on; an empty call at that rate";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(3);
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
        List<HealthStub> empty = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> HealthGrpc.newStub(ground.channel(i))).toList();
        // The sales first: the whole warm-up is theirs, unless their peak had it. What the empty call needs of it is warm then.
        OpenLoop.Latency ofSales = latency(ground, peak / 2, (number, answer) ->
                stubs.get((int) (number % stubs.size())).applyMutation(sales.request(sku), answer),
                (ApplyMutationResponse answer) -> Sales.requireApplied(answer.getResult()));
        Latencies.add(ground, "hot-latency", "hot SKU, unary, at half of its peak", ofSales,
                List.of(Goal.shown("row-lock-latency-p50"), Goal.shown("empty-latency-p50")),
                List.of(Goal.within(0.2, "row-lock-latency-p99"), Goal.shown("empty-latency-p99")));
        OpenLoop.Latency ofNothing = latency(ground, peak / 2, (number, answer) ->
                empty.get((int) (number % empty.size())).check(HealthCheckRequest.getDefaultInstance(), answer), (HealthCheckResponse nothing) -> {});
        Latencies.add(ground, "empty-latency", "empty unary call, at the rate of the sales", ofNothing, List.of(), List.of());
    }

    /** One unary call, the number of its arrival given. */
    private interface Call<T> {
        void begin(long number, StreamObserver<T> answer);
    }

    private static <T> OpenLoop.Latency latency(Ground ground, double perSecond, Call<T> call, Consumer<T> check) throws InterruptedException {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        OpenLoop.Latency latency = ground.latency(perSecond, (number, answered) -> call.begin(number, new StreamObserver<T>() {
            @Override
            public void onNext(T answer) {
                try {
                    check.accept(answer);
                    answered.run();
                } catch (RuntimeException e) {
                    failure.compareAndSet(null, e);
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
            throw new IllegalStateException("a call failed: " + failure.get().getMessage(), failure.get());
        }
        return latency;
    }
}
