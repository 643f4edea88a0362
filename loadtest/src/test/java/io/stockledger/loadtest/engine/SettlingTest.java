package io.stockledger.loadtest.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SettlingTest {
    private static final Duration LOOK = Duration.ofMillis(1);

    private final AtomicInteger readings = new AtomicInteger();

    /** A ledger whose projection comes ten seconds nearer from each reading to the next. */
    private Optional<Metrics.Reading> behindBy(double seconds) {
        double age = Math.max(0.1, seconds - 10 * readings.getAndIncrement());
        return Optional.of(new Metrics.Reading(System.nanoTime(), Map.of("stockledger_projection_age_seconds", age)));
    }

    @Test
    void endsOnceTheProjectionIsThere() throws Exception {
        assertEquals(Optional.empty(), new Settling(Duration.ofHours(1), LOOK, () -> behindBy(35)).run());
        assertEquals(5, readings.get());
    }

    @Test
    void endsAtItsMostAndTellsHowFarBehindItStillIs() throws Exception {
        assertEquals(Optional.of(35.0), new Settling(Duration.ZERO, LOOK, () -> behindBy(35)).run());
    }

    @Test
    void whereNoProjectionIsKeptNothingIsWaitedFor() throws Exception {
        assertEquals(Optional.empty(), new Settling(Duration.ofHours(1), LOOK, Optional::empty).run());
        assertEquals(Optional.empty(), new Settling(Duration.ofHours(1), LOOK, () -> Optional.of(new Metrics.Reading(0, Map.of()))).run());
        assertEquals(Optional.empty(), new Settling(Duration.ofHours(1), LOOK,
                () -> Optional.of(new Metrics.Reading(0, Map.of("stockledger_projection_age_seconds", Double.NaN)))).run());
    }
}
