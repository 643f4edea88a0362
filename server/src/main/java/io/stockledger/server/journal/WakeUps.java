package io.stockledger.server.journal;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Tells the one thread that looks for something that there may be something new. Cheap for those who tell; many at
 * once are one, and what is told after a look began leads to another look.
 */
final class WakeUps {
    private final Semaphore told = new Semaphore(0);

    /** There may be something new. Any thread. */
    void wake() {
        if (told.availablePermits() == 0) {
            told.release();
        }
    }

    /** A look begins now: it sees what was told of until here. */
    void lookBegins() {
        told.drainPermits();
    }

    /** Waits until something is told of that no look has begun after, at most so long; whether there is. */
    boolean await(long nanos) throws InterruptedException {
        return told.tryAcquire(nanos, TimeUnit.NANOSECONDS);
    }
}
