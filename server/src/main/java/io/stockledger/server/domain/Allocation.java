package io.stockledger.server.domain;

/**
 * A channel's share of a SKU at a location: {@code guaranteed} units that no other channel may take, at most
 * {@code maximum} for itself ({@link #UNBOUNDED}: no maximum). {@code used} is what it holds and has sold since the
 * entry {@code setSequence}, which set the allocation.
 */
public record Allocation(String channel, long guaranteed, long maximum, long used, long setSequence) {
    public static final long UNBOUNDED = Long.MAX_VALUE;

    public boolean bounded() {
        return maximum != UNBOUNDED;
    }

    /** What other channels must leave alone. */
    long keptForIt() {
        return Math.max(0, guaranteed - used);
    }

    Allocation using(long more) {
        return new Allocation(channel, guaranteed, maximum, used + more, setSequence);
    }
}
