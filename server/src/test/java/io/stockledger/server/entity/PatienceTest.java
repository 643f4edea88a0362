package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PatienceTest {
    private static final long MAX_NANOS = 300_000;
    private static final long WRITE_NANOS = 400_000;

    private final Patience patience = new Patience(MAX_NANOS);

    @Test
    void waitsForMostOfThoseAnsweredAndNotForTheLastOfThem() {
        assertEquals(WRITE_NANOS / 2, patience.begin(64, 1, WRITE_NANOS));
        assertTrue(patience.holds(47));
        assertFalse(patience.holds(48));
        assertFalse(patience.holds(0));
    }

    @Test
    void neverWaitsLongerThanItsBoundOrHalfAWrite() {
        assertEquals(MAX_NANOS, patience.begin(64, 1, 10_000_000));
    }

    @Test
    void doesNotWaitWhereHalfAreBackAlready() {
        assertEquals(0, patience.begin(64, 32, WRITE_NANOS));
        assertFalse(patience.holds(32));
    }

    @Test
    void aPatienceOfNothingNeverHolds() {
        Patience none = new Patience(0);
        assertEquals(0, none.begin(64, 1, WRITE_NANOS));
        assertFalse(none.holds(1));
    }

    @Test
    void callersWhoDoNotComeBackAreWaitedForEverMoreSeldom() {
        int waits = 0;
        for (int lot = 0; lot < 1_000; lot++) {
            if (patience.begin(10, 0, WRITE_NANOS) > 0) {
                waits++;
                patience.end();
                assertFalse(patience.holds(0));
            }
        }
        assertTrue(waits < 25, waits + " of 1,000 lots were waited for");
    }

    @Test
    void callersWhoComeBackAreWaitedForAgainAtOnce() {
        patience.begin(10, 0, WRITE_NANOS);
        patience.end();
        assertEquals(0, patience.begin(10, 0, WRITE_NANOS));
        patience.begin(10, 0, WRITE_NANOS);
        assertFalse(patience.holds(10));
        assertTrue(patience.begin(10, 0, WRITE_NANOS) > 0);
    }
}
