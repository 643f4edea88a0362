package io.stockledger.cli;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Stock as a copied value: each channel sells from a count of its own, and a job
 * copies what is left in the warehouse to both, every so often. Nothing here is
 * made to fail; each channel never sells more than its count says.
 */
final class CronWay {
    private final int units;
    private final Duration jobEvery;
    private final int compression;
    private final Map<String, Channel> channels;
    private final AtomicInteger confirmed = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final Queue<Long> agesMs = new ConcurrentLinkedQueue<>();

    /** A channel and the count that it was given. */
    private static final class Channel {
        private int count;
        private volatile long copiedNanos;
    }

    /**
     * @param jobEvery how often the job runs here
     * @param compression how many seconds one second here stands for
     */
    CronWay(int units, List<String> channels, Duration jobEvery, int compression) {
        this.units = units;
        this.jobEvery = jobEvery;
        this.compression = compression;
        this.channels = channels.stream().collect(Collectors.toMap(Function.identity(), name -> new Channel()));
    }

    Tally run(Crowd crowd, Consumer<String> tell) throws InterruptedException {
        ScheduledExecutorService cron = Executors.newSingleThreadScheduledExecutor();
        try {
            copy();
            long start = System.nanoTime();
            ScheduledFuture<?> job = cron.scheduleAtFixedRate(() -> {
                copy();
                tell.accept(at(start) + "the job copies the warehouse's count: " + Math.max(0, units - confirmed.get()) + " left");
            }, jobEvery.toNanos(), jobEvery.toNanos(), TimeUnit.NANOSECONDS);
            crowd.visit(shopper -> {
                Channel channel = channels.get(shopper.channel());
                agesMs.add((System.nanoTime() - channel.copiedNanos) / 1_000_000 * compression);
                int orders = buy(channel);
                if (orders > 0) {
                    tell.accept(at(start) + shopper.channel() + " confirms order " + orders
                            + (orders > units ? ": a unit that is not there" : ""));
                } else {
                    refused.incrementAndGet();
                }
            });
            job.cancel(false);
        } finally {
            cron.shutdownNow();
        }
        return new Tally("cron copy every " + jobEvery.multipliedBy(compression).toMinutes() + " min", units, confirmed.get(),
                refused.get(), List.copyOf(agesMs));
    }

    /**
     * The number of the order that this one became; 0 where the channel is sold
     * out. As one step with the job's copying, so that the copied count, not a
     * race for it, is what this shows.
     */
    private synchronized int buy(Channel channel) {
        if (channel.count == 0) {
            return 0;
        }
        channel.count--;
        return confirmed.incrementAndGet();
    }

    private synchronized void copy() {
        for (Channel channel : channels.values()) {
            channel.count = Math.max(0, units - confirmed.get());
            channel.copiedNanos = System.nanoTime();
        }
    }

    private String at(long start) {
        long minutes = TimeUnit.NANOSECONDS.toSeconds((System.nanoTime() - start) * compression) / 60;
        return String.format(java.util.Locale.ROOT, "  minute %2d  ", minutes);
    }
}
