package io.stockledger.loadtest.engine;

/**
 * One call of an open loop: begun without waiting, at its time, whatever became of those before it. {@code answered}
 * runs when its answer is here; never, where none comes, which the figure shows as well.
 */
@FunctionalInterface
public interface Arrival {
    void begin(long number, Runnable answered);
}
