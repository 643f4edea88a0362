package io.stockledger.cli.migrate;

import io.stockledger.v1.LocationBalance;

/** Which of the ledger's figures the old system's is held against. */
enum Figure {
    /** All units on the shelf: available, reserved, committed and unavailable. */
    ON_HAND,
    /** Those that are free: not reserved, not committed, fit to be sold. */
    AVAILABLE;

    long of(LocationBalance balance) {
        return switch (this) {
            case ON_HAND -> balance.getAvailable() + balance.getReserved() + balance.getCommitted() + balance.getUnavailable();
            case AVAILABLE -> balance.getAvailable();
        };
    }

    @Override
    public String toString() {
        return switch (this) {
            case ON_HAND -> "on-hand";
            case AVAILABLE -> "available";
        };
    }
}
