package io.stockledger.server.domain;

/**
 * Units going from one bucket to another; {@code toLocation} differs from {@code location} only in a transfer.
 */
public record Movement(Bucket from, Bucket to, long quantity, String location, String toLocation) {
    public Movement {
        if (quantity <= 0) {
            throw new IllegalArgumentException("a movement moves at least one unit, not " + quantity);
        }
    }

    static Movement within(String location, Bucket from, Bucket to, long quantity) {
        return new Movement(from, to, quantity, location, location);
    }
}
