package io.stockledger.loadtest.engine;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Load before the first round, so that what is measured is compiled code: as long as was asked for, and on until the
 * compilers of generator and ledger rest. On two slow cores the ledger's alone take a good part of one of them for more
 * than a minute, beside the load; a figure taken meanwhile is one of the compiler.
 */
final class WarmUp {
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(2);
    /** All compilers together are at work for less than this part of the time. */
    private static final double AT_REST = 0.1;

    private final Duration least;
    private final int timesMax;
    private final Supplier<Optional<Metrics.Reading>> metrics;
    private final Optional<CompilationMXBean> ours = Optional.ofNullable(ManagementFactory.getCompilationMXBean());

    /**
     * @param timesMax it ends at so many times of the least, whatever the compilers do; 1: at the least
     * @param metrics of the ledger; where there are none, only the generator's compilers are waited for
     */
    WarmUp(Duration least, int timesMax, Supplier<Optional<Metrics.Reading>> metrics) {
        this.least = least;
        this.timesMax = timesMax;
        this.metrics = metrics;
    }

    /** While the load runs; returns early if it stops. */
    void run(Pulse pulse) throws InterruptedException {
        long begun = System.nanoTime();
        long end = begun + least.toNanos() * timesMax;
        pulse.await(Math.max(0, least.toNanos() - LOOK_NANOS));
        if (!pulse.running()) {
            return;
        }
        Look before = look();
        while (pulse.running()) {
            pulse.await(Math.min(LOOK_NANOS, least.toNanos()));
            Look now = look();
            boolean enough = now.nanos() - begun >= least.toNanos();
            if (enough && (now.isAtRestSince(before) || now.nanos() >= end)) {
                return;
            }
            before = now;
        }
    }

    /** For how long compilers have been at work by then; the ledger's where it has told. */
    private record Look(long nanos, double oursMs, Optional<Double> ledgersMs) {
        boolean isAtRestSince(Look before) {
            double ledger = ledgersMs.flatMap(now -> before.ledgersMs.map(then -> now - then)).orElse(0.0);
            boolean oneIsMissing = ledgersMs.isPresent() != before.ledgersMs.isPresent();
            return !oneIsMissing && (oursMs - before.oursMs + ledger) * 1e6 < AT_REST * (nanos - before.nanos);
        }
    }

    private Look look() {
        return new Look(System.nanoTime(), ours.map(CompilationMXBean::getTotalCompilationTime).orElse(0L),
                metrics.get().map(Metrics.Reading::compilationMs));
    }
}
