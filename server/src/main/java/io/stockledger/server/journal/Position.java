package io.stockledger.server.journal;

/**
 * A place in the order of all journal rows: the transaction that wrote a row, and its number among
 * that transaction's rows. The order of {@code ordering} alone is not the order of commits.
 */
public record Position(long tx, long ordering) implements Comparable<Position> {
    /** Before the first row. */
    public static final Position START = new Position(0, 0);

    @Override
    public int compareTo(Position other) {
        int byTx = Long.compareUnsigned(tx, other.tx);
        return byTx != 0 ? byTx : Long.compare(ordering, other.ordering);
    }

    public boolean isAfter(Position other) {
        return compareTo(other) > 0;
    }
}
