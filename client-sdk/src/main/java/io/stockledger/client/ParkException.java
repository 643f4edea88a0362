package io.stockledger.client;

/**
 * An {@link EntryHandler} can't apply its entry, now or ever: the ledger is to put it aside with the reason, and to go
 * on. An operator finds it by {@code ./stockledger subscriptions parked NAME}, and has it sent once more, or drops it.
 */
public final class ParkException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** @param reason for the operator; up to 1,000 characters are kept */
    public ParkException(String reason) {
        super(reason);
    }

    /** @param reason for the operator; up to 1,000 characters are kept */
    public ParkException(String reason, Throwable cause) {
        super(reason, cause);
    }
}
