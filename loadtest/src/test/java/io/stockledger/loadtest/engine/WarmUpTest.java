package io.stockledger.loadtest.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WarmUpTest {
    private static final Duration LEAST = Duration.ofMillis(5);
    private static final int LOOKS_BUSY = 6;

    private final AtomicInteger readings = new AtomicInteger();

    /** A ledger whose compilers have done a whole second's work between each two readings, so many times. */
    private Optional<Metrics.Reading> busyFor(int looks) {
        double seconds = Math.min(readings.incrementAndGet(), looks);
        return Optional.of(new Metrics.Reading(System.nanoTime(), Map.of("jvm_compilation_time_ms_total", 1_000 * seconds)));
    }

    @Test
    void goesOnWhileTheLedgersCompilersAreAtWork() throws Exception {
        new WarmUp(LEAST, 100_000, () -> busyFor(LOOKS_BUSY)).run(new Pulse());
        assertTrue(readings.get() > LOOKS_BUSY, readings + " readings");
    }

    @Test
    void endsAtItsMostWhateverTheCompilersDo() throws Exception {
        new WarmUp(LEAST, 3, () -> busyFor(Integer.MAX_VALUE)).run(new Pulse());
        assertTrue(readings.get() >= 2, readings + " readings");
    }

    @Test
    void aLoadThatHasFailedIsNotWarmedUp() throws Exception {
        Pulse failed = new Pulse();
        failed.failed(new IllegalStateException("no ledger"));
        new WarmUp(Duration.ofHours(1), 8, () -> busyFor(Integer.MAX_VALUE)).run(failed);
        assertEquals(0, readings.get());
    }
}
