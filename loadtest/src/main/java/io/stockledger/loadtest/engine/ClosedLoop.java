package io.stockledger.loadtest.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Runs a load at its peak: warm-up, then rounds; what was answered in each, a second. */
final class ClosedLoop {
    /** Callers whose last answer does not come in that time are told as a failure, and left behind. */
    private static final Duration END_MAX = Duration.ofSeconds(60);

    private ClosedLoop() {}

    static Peak run(String name, Load load, WarmUp warmUp, Duration round, int rounds, Supplier<Optional<Metrics.Reading>> metrics)
            throws Exception {
        Pulse pulse = new Pulse();
        Thread thread = new Thread(() -> {
            try {
                load.run(pulse);
                if (pulse.running()) {
                    pulse.failed(new IllegalStateException("the load ended by itself"));
                }
            } catch (Throwable e) {
                pulse.failed(e);
            }
        }, name);
        thread.setDaemon(true);
        thread.start();
        List<Double> figures = new ArrayList<>();
        Optional<Metrics.Reading> first;
        Optional<Metrics.Reading> last;
        long answeredAtFirst;
        long answeredAtLast;
        try {
            warmUp.run(pulse);
            first = metrics.get();
            answeredAtFirst = pulse.answeredSoFar();
            for (int i = 0; i < rounds && pulse.running(); i++) {
                long before = pulse.answeredSoFar();
                long begun = System.nanoTime();
                pulse.await(round.toNanos());
                figures.add((pulse.answeredSoFar() - before) * 1e9 / (System.nanoTime() - begun));
            }
            last = metrics.get();
            answeredAtLast = pulse.answeredSoFar();
        } finally {
            pulse.stop();
        }
        thread.join(END_MAX.toMillis());
        if (thread.isAlive()) {
            pulse.failed(new IllegalStateException("callers were not answered within " + END_MAX.toSeconds() + " s of the end"));
        }
        if (pulse.failure().isPresent()) {
            throw new IllegalStateException(name + ": " + pulse.failure().get().getMessage(), pulse.failure().get());
        }
        // Whatever the load left for others to clear away (connections, a checkpoint) is not the next figure's.
        TimeUnit.MILLISECONDS.sleep(100);
        if (first.isEmpty() || last.isEmpty()) {
            return new Peak(figures, Optional.empty());
        }
        double answered = (answeredAtLast - answeredAtFirst) * 1e9 / (last.get().nanos() - first.get().nanos());
        return new Peak(figures, Metrics.between(first.get(), last.get()).map(observed -> new Peak.Seen(answered, observed)));
    }
}
