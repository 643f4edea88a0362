package io.stockledger.loadtest.workload;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import org.HdrHistogram.Histogram;

/**
 * Joins, by number, the send of each mutation, its answer, and its delivery at each subscriber; all by one clock, that
 * of this process. <em>Answer to delivery</em> begins with the answer, the first moment at which anybody outside knows
 * of the commit; an entry delivered before the answer was there counts as 0.
 * <em>Send to delivery</em> holds the write as well, and has no such edge.
 */
final class Deliveries {
    private static final long LATENCY_MAX_NANOS = TimeUnit.HOURS.toNanos(1);
    private static final long NEVER = 0;

    private final AtomicLongArray sent;
    private final AtomicLongArray answered;
    private final List<AtomicLongArray> delivered = new ArrayList<>();

    /** For the numbers from 0 to {@code numbers - 1}, so many subscribers. */
    Deliveries(int numbers, int subscribers) {
        this.sent = new AtomicLongArray(numbers);
        this.answered = new AtomicLongArray(numbers);
        for (int i = 0; i < subscribers; i++) {
            delivered.add(new AtomicLongArray(numbers));
        }
    }

    void sent(int number, long nanos) {
        set(sent, number, nanos, "sent");
    }

    void answered(int number, long nanos) {
        set(answered, number, nanos, "answered");
    }

    /** The feed repeats only after a reconnect, and these subscribers do not reconnect: a second delivery is refused. */
    void delivered(int subscriber, int number, long nanos) {
        set(delivered.get(subscriber), number, nanos, "delivered");
    }

    /** Whether each of these numbers was answered, and delivered at every subscriber. */
    boolean isComplete(int from, int to) {
        for (int number = from; number < to; number++) {
            if (answered.get(number) == NEVER) {
                return false;
            }
            for (AtomicLongArray each : delivered) {
                if (each.get(number) == NEVER) {
                    return false;
                }
            }
        }
        return true;
    }

    /** One value a number and subscriber. */
    Histogram fromAnswer(int from, int to) {
        return between(answered, from, to);
    }

    /** One value a number and subscriber. */
    Histogram fromSend(int from, int to) {
        return between(sent, from, to);
    }

    private Histogram between(AtomicLongArray begin, int from, int to) {
        Histogram histogram = new Histogram(LATENCY_MAX_NANOS, 3);
        for (AtomicLongArray each : delivered) {
            for (int number = from; number < to; number++) {
                if (begin.get(number) == NEVER || each.get(number) == NEVER) {
                    throw new IllegalStateException("mutation " + number + " was not sent, answered and delivered to all");
                }
                histogram.recordValue(Math.min(LATENCY_MAX_NANOS, Math.max(0, each.get(number) - begin.get(number))));
            }
        }
        return histogram;
    }

    private static void set(AtomicLongArray times, int number, long nanos, String what) {
        // System.nanoTime() may be any number; 0 stands for never here.
        if (!times.compareAndSet(number, NEVER, nanos == NEVER ? 1 : nanos)) {
            throw new IllegalStateException("mutation " + number + " was " + what + " twice");
        }
    }
}
