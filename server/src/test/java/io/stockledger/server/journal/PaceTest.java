package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PaceTest {
    private final AtomicLong now = new AtomicLong(-5);

    @Test
    void readsAtFullSpeedUnlessMutationsComeInThenForItsShareOfTheTime() {
        Pace pace = new Pace(0.2, now::get);
        assertEquals(0, pace.restNanos(1_000_000));
        pace.committed();
        assertEquals(4_000_000, pace.restNanos(1_000_000), 1);
        now.addAndGet(TimeUnit.MILLISECONDS.toNanos(40));
        assertEquals(4_000_000, pace.restNanos(1_000_000), 1);
        now.addAndGet(TimeUnit.MILLISECONDS.toNanos(40));
        assertEquals(0, pace.restNanos(1_000_000));
    }

    @Test
    void allWhoKeepItTogetherHaveItsShareAndWhoStandsApartHasOneOfItsOwn() {
        Pace pace = new Pace(0.2, now::get);
        Pace apart = pace.apart();
        pace.committed();
        assertEquals(4_000_000, pace.restNanos(1_000_000), 1);
        assertEquals(8_000_000, pace.restNanos(1_000_000), 1);
        assertEquals(4_000_000, apart.restNanos(1_000_000), 1);
        now.addAndGet(8_000_000);
        assertEquals(4_000_000, pace.restNanos(1_000_000), 1);
    }

    @Test
    void restIsBoundedHoweverLongTheRead() {
        Pace pace = new Pace(0.2, now::get);
        pace.committed();
        assertEquals(TimeUnit.MILLISECONDS.toNanos(250), pace.restNanos(TimeUnit.MINUTES.toNanos(5)));
    }

    @Test
    void whoWorksOnAndOnRestsInBetween() {
        Pace pace = new Pace(0.2, now::get);
        pace.committed();
        Pace.Turn turn = pace.begin();
        now.addAndGet(3_000_000);
        turn.restIfDue();
        now.addAndGet(1_000_000);
        turn.restIfDue();
        // Four milliseconds' worth, and then one.
        assertEquals(20_000_000, pace.restNanos(1_000_000), 2);
    }

    @Test
    void shareOfNothingIsRefused() {
        assertThrows(StartupException.class, () -> new Pace(0, now::get));
    }
}
