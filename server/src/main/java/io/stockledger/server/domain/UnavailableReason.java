package io.stockledger.server.domain;

/** Why units in {@link Bucket#UNAVAILABLE} may not be sold. */
public enum UnavailableReason {
    /** No reason: the mutation has nothing to do with unavailable units. */
    NONE,
    DAMAGED,
    QUALITY_CONTROL,
    OTHER
}
