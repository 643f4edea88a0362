package io.stockledger.loadtest.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.loadtest.figure.Percentiles;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The open loop hides no stall. All bounds are lower ones: a slow machine can only lengthen a latency. */
class OpenLoopTest {
    private static OpenLoop loop(int rounds, Duration answersWait) {
        return new OpenLoop(1_000, Duration.ZERO, Duration.ofSeconds(1), rounds, answersWait);
    }

    @Test
    void aStalledServerIsInTheLatencyOfAllWhoCameMeanwhile() throws InterruptedException {
        List<Runnable> stalled = new ArrayList<>();
        OpenLoop.Latency latency = loop(1, Duration.ofSeconds(10)).run((number, answered) -> {
            if (number >= 200 && number < 700) {
                stalled.add(answered);
            } else {
                // The stall ends with the arrival that is due half a second after its first.
                stalled.forEach(Runnable::run);
                stalled.clear();
                answered.run();
            }
        });
        assertEquals(1_000, latency.all().count());
        assertEquals(0, latency.unanswered());
        assertTrue(latency.all().atMs(100) >= 499, () -> "the first of the stall: " + latency.all());
        // 500 of 1,000 waited for 0 to 500 ms, evenly.
        assertTrue(latency.all().atMs(75) >= 245, () -> "half of the stall: " + latency.all());
        assertTrue(latency.all().atMs(95) >= 440, () -> "the early ones of the stall: " + latency.all());
    }

    @Test
    void whatComesInTheWarmUpIsInNoRound() throws InterruptedException {
        List<Long> begun = new ArrayList<>();
        OpenLoop.Latency latency = new OpenLoop(1_000, Duration.ofMillis(50), Duration.ofSeconds(1), 1, Duration.ofSeconds(10)).run((number, answered) -> {
            begun.add(number);
            answered.run();
        });
        assertEquals(1_000, latency.all().count());
        assertTrue(begun.size() > 1_000, () -> begun.size() + " arrivals with the warm-up's");
        assertEquals(LongStream.range(0, begun.size()).boxed().toList(), begun);
    }

    @Test
    void aStalledGeneratorIsInTheLatencyToo() throws InterruptedException {
        OpenLoop.Latency latency = loop(1, Duration.ofSeconds(10)).run((number, answered) -> {
            if (number == 300) {
                pause(500);
            }
            answered.run();
        });
        assertTrue(latency.all().atMs(100) >= 499, () -> "the one that held the generator up: " + latency.all());
        assertTrue(latency.all().atMs(75) >= 245, () -> "those that came late for it: " + latency.all());
        assertTrue(latency.lateness().atMs(99) >= 400, () -> "said as the generator's own: " + latency.lateness());
    }

    @Test
    void whatIsNeverAnsweredIsCountedAndNotForgotten() throws InterruptedException {
        OpenLoop.Latency latency = loop(2, Duration.ofMillis(300)).run((number, answered) -> {
            if (number % 2 == 0) {
                answered.run();
            }
        });
        assertEquals(1_000, latency.unanswered());
        assertEquals(2_000, latency.all().count());
        assertEquals(List.of(1_000L, 1_000L), latency.rounds().stream().map(Percentiles::count).toList());
        assertTrue(latency.rounds().get(1).atMs(75) >= 300, () -> "the last round: " + latency.rounds());
        assertTrue(latency.rounds().get(0).atMs(75) >= 1_295, () -> "the first round: " + latency.rounds());
    }

    private static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
