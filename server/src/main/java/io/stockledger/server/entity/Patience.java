package io.stockledger.server.entity;

/**
 * How long a SKU waits for the callers that it has just answered. A caller who sends his next mutation once he has the
 * answer to the last is back a moment later. Without waiting, the first of them to come back would have a journal
 * write to himself, and all others would wait for it: every second write would hold one entry. So the next write waits
 * a part of what a write takes, at most, and not for callers who have shown that they do not come back.
 */
final class Patience {
    private static final int LOTS_LEFT_OUT_MAX = 64;

    private final long nanosMax;
    private int awaited;
    private int lotsLeftOut;
    private int lotsToLeaveOut;

    /** @param nanosMax the longest wait; 0: never waits */
    Patience(long nanosMax) {
        this.nanosMax = nanosMax;
    }

    /**
     * So many were answered, and so many wait already.
     *
     * @param writeNanos what the last write took
     * @return how long to wait; 0: not at all
     */
    long begin(int answered, int waiting, long writeNanos) {
        long nanos = Math.min(nanosMax, writeNanos / 2);
        if (nanos <= 0 || waiting >= answered / 2) {
            return 0;
        }
        if (lotsLeftOut < lotsToLeaveOut) {
            lotsLeftOut++;
            return 0;
        }
        awaited = answered;
        return nanos;
    }

    /** Whether it is still worth while to wait. */
    boolean holds(int waiting) {
        if (awaited > 0 && waiting >= awaited - awaited / 4) {
            awaited = 0;
            lotsToLeaveOut = 0;
        }
        return awaited > 0;
    }

    /** They did not come: the wait is over, and left out for the next lots, the more the oftener this happens. */
    void end() {
        if (awaited > 0) {
            awaited = 0;
            lotsLeftOut = 0;
            lotsToLeaveOut = Math.min(LOTS_LEFT_OUT_MAX, Math.max(1, lotsToLeaveOut * 2));
        }
    }
}
