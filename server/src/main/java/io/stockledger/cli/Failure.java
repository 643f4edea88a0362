package io.stockledger.cli;

/**
 * Ends a verb with exit code 1 and one line on standard error: what is wrong,
 * and what to do.
 */
public final class Failure extends RuntimeException {
    public Failure(String message) {
        super(message);
    }

    public Failure(String message, Throwable cause) {
        super(message, cause);
    }
}
