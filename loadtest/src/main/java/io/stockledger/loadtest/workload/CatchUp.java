package io.stockledger.loadtest.workload;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.SubscribeRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** How fast a subscriber that comes back reads what it has missed, on a ledger of its own. */
public final class CatchUp implements Workload {
    private static final int SKUS = 20_000;

    @Override
    public String name() {
        return "catch-up";
    }

    @Override
    public String group() {
        return "feed";
    }

    @Override
    public String about() {
        return "a subscriber reads the feed from an old cursor: rows of many entries, rows of one";
    }

    @Override
    public double seconds(Settings settings) {
        return 15 + entriesMany(settings) / 150_000.0 + entriesOne(settings) / 10_000.0
                + 2 * (settings.warmUp().toSeconds() + settings.rounds() * 2);
    }

    @Override
    public void run(Ground ground) throws Exception {
        ServerProcess ledger = ground.ownLedger("");
        ManagedChannel channel = ground.channelTo(ledger.target());
        Sales sales = new Sales(ground.fresh("cu"));
        ByteString begin = cursorNow(ground, ledger);

        String hot = ground.fresh("MANY");
        sales.stockUp(channel, List.of(hot));
        ground.say(String.format(Locale.ROOT, "fills %,d entries in rows of many", entriesMany(ground.settings())));
        Filling.hot(channel, sales, hot, entriesMany(ground.settings()));
        measure(ground, ledger, begin, entriesMany(ground.settings()), "catch-up-rows-of-many", "catch-up, rows of many entries", 1_000_000);

        List<String> skus = IntStream.range(0, Math.min(SKUS, entriesOne(ground.settings()))).mapToObj(i -> ground.fresh("ONE")).toList();
        sales.stockUp(channel, skus);
        ByteString middle = cursorNow(ground, ledger);
        ground.say(String.format(Locale.ROOT, "fills %,d entries in rows of one", entriesOne(ground.settings())));
        Filling.turns(channel, sales, skus, entriesOne(ground.settings()));
        measure(ground, ledger, middle, entriesOne(ground.settings()), "catch-up-rows-of-one", "catch-up, rows of one entry", 500_000);
    }

    private static void measure(Ground ground, ServerProcess ledger, ByteString after, long entries, String name, String title, double goal)
            throws InterruptedException {
        SubscribeRequest request = SubscribeRequest.newBuilder().setAfterCursor(after).build();
        ManagedChannel channel = ground.channelTo(ledger.target());
        long warm = System.nanoTime() + ground.settings().warmUp().toNanos();
        do {
            read(channel, request, entries);
        } while (System.nanoTime() < warm);
        List<Double> rounds = new ArrayList<>();
        for (int i = 0; i < ground.settings().rounds(); i++) {
            rounds.add(entries * 1e9 / read(channel, request, entries));
        }
        ground.add(Figure.of(name, title, rounds, "entries/s").goal(Goal.atLeast(goal))
                .note(String.format(Locale.ROOT, "%,d entries over gRPC, parsed by the generated stub, from the call to the last of them", entries)));
    }

    /** Nanoseconds from the call to the last of so many entries. */
    private static long read(ManagedChannel channel, SubscribeRequest request, long entries) throws InterruptedException {
        AtomicLong left = new AtomicLong(entries);
        CountDownLatch done = new CountDownLatch(1);
        long begun = System.nanoTime();
        try (Subscriber subscriber = Subscriber.reading(channel, request, message -> {
            if (left.addAndGet(-message.getEntriesCount()) <= 0) {
                done.countDown();
            }
        })) {
            long end = begun + TimeUnit.SECONDS.toNanos(120);
            while (!done.await(1, TimeUnit.SECONDS)) {
                subscriber.requireWell();
                if (System.nanoTime() > end) {
                    throw new IllegalStateException(left.get() + " entries did not come within 120 s");
                }
            }
            return System.nanoTime() - begun;
        }
    }

    private static ByteString cursorNow(Ground ground, ServerProcess ledger) throws InterruptedException {
        try (Subscriber subscriber = Subscriber.reading(ground.channelTo(ledger.target()),
                SubscribeRequest.newBuilder().setFromNow(true).build(), message -> {})) {
            subscriber.awaitCaughtUp();
            return subscriber.cursor();
        }
    }

    private static int entriesMany(Settings settings) {
        return settings.quick() ? 300_000 : 2_000_000;
    }

    private static int entriesOne(Settings settings) {
        return settings.quick() ? 30_000 : 500_000;
    }
}
