package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Arrival;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.OpenLoop;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.GetStockAtRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/** What heavy readers cost a checkout: the latency of sales of a hot SKU while others audit, page and stall. */
public final class Bulkhead implements Workload {
    private static final int CALLERS = 64;
    /** Of the peak of 64 callers: readers need processors too, and a machine that is full delays everybody. */
    private static final double SHARE_OF_PEAK = 0.1;

    /** A reader that goes on until it is told to stop. */
    private interface Reader {
        /** One pass; how many entries it saw. */
        long pass() throws Exception;
    }

    @Override
    public String name() {
        return "bulkhead";
    }

    @Override
    public String group() {
        return "bulkhead";
    }

    @Override
    public String about() {
        return "p99 of a hot SKU's sales alone, and beside an audit, a long paging, a past stock, a stalled subscriber, the audit, the paging and the stall together";
    }

    @Override
    public double seconds(Settings settings) {
        return 15 + entries(settings) / 100_000.0 + settings.seconds(7);
    }

    @Override
    public void run(Ground ground) throws Exception {
        ServerProcess ledger = ground.ownLedger("");
        ManagedChannel channel = ground.channelTo(ledger.target());
        ManagedChannel reading = ground.channelTo(ledger.target());
        Sales sales = new Sales(ground.fresh("bh"));
        String hot = ground.fresh("HOT");
        String big = ground.fresh("BIG");
        sales.stockUp(channel, List.of(hot, big));
        ground.say(String.format(Locale.ROOT, "fills %,d entries of one SKU", entries(ground.settings())));
        Filling.hot(channel, sales, big, entries(ground.settings()));

        LedgerServiceGrpc.LedgerServiceStub stub = LedgerServiceGrpc.newStub(channel);
        double peak = ground.peak("bulkhead-peak", Callers.<ApplyMutationResponse>unary(CALLERS,
                (caller, answer) -> stub.applyMutation(sales.request(hot), answer),
                answer -> Sales.requireApplied(answer.getResult()))).perSecond();
        double rate = Math.max(100, Math.round(peak * SHARE_OF_PEAK / 100) * 100);

        Reader audit = () -> audit(reading, big);
        Reader paging = new Paging(reading, big);
        Reader past = () -> past(reading, big, entries(ground.settings()) / 10);
        measure(ground, stub, sales, hot, rate, "bulkhead-alone", "hot SKU's sales alone", List.of());
        measure(ground, stub, sales, hot, rate, "bulkhead-audit", "beside an audit of a big SKU, again and again", List.of(audit));
        measure(ground, stub, sales, hot, rate, "bulkhead-paging", "beside ListEntries of a big SKU, page by page", List.of(paging));
        measure(ground, stub, sales, hot, rate, "bulkhead-past", "beside GetStockAt that reads far back, again and again",
                List.of(past));
        try (Subscriber stalled = Subscriber.stalled(ground.channelTo(ledger.target()), SubscribeRequest.newBuilder().setFromBeginning(true).build())) {
            measure(ground, stub, sales, hot, rate, "bulkhead-stalled", "beside a stalled subscriber", List.of());
            measure(ground, stub, sales, hot, rate, "bulkhead-all", "beside all three", List.of(audit, paging));
            stalled.requireWell();
        }
    }

    private static void measure(Ground ground, LedgerServiceGrpc.LedgerServiceStub stub, Sales sales, String sku, double rate,
            String name, String title, List<Reader> readers) throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        long[] seen = new long[readers.size()];
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < readers.size(); i++) {
            int at = i;
            Thread thread = new Thread(() -> {
                try {
                    while (!stop.get()) {
                        seen[at] += readers.get(at).pass();
                    }
                } catch (Exception e) {
                    failure.compareAndSet(null, e);
                }
            }, "reader-" + i);
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        long begun = System.nanoTime();
        OpenLoop.Latency latency;
        try {
            latency = ground.latency(rate, sale(stub, sales, sku, failure));
        } finally {
            stop.set(true);
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        for (Thread thread : threads) {
            thread.join();
        }
        if (failure.get() != null) {
            throw new IllegalStateException(name + ": " + failure.get().getMessage(), failure.get());
        }
        Figure figure = Figure.of(name + "-p99", "p99, " + title,
                latency.rounds().stream().map(round -> round.atMs(99)).toList(), "ms").percentiles(latency.all())
                .note(String.format(Locale.ROOT, "open loop of %,.0f sales/s, a tenth of the peak of %d callers", rate, CALLERS))
                .note(String.format(Locale.ROOT, "the generator began its calls %.2f ms late at the 99th percentile", latency.lateness().atMs(99)));
        for (long entries : seen) {
            figure = figure.note(String.format(Locale.ROOT, "a reader read %,.0f entries/s", entries / seconds));
        }
        ground.add(name.equals("bulkhead-alone") ? figure : figure.goal(Goal.within(1.5, "bulkhead-alone-p99")));
    }

    private static Arrival sale(LedgerServiceGrpc.LedgerServiceStub stub, Sales sales, String sku, AtomicReference<Throwable> failure) {
        return (number, answered) -> stub.applyMutation(sales.request(sku), new StreamObserver<>() {
            @Override
            public void onNext(ApplyMutationResponse answer) {
                Sales.requireApplied(answer.getResult());
                answered.run();
            }

            @Override
            public void onError(Throwable e) {
                failure.compareAndSet(null, e);
            }

            @Override
            public void onCompleted() {}
        });
    }

    private static long audit(ManagedChannel channel, String sku) {
        long[] entries = new long[1];
        AdminServiceGrpc.newBlockingStub(channel).audit(AuditRequest.newBuilder().addSkus(sku).build()).forEachRemaining(message -> {
            if (message.hasFinding()) {
                throw new IllegalStateException("the audit found something: " + message);
            }
            entries[0] += message.getTotal().getEntries();
        });
        return entries[0];
    }

    /** At a location that the SKU was never at, so that it is looked for in every entry before. */
    private static long past(ManagedChannel channel, String sku, long sequence) {
        Stock stock = LedgerServiceGrpc.newBlockingStub(channel).getStockAt(GetStockAtRequest.newBuilder()
                .setSku(sku).setAtSequence(sequence).setLocation("nowhere").build()).getStock();
        if (stock.getSequence() != sequence || stock.getBalancesCount() > 0) {
            throw new IllegalStateException("not the stock at sequence " + sequence + ": " + stock);
        }
        return sequence;
    }

    /** ListEntries from the first page to the last, and again: a page a pass, so that nobody waits for the end of it. */
    private static final class Paging implements Reader {
        private final LedgerServiceGrpc.LedgerServiceBlockingStub stub;
        private final String sku;
        private String token = "";

        private Paging(ManagedChannel channel, String sku) {
            this.stub = LedgerServiceGrpc.newBlockingStub(channel);
            this.sku = sku;
        }

        @Override
        public long pass() {
            ListEntriesResponse page = stub.listEntries(
                    ListEntriesRequest.newBuilder().setSku(sku).setPageSize(1_000).setPageToken(token).build());
            token = page.getNextPageToken();
            return page.getEntriesCount();
        }
    }

    private static long entries(Settings settings) {
        return settings.quick() ? 200_000 : 1_000_000;
    }
}
