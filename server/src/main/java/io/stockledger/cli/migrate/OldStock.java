package io.stockledger.cli.migrate;

import java.util.List;
import java.util.Optional;

/**
 * The old system's stock as it was read, whole and sound: no SKU stands twice at one location.
 *
 * @param described where it was read: for people
 * @param rows in the order of the source
 * @param spaced the first line with spaces around its SKU or location, which were left out; empty where there is none
 */
record OldStock(String described, List<Row> rows, Optional<Long> spaced) {
    /** Longer sources are to be split: all of one stands in memory while it is checked. */
    static final int ROWS_MAX = 1_000_000;

    OldStock {
        rows = List.copyOf(rows);
    }

    /** What to say where names were taken without the spaces around them: whoever writes to the ledger must do the same. */
    Optional<String> spacesWord() {
        return spaced.map(line -> described + " has spaces around SKUs or locations, first in line " + line
                + "; they are taken without them, and the shop has to name them so too");
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
