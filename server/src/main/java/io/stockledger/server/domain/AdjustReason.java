package io.stockledger.server.domain;

/** Why an {@link Operation.Adjust}. */
public enum AdjustReason {
    /** No reason: the mutation is no adjustment. */
    NONE,
    SHRINKAGE,
    DAMAGED,
    FOUND,
    CORRECTION,
    OTHER
}
