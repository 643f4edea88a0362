package io.stockledger.cli;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The demo's shoppers: who comes when, to which channel, each for one unit. Both
 * ways meet the very same crowd.
 *
 * @param shoppers in the order in which they come
 */
record Crowd(List<Shopper> shoppers) {
    /** Enough that nobody waits for the one before. */
    private static final int THREADS = 32;

    /**
     * One who wants one unit.
     *
     * @param after how long after the start
     */
    record Shopper(int number, String channel, Duration after) {
    }

    static Crowd of(int size, List<String> channels, Duration span, Random random) {
        List<Long> arrivals = random.longs(size, 0, span.toNanos()).sorted().boxed().toList();
        List<Shopper> shoppers = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            shoppers.add(new Shopper(i + 1, channels.get(random.nextInt(channels.size())), Duration.ofNanos(arrivals.get(i))));
        }
        return new Crowd(shoppers);
    }

    /** Lets them come, each at its time and at once where times meet; ends when the last has left. */
    void visit(Consumer<Shopper> shop) throws InterruptedException {
        ScheduledExecutorService threads = Executors.newScheduledThreadPool(THREADS);
        try {
            List<Future<?>> visits = new ArrayList<>();
            for (Shopper shopper : shoppers) {
                visits.add(threads.schedule(() -> shop.accept(shopper), shopper.after().toNanos(), TimeUnit.NANOSECONDS));
            }
            for (Future<?> visit : visits) {
                visit.get();
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } finally {
            threads.shutdownNow();
        }
    }
}
