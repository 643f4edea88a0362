package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.OpenLoop;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.loadtest.figure.Percentiles;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;

/** How long after its commit an entry is at the subscribers: 1,000 single mutations a second, one of many not reading. */
public final class Delivery implements Workload {
    static final double PER_SECOND = 1_000;
    static final String HOW = "from the answer, the first that anybody knows of the commit, to the delivery, by the generator's one clock;"
            + " delivered before the answer counts as 0";
    private static final SubscribeRequest FROM_NOW = SubscribeRequest.newBuilder().setFromNow(true).build();

    private record Case(String name, int skus, int subscribers, boolean stalled) {
        private String title() {
            return String.format(Locale.ROOT, "%s, %s%s", skus == 1 ? "one SKU" : skus + " SKUs",
                    subscribers == 1 ? "1 subscriber" : subscribers + " subscribers", stalled ? ", one more stalled" : "");
        }
    }

    private static final List<Case> CASES = List.of(
            new Case("delivery-one-sku", 1, 1, false),
            new Case("delivery-100-skus", 100, 1, false),
            new Case("delivery-one-sku", 1, 16, true),
            new Case("delivery-100-skus", 100, 16, true),
            new Case("delivery-one-sku", 1, 64, true),
            new Case("delivery-100-skus", 100, 64, true));

    @Override
    public String name() {
        return "delivery";
    }

    @Override
    public String group() {
        return "feed";
    }

    @Override
    public String about() {
        return "answer to delivery at 1,000 mutations/s on 1 and 100 SKUs; 1, 16, 64 subscribers, one more stalled";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(cases(settings).size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        for (Case each : cases(ground.settings())) {
            report(ground, each, watch(ground, ground.target(), each.skus(), each.subscribers(), each.stalled()));
        }
    }

    /**
     * What was seen of one case, round by round.
     *
     * @param fromAnswer answer to delivery, as {@link Deliveries} counts it
     * @param fromSend send to delivery
     * @param lateness of the generator's own calls
     */
    record Seen(List<Histogram> fromAnswer, List<Histogram> fromSend, Percentiles lateness) {
        static List<Double> at(List<Histogram> rounds, double percentile) {
            return rounds.stream().map(round -> round.getValueAtPercentile(percentile) / 1e6).toList();
        }

        static Percentiles together(List<Histogram> rounds) {
            Histogram all = new Histogram(rounds.get(0));
            rounds.forEach(all::add);
            return Percentiles.ofNanos(all);
        }
    }

    /** Sales at {@value #PER_SECOND} a second, open loop, and their deliveries at subscribers with a connection each. */
    static Seen watch(Ground ground, String target, int skuCount, int subscriberCount, boolean stalled) throws Exception {
        Settings settings = ground.settings();
        int perRound = (int) Math.round(PER_SECOND * settings.round().toNanos() / 1e9);
        int numbersMax = (int) (PER_SECOND * settings.latencyMax().toSeconds());
        Deliveries deliveries = new Deliveries(numbersMax, subscriberCount);
        Sales sales = new Sales(ground.fresh("dl"));
        String ids = ground.fresh("dn") + "-";
        List<String> skus = IntStream.range(0, skuCount).mapToObj(i -> ground.fresh("DELIVERY")).toList();
        List<Subscriber> subscribers = new ArrayList<>();
        List<ManagedChannel> connections = new ArrayList<>();
        AtomicInteger begun = new AtomicInteger();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try {
            ManagedChannel calls = ground.channelTo(target);
            connections.add(calls);
            sales.stockUp(calls, skus);
            for (int i = 0; i < subscriberCount; i++) {
                int subscriber = i;
                ManagedChannel own = ground.channelTo(target);
                connections.add(own);
                subscribers.add(Subscriber.reading(own, FROM_NOW, message -> delivered(deliveries, subscriber, ids, message)));
            }
            if (stalled) {
                ManagedChannel own = ground.channelTo(target);
                connections.add(own);
                subscribers.add(Subscriber.stalled(own, FROM_NOW));
            }
            for (Subscriber each : subscribers) {
                each.awaitCaughtUp();
            }
            LedgerServiceGrpc.LedgerServiceStub ledger = LedgerServiceGrpc.newStub(calls);
            OpenLoop.Latency latency = ground.latency(PER_SECOND, (number, answered) -> {
                int at = (int) number;
                begun.set(at + 1);
                ApplyMutationRequest request = ApplyMutationRequest.newBuilder().setMutation(
                        sales.sale(skus.get(at % skus.size())).setMutationId(ids + at)).build();
                deliveries.sent(at, System.nanoTime());
                ledger.applyMutation(request, new StreamObserver<>() {
                    @Override
                    public void onNext(ApplyMutationResponse answer) {
                        deliveries.answered(at, System.nanoTime());
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
            });
            int to = begun.get();
            int from = to - perRound * settings.rounds();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (!deliveries.isComplete(from, to) && System.nanoTime() < end && failure.get() == null) {
                TimeUnit.MILLISECONDS.sleep(5);
            }
            for (Subscriber each : subscribers) {
                each.requireWell();
            }
            if (failure.get() != null) {
                throw new IllegalStateException("a mutation failed: " + failure.get().getMessage(), failure.get());
            }
            if (!deliveries.isComplete(from, to)) {
                throw new IllegalStateException("not all entries were delivered within 60 s of the last sale");
            }
            List<Histogram> fromAnswer = new ArrayList<>();
            List<Histogram> fromSend = new ArrayList<>();
            for (int round = from; round < to; round += perRound) {
                fromAnswer.add(deliveries.fromAnswer(round, round + perRound));
                fromSend.add(deliveries.fromSend(round, round + perRound));
            }
            return new Seen(fromAnswer, fromSend, latency.lateness());
        } finally {
            subscribers.forEach(Subscriber::close);
            connections.forEach(ManagedChannel::shutdownNow);
        }
    }

    private static void report(Ground ground, Case what, Seen seen) {
        String late = String.format(Locale.ROOT, "the generator began its calls %.2f ms late at the 99th percentile", seen.lateness().atMs(99));
        Figure p50 = Figure.of(what.name() + "-p50-" + what.subscribers(), "answer to delivery, p50, " + what.title(),
                Seen.at(seen.fromAnswer(), 50), "ms").percentiles(Seen.together(seen.fromAnswer())).note(HOW).note(late);
        Figure p99 = Figure.of(what.name() + "-p99-" + what.subscribers(), "answer to delivery, p99, " + what.title(),
                Seen.at(seen.fromAnswer(), 99), "ms").note(HOW).note(late);
        if (what.subscribers() == 1 && what.skus() == 1) {
            p50 = p50.goal(Goal.atMost(0.5));
            p99 = p99.goal(Goal.atMost(5));
        } else if (what.subscribers() == 1) {
            p99 = p99.goal(Goal.atMost(10));
        } else {
            p99 = p99.goal(Goal.shown(what.name() + "-p99-1"));
        }
        ground.add(p50);
        ground.add(p99);
        String write = "from the moment the call was made, so the write is in it";
        ground.add(Figure.of(what.name() + "-from-send-p50-" + what.subscribers(), "send to delivery, p50, " + what.title(),
                Seen.at(seen.fromSend(), 50), "ms").percentiles(Seen.together(seen.fromSend())).note(write));
        ground.add(Figure.of(what.name() + "-from-send-p99-" + what.subscribers(), "send to delivery, p99, " + what.title(),
                Seen.at(seen.fromSend(), 99), "ms").note(write));
    }

    private static void delivered(Deliveries deliveries, int subscriber, String ids, SubscribeResponse message) {
        if (message.getEntriesCount() == 0) {
            return;
        }
        long now = System.nanoTime();
        for (Entry entry : message.getEntriesList()) {
            if (entry.getMutationId().startsWith(ids)) {
                deliveries.delivered(subscriber, Integer.parseInt(entry.getMutationId().substring(ids.length())), now);
            }
        }
    }

    private static List<Case> cases(Settings settings) {
        return settings.quick() ? CASES.subList(0, 3) : CASES;
    }
}
