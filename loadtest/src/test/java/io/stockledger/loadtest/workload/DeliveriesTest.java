package io.stockledger.loadtest.workload;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

/** What the latency of a delivery is counted from, and that none is left out of it unseen. */
class DeliveriesTest {
    private static final long MS = 1_000_000;

    @Test
    void aDeliveryCountsFromItsOwnAnswerHoweverTheyInterleave() {
        Deliveries deliveries = new Deliveries(2, 1);
        deliveries.sent(0, 10 * MS);
        deliveries.sent(1, 11 * MS);
        deliveries.answered(1, 20 * MS);
        deliveries.answered(0, 30 * MS);
        deliveries.delivered(0, 0, 31 * MS);
        deliveries.delivered(0, 1, 24 * MS);
        assertValues(deliveries.fromAnswer(0, 2), 1 * MS, 4 * MS);
        assertValues(deliveries.fromSend(0, 2), 13 * MS, 21 * MS);
    }

    @Test
    void oneDeliveredBeforeItsAnswerCountsAsZero() {
        Deliveries deliveries = new Deliveries(1, 1);
        deliveries.sent(0, 10 * MS);
        deliveries.delivered(0, 0, 12 * MS);
        deliveries.answered(0, 13 * MS);
        assertEquals(0, deliveries.fromAnswer(0, 1).getMaxValue());
        assertValues(deliveries.fromSend(0, 1), 2 * MS, 2 * MS);
    }

    @Test
    void eachSubscriberCounts() {
        Deliveries deliveries = new Deliveries(1, 3);
        deliveries.sent(0, 1 * MS);
        deliveries.answered(0, 2 * MS);
        deliveries.delivered(2, 0, 3 * MS);
        deliveries.delivered(0, 0, 4 * MS);
        assertFalse(deliveries.isComplete(0, 1));
        deliveries.delivered(1, 0, 52 * MS);
        assertTrue(deliveries.isComplete(0, 1));
        assertEquals(3, deliveries.fromAnswer(0, 1).getTotalCount());
        assertValues(deliveries.fromAnswer(0, 1), 1 * MS, 50 * MS);
    }

    @Test
    void whatNeverCameIsAnErrorAndNoLatency() {
        Deliveries deliveries = new Deliveries(2, 1);
        deliveries.sent(0, 1 * MS);
        deliveries.answered(0, 2 * MS);
        deliveries.delivered(0, 0, 3 * MS);
        deliveries.sent(1, 1 * MS);
        deliveries.answered(1, 2 * MS);
        assertFalse(deliveries.isComplete(0, 2));
        assertThrows(IllegalStateException.class, () -> deliveries.fromAnswer(0, 2));
        assertEquals(1, deliveries.fromAnswer(0, 1).getTotalCount());
    }

    @Test
    void aRepeatedDeliveryIsTold() {
        Deliveries deliveries = new Deliveries(1, 1);
        deliveries.delivered(0, 0, 3 * MS);
        assertThrows(IllegalStateException.class, () -> deliveries.delivered(0, 0, 4 * MS));
    }

    private static void assertValues(Histogram histogram, long least, long most) {
        assertTrue(histogram.valuesAreEquivalent(least, histogram.getMinValue()), "least " + histogram.getMinValue());
        assertTrue(histogram.valuesAreEquivalent(most, histogram.getMaxValue()), "most " + histogram.getMaxValue());
    }
}
