package io.stockledger.server.api;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many mutations and looks the node has taken in and not answered yet, over all SKUs; bounded, so that overload is
 * told at once instead of filling the heap, and so that the journal's write buffer can be larger than all that may
 * ever write at the same time.
 */
final class Admission {
    private final int max;
    private final AtomicInteger waiting = new AtomicInteger();

    Admission(int max) {
        this.max = max;
    }

    /** Takes so many in, all or none. */
    boolean tryEnter(int more) {
        if (waiting.addAndGet(more) > max) {
            waiting.addAndGet(-more);
            return false;
        }
        return true;
    }

    int waiting() {
        return waiting.get();
    }

    int max() {
        return max;
    }

    void leave(int fewer) {
        waiting.addAndGet(-fewer);
    }
}
