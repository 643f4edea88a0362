package io.stockledger.cli.migrate;

import java.util.List;

/**
 * The old system's stock as it was read, whole and sound: no SKU stands twice at one location.
 *
 * @param described where it was read: for people
 * @param rows in the order of the source
 */
record OldStock(String described, List<Row> rows) {
    /** Longer sources are to be split: all of one stands in memory while it is checked. */
    static final int ROWS_MAX = 1_000_000;

    OldStock {
        rows = List.copyOf(rows);
    }

    /** A SKU at a location. */
    record Place(String sku, String location) implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            int bySku = sku.compareTo(other.sku);
            return bySku != 0 ? bySku : location.compareTo(other.location);
        }

        @Override
        public String toString() {
            return location.equals(DEFAULT_LOCATION) ? sku : sku + " at " + location;
        }
    }

    /** The ledger's name for where units are that name no location. */
    static final String DEFAULT_LOCATION = "main";

    /**
     * What the source says of one place.
     *
     * @param line of the file as an editor shows it, or of the query's answer
     */
    record Row(long line, Place place, long quantity) {
    }
}
