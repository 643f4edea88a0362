package io.stockledger.loadtest.engine;

/** A workload that can't run here, and why: a line in the report, no failure. */
public final class LeftOut extends RuntimeException {
    public LeftOut(String reason) {
        super(reason);
    }
}
