package io.stockledger.loadtest.engine;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The wait for the projection before a workload: it may be minutes behind what the workloads before have sold, and would
 * be written beside what is measured.
 */
final class Settling {
    /** The projection takes over what is new ten times a second. */
    private static final double AGE_SECONDS_MAX = 2;

    private final Duration most;
    private final Duration look;
    private final Supplier<Optional<Metrics.Reading>> metrics;

    /** @param metrics of the ledger; where there are none, or it keeps no projection, nothing is waited for */
    Settling(Duration most, Duration look, Supplier<Optional<Metrics.Reading>> metrics) {
        this.most = most;
        this.look = look;
        this.metrics = metrics;
    }

    /** How far behind the projection still was after the longest wait, in seconds; empty: it is not. */
    Optional<Double> run() throws InterruptedException {
        long end = System.nanoTime() + most.toNanos();
        while (true) {
            double behind = metrics.get().map(Metrics.Reading::projectionAgeSeconds).orElse(0.0);
            // Also where it is no number: of several nodes only the one that keeps the projection knows.
            if (!(behind > AGE_SECONDS_MAX)) {
                return Optional.empty();
            }
            if (System.nanoTime() - end >= 0) {
                return Optional.of(behind);
            }
            TimeUnit.NANOSECONDS.sleep(look.toNanos());
        }
    }
}
