package io.stockledger.server.api;

import com.google.rpc.Status;

/** A request that the ledger can't take; carries the status to answer. Never leaves this room. */
final class InvalidRequest extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Status status;

    InvalidRequest(Status status) {
        // No stack trace: it says what the caller did, not where we are.
        super(status.getMessage(), null, false, false);
        this.status = status;
    }

    static InvalidRequest field(String field, String description) {
        return new InvalidRequest(Errors.field(field, description));
    }

    Status status() {
        return status;
    }
}
