package io.stockledger.server.domain;

/**
 * The ledger says no. Writes nothing and is not remembered.
 *
 * @param available what there was instead of what was asked; 0 where that says nothing
 * @param sequence where the SKU stood
 */
public record Refusal(Reason reason, long available, long sequence) implements Decision {
    /** Where several hold, the first in this order is given. */
    public enum Reason {
        SEQUENCE_MISMATCH,
        RESERVATION_NOT_FOUND,
        RESERVATION_CLOSED,
        TOO_MANY_LOCATIONS,
        TOO_MANY_RESERVATIONS,
        TOO_MANY_EXPECTED,
        TOO_MANY_CHANNELS,
        EXCEEDS_RESERVATION,
        INSUFFICIENT_STOCK,
        BALANCE_LIMIT
    }
}
