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

    /** Takes so many in, all or none; those that do not fit are never counted, so they keep out nobody who fits. */
    boolean tryEnter(int more) {
        int before;
        do {
            before = waiting.get();
            if (more > max - before) {
                return false;
            }
        } while (!waiting.compareAndSet(before, before + more));
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
