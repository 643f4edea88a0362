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
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;

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
        List<LedgerServiceStub> stubs = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> LedgerServiceGrpc.newStub(ground.channel(i))).toList();
        Load reads = Callers.unary(READERS,
                (int caller, StreamObserver<GetStockResponse> answer) -> stubs.get(caller % stubs.size())
                        .getStock(GetStockRequest.newBuilder().setSku(any.get()).build(), answer),
                answer -> {
                    if (answer.getStock().getSequence() == 0) {
                        throw new IllegalStateException("a SKU with stock was not known");
                    }
                });
        Shop besideReads = new Shop(stubs.get(0), sales, any);
        Figure exact = Figure.of("browse-get-stock", "GetStock, 64 callers, beside 2,000 sales a second",
                ground.peak("browse-get-stock", besideReads.beside(reads)).rounds(), "reads/s");
        ground.add(exact.goal(Goal.shown("empty-unary-64")).note(besideReads.told()));

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
        Shop besideLooks = new Shop(stubs.get(0), sales, any);
        Figure local = Figure.of("browse-view", "reads of a StockView, one thread, beside 2,000 sales a second",
                ground.peak("browse-view", besideLooks.beside(look)).rounds(), "reads/s");
        ground.add(local.goal(Goal.shown("browse-get-stock")).note(besideLooks.told()));
        ground.add(Figure.of("browse-view-stalest", "the stalest that the view said it might be, its reader busy all the time", stalest[0], "ms"));
    }

    /** Sales that go on beside a load and are not counted in. */
    private static final class Shop {
        private final LedgerServiceStub ledger;
        private final Sales sales;
        private final Supplier<String> sku;
        private final LongAdder sold = new LongAdder();
        private volatile double seconds;

        private Shop(LedgerServiceStub ledger, Sales sales, Supplier<String> sku) {
            this.ledger = ledger;
            this.sales = sales;
            this.sku = sku;
        }

        private Load beside(Load load) {
            return pulse -> {
                AtomicBoolean ended = new AtomicBoolean();
                Thread shop = new Thread(() -> sell(pulse, ended), "sales");
                long begun = System.nanoTime();
                shop.start();
                try {
                    load.run(pulse);
                } finally {
                    ended.set(true);
                    shop.join();
                    seconds = (System.nanoTime() - begun) / 1e9;
                }
            };
        }

        private void sell(Pulse pulse, AtomicBoolean ended) {
            long due = System.nanoTime();
            while (!ended.get() && pulse.running()) {
                due += TimeUnit.SECONDS.toNanos(1) / SALES_A_SECOND;
                while (System.nanoTime() < due) {
                    LockSupport.parkNanos(due - System.nanoTime());
                }
                ledger.applyMutation(sales.request(sku.get()), new StreamObserver<ApplyMutationResponse>() {
                    @Override
                    public void onNext(ApplyMutationResponse answer) {
                        Sales.requireApplied(answer.getResult());
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

        /** What was meant may not have been reached beside readers who take both cores. */
        private String told() {
            return String.format(Locale.ROOT, "%,.0f sales a second went on meanwhile, the warm-up's included", sold.sum() / seconds);
        }
    }
}
