package io.stockledger.loadtest.workload;

import io.grpc.stub.StreamObserver;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.StockView;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Pulse;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.GetStockResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.LedgerServiceGrpc.LedgerServiceStub;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Shoppers who only look, beside those who buy: exact reads over gRPC, and the local view of the SDK. */
public final class Browse implements Workload {
    private static final int SKUS = 1_000;
    private static final int READERS = 64;
    /** What is bought meanwhile: so many a second, whatever the readers do. */
    private static final int SALES_A_SECOND = 2_000;

    @Override
    public String name() {
        return "browse";
    }

    @Override
    public String group() {
        return "browse";
    }

    @Override
    public String about() {
        return "GetStock with 64 callers, and reads of a local StockView, while 2,000 sales a second go on over 1,000 SKUs";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(2) + 2;
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("br"));
        List<String> names = Spread.skus(ground, sales, SKUS);
        Supplier<String> any = () -> names.get(ThreadLocalRandom.current().nextInt(SKUS));
        LedgerServiceStub ledger = LedgerServiceGrpc.newStub(ground.channel(0));

        Load reads = Callers.unary(READERS,
                (int caller, StreamObserver<GetStockResponse> answer) -> LedgerServiceGrpc.newStub(ground.channel(caller))
                        .getStock(GetStockRequest.newBuilder().setSku(any.get()).build(), answer),
                answer -> {
                    if (answer.getStock().getSequence() == 0) {
                        throw new IllegalStateException("a SKU with stock was not known");
                    }
                });
        LongAdder sold = new LongAdder();
        Figure exact = Figure.of("browse-get-stock", "GetStock, 64 callers, beside 2,000 sales a second",
                ground.peak("browse-get-stock", beside(ledger, sales, any, sold, reads)).rounds(), "reads/s");
        ground.add(exact.goal(Goal.shown("empty-unary-64")));

        LedgerClient client = ground.client();
        StockView view = ground.keep(client.stockView());
        if (!view.awaitCaughtUp(Duration.ofSeconds(60))) {
            throw new IllegalStateException("the view did not catch up within 60 s");
        }
        long[] stalest = {0};
        Load look = pulse -> {
            long count = 0;
            while (pulse.running()) {
                // A reader a thread would only show how many cores there are; one reader, counted by the hundred.
                for (int i = 0; i < 100; i++) {
                    view.availableToSell(any.get(), "web");
                }
                pulse.answered(100);
                if (++count % 100 == 0) {
                    stalest[0] = Math.max(stalest[0], view.stalenessMillis());
                }
            }
        };
        ground.add(Figure.of("browse-view", "reads of a StockView, one thread, beside 2,000 sales a second",
                ground.peak("browse-view", beside(ledger, sales, any, sold, look)).rounds(), "reads/s").goal(Goal.shown("browse-get-stock")));
        ground.add(Figure.of("browse-view-stalest", "the stalest that the view said it might be, its reader busy all the time", stalest[0], "ms"));
    }

    /** A load, with sales going on beside it that are not counted in. */
    private static Load beside(LedgerServiceStub ledger, Sales sales, Supplier<String> sku, LongAdder sold, Load load) {
        return pulse -> {
            AtomicBoolean ended = new AtomicBoolean();
            Thread shop = new Thread(() -> sell(ledger, sales, sku, sold, pulse, ended), "sales");
            shop.start();
            try {
                load.run(pulse);
            } finally {
                ended.set(true);
                shop.join();
            }
        };
    }

    private static void sell(LedgerServiceStub ledger, Sales sales, Supplier<String> sku, LongAdder sold, Pulse pulse, AtomicBoolean ended) {
        long due = System.nanoTime();
        while (!ended.get() && pulse.running()) {
            due += TimeUnit.SECONDS.toNanos(1) / SALES_A_SECOND;
            while (System.nanoTime() < due) {
                LockSupport.parkNanos(due - System.nanoTime());
            }
            ledger.applyMutation(sales.request(sku.get()), new StreamObserver<ApplyMutationResponse>() {
                @Override
                public void onNext(ApplyMutationResponse answer) {
                    sold.increment();
                }

                @Override
                public void onError(Throwable failure) {
                    pulse.failed(failure);
                }

                @Override
                public void onCompleted() {}
            });
        }
    }
}
