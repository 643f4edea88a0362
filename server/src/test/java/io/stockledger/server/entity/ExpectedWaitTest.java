package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ExpectedWaitTest {
    private static final long MS = 1_000_000;
    private final ExpectedWait wait = new ExpectedWait(1_000 * MS, 100);

    @Test
    void burstAtAQuietSkuIsNoOverload() {
        wait.took(1, 0, MS);
        assertFalse(wait.isTooLong(60_000, MS), "600 lots of a millisecond");
        assertTrue(wait.isTooLong(200_000, MS));
    }

    @Test
    void queueIsAsLongAsTheWaitAllows() {
        for (int i = 0; i < 100; i++) {
            wait.took(100, 0, 50 * MS);
        }
        assertFalse(wait.isTooLong(2_000, 0), "20 lots of 50 ms");
        assertTrue(wait.isTooLong(2_100, 0));
    }

    @Test
    void rowsThatAreClosedAtTheirBytesHoldFewer() {
        for (int i = 0; i < 100; i++) {
            wait.took(100, 90, 50 * MS);
        }
        assertFalse(wait.isTooLong(200, 0));
        assertTrue(wait.isTooLong(210, 0));
    }

    @Test
    void storeThatStandsStillCounts() {
        wait.took(100, 0, MS);
        assertFalse(wait.isTooLong(99, 60_000 * MS), "they go with the next lot");
        assertTrue(wait.isTooLong(100, 2_000 * MS));
    }

    @Test
    void anyWaitMayBeAllowed() {
        ExpectedWait any = new ExpectedWait(0, 100);
        any.took(100, 0, 50 * MS);
        assertFalse(any.isTooLong(1_000_000, 60_000 * MS));
    }
}
