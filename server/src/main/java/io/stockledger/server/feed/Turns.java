package io.stockledger.server.feed;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Takes turns at work that goes in steps, one at a time, and that any thread may ask for. A wake-up while a step runs
 * has another step follow it, since that step may have looked before: so none is lost, and many at once are one.
 */
final class Turns {
    private static final int IDLE = 0;
    private static final int AT_WORK = 1;
    private static final int AT_WORK_AND_WOKEN = 2;

    private final AtomicInteger state = new AtomicInteger(IDLE);

    /** Asks for a step; where it is true, the caller must have one run. */
    boolean wake() {
        while (true) {
            switch (state.get()) {
                case IDLE -> {
                    if (state.compareAndSet(IDLE, AT_WORK)) {
                        return true;
                    }
                }
                case AT_WORK -> {
                    if (state.compareAndSet(AT_WORK, AT_WORK_AND_WOKEN)) {
                        return false;
                    }
                }
                default -> {
                    return false;
                }
            }
        }
    }

    /** A step has ended; where it is true, its thread must have another one run: it left work, or was woken. */
    boolean goesOn(boolean leftWork) {
        if (leftWork || !state.compareAndSet(AT_WORK, IDLE)) {
            state.set(AT_WORK);
            return true;
        }
        return false;
    }
}
