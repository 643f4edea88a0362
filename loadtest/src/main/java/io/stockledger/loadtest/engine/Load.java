package io.stockledger.loadtest.engine;

/**
 * Callers in a closed loop: each asks again when it has been answered, while {@link Pulse#running()}; then the load
 * returns. Each answer is counted by {@link Pulse#answered}, what must not happen ends the figure by
 * {@link Pulse#failed}. {@link Callers} has the usual ones.
 */
@FunctionalInterface
public interface Load {
    void run(Pulse pulse) throws Exception;
}
