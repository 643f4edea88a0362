package io.stockledger.server.entity;

/**
 * How long what arrives at a SKU now would wait for its turn: as many lots as stand before it, each taking what the
 * SKU's last ones took. What would wait for too long is refused while it still helps its caller, so the queue is no
 * longer than what a caller may wait for, however fast the SKU is. A queue that goes with the next lot keeps nobody
 * out: a burst after a quiet time is no overload.
 */
final class ExpectedWait {
    private static final double NEWEST_COUNTS = 0.125;

    private final long nanosMax;
    private final int lotMax;
    private double lotNanos;
    /** Mutations a lot; fewer than may be where their row is closed at its bytes. */
    private int lotSize;

    /**
     * @param nanosMax the longest wait; 0: any
     * @param lotMax mutations a lot, at most
     */
    ExpectedWait(long nanosMax, int lotMax) {
        this.nanosMax = nanosMax;
        this.lotMax = lotMax;
        this.lotSize = lotMax;
    }

    /** A lot has come back after so long, with so many left over for the next. */
    void took(int lot, int leftOver, long nanos) {
        lotNanos = lotNanos == 0 ? nanos : lotNanos + NEWEST_COUNTS * (nanos - lotNanos);
        lotSize = leftOver == 0 ? lotMax : Math.max(1, lot - leftOver);
    }

    /**
     * Whether one that arrives behind so many would wait for too long.
     *
     * @param underWayNanos since when the store has had the lot before them; 0: it has none
     */
    boolean isTooLong(int waiting, long underWayNanos) {
        long lotsBefore = waiting / lotSize;
        return nanosMax > 0 && lotsBefore > 0 && lotsBefore * Math.max(lotNanos, underWayNanos) > nanosMax;
    }
}
