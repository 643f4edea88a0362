package io.stockledger.server.journal;

/**
 * The ledger can't start, for a reason its operator can act on. The message is one line, meant for
 * a person: what is wrong, what to do. It is shown without a stack trace.
 */
public final class StartupException extends RuntimeException {
    public StartupException(String message) {
        super(message);
    }

    public StartupException(String message, Throwable cause) {
        super(message, cause);
    }
}
