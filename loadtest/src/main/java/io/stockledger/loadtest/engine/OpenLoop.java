package io.stockledger.loadtest.engine;

import io.stockledger.loadtest.figure.Median;
import io.stockledger.loadtest.figure.Percentiles;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Arrivals at a stated rate, evenly spaced, that wait for no answer. Each latency counts from the time at which its
 * arrival was due, so a stall of the server, or of this generator, is in the figure of all who would have come
 * meanwhile: there is no coordinated omission.
 */
public final class OpenLoop {
    /** Beyond an hour is out of range for the histogram, and for everybody else. */
    private static final long LATENCY_MAX_NANOS = TimeUnit.HOURS.toNanos(1);
    private static final long PARK_NANOS_MAX = 50_000;

    private final double perSecond;
    private final Optional<WarmUp> warmUp;
    private final Duration round;
    private final int rounds;
    private final Duration answersWait;

    /**
     * @param warmUp as long as that arrivals come before the first round
     * @param answersWait how long to wait for answers after the last arrival
     */
    public OpenLoop(double perSecond, Duration warmUp, Duration round, int rounds, Duration answersWait) {
        this(perSecond, warmUp.isZero() ? Optional.empty() : Optional.of(new WarmUp(warmUp, 1, Optional::empty)), round, rounds, answersWait);
    }

    OpenLoop(double perSecond, Optional<WarmUp> warmUp, Duration round, int rounds, Duration answersWait) {
        this.perSecond = perSecond;
        this.warmUp = warmUp;
        this.round = round;
        this.rounds = rounds;
        this.answersWait = answersWait;
    }

    /**
     * What came of it.
     *
     * @param rounds the percentiles of each round, by the time at which its arrivals were due
     * @param all of all rounds together
     * @param lateness of the generator itself: when an arrival was begun less when it was due; part of the latencies
     * @param unanswered arrivals that had no answer at the end; each is in the percentiles with the least that its
     *     latency can have been
     */
    public record Latency(double perSecond, List<Percentiles> rounds, Percentiles all, Percentiles lateness, long unanswered) {
        /** The median over the rounds, in milliseconds. */
        public double medianMs(double percentile) {
            return Median.of(rounds.stream().map(round -> round.atMs(percentile)).toList());
        }
    }

    public Latency run(Arrival arrival) throws InterruptedException {
        return run(arrival, System::nanoTime);
    }

    /** With a clock that a test can hold still. */
    Latency run(Arrival arrival, LongSupplier nanoTime) throws InterruptedException {
        double interval = 1e9 / perSecond;
        long perRound = Math.max(1, Math.round(round.toNanos() / interval));
        List<ConcurrentHistogram> histograms = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            histograms.add(new ConcurrentHistogram(LATENCY_MAX_NANOS, 3));
        }
        long[] open = new long[rounds];
        AtomicLong[] answeredIn = new AtomicLong[rounds];
        for (int i = 0; i < rounds; i++) {
            answeredIn[i] = new AtomicLong();
        }
        Histogram lateness = new Histogram(LATENCY_MAX_NANOS, 3);
        long first = warmUp.isPresent() ? warmedUp(warmUp.get(), arrival, interval, nanoTime) : 0;
        long total = perRound * rounds;
        long begun = nanoTime.getAsLong();
        for (long number = 0; number < total; number++) {
            long due = begun + Math.round(number * interval);
            long now = awaitDue(due, nanoTime);
            int in = (int) (number / perRound);
            lateness.recordValue(Math.min(LATENCY_MAX_NANOS, now - due));
            open[in]++;
            arrival.begin(first + number, () -> {
                histograms.get(in).recordValue(bounded(nanoTime.getAsLong() - due));
                answeredIn[in].incrementAndGet();
            });
        }
        long lastDue = begun + Math.round((total - 1) * interval);
        long end = nanoTime.getAsLong() + answersWait.toNanos();
        while (unanswered(open, answeredIn) > 0 && nanoTime.getAsLong() < end) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        // Nobody knows how long those would have taken; at least since the last arrival of their round.
        long unanswered = 0;
        List<Percentiles> each = new ArrayList<>();
        Histogram all = new Histogram(LATENCY_MAX_NANOS, 3);
        for (int i = 0; i < rounds; i++) {
            long missing = open[i] - answeredIn[i].get();
            Histogram histogram = histograms.get(i).copy();
            if (missing > 0) {
                long age = bounded(nanoTime.getAsLong() - (lastDue - Math.round((rounds - 1 - i) * perRound * interval)));
                histogram.recordValueWithCount(age, missing);
                unanswered += missing;
            }
            all.add(histogram);
            each.add(Percentiles.ofNanos(histogram));
        }
        return new Latency(perSecond, each, Percentiles.ofNanos(all), Percentiles.ofNanos(lateness), unanswered);
    }

    /** Arrivals of which nothing is recorded, until that warm-up is over; the number of the first one after it. */
    private static long warmedUp(WarmUp warmUp, Arrival arrival, double interval, LongSupplier nanoTime) throws InterruptedException {
        Pulse pulse = new Pulse();
        Thread warming = new Thread(() -> {
            try {
                warmUp.run(pulse);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                pulse.stop();
            }
        }, "warm-up");
        warming.setDaemon(true);
        warming.start();
        try {
            long begun = nanoTime.getAsLong();
            long number = 0;
            for (; pulse.running(); number++) {
                awaitDue(begun + Math.round(number * interval), nanoTime);
                arrival.begin(number, () -> {});
            }
            return number;
        } finally {
            pulse.stop();
        }
    }

    /** Rests until an arrival is due; when that was. */
    private static long awaitDue(long due, LongSupplier nanoTime) throws InterruptedException {
        long now = nanoTime.getAsLong();
        while (now < due) {
            LockSupport.parkNanos(Math.min(due - now, PARK_NANOS_MAX));
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            now = nanoTime.getAsLong();
        }
        return now;
    }

    private static long bounded(long nanos) {
        return Math.max(0, Math.min(LATENCY_MAX_NANOS, nanos));
    }

    private static long unanswered(long[] open, AtomicLong[] answered) {
        long sum = 0;
        for (int i = 0; i < open.length; i++) {
            sum += open[i] - answered[i].get();
        }
        return sum;
    }
}
