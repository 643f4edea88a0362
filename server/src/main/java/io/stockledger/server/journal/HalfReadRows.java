package io.stockledger.server.journal;

import java.util.LinkedHashMap;
import java.util.Optional;

/**
 * Rows in the middle of which a page of entries has ended, for who asks for the next page: a hot SKU's row holds
 * thousands of entries, and would be read, unpacked and hashed for each ten of them. The last few only, and each for one
 * taker: who does not come back leaves it to be pushed out.
 */
final class HalfReadRows {
    private record Place(String sku, long sequence) {}

    private final long bytesMax;
    /** The first was put in before all others. */
    private final LinkedHashMap<Place, JournalRow> rows = new LinkedHashMap<>();
    private long bytes;

    /** @param bytesMax of the rows together; a row that alone has more is not kept */
    HalfReadRows(long bytesMax) {
        this.bytesMax = bytesMax;
    }

    /** Keeps a row, which was found whole, for who asks for the SKU's entries from this one on. */
    synchronized void put(String sku, long nextSequence, JournalRow row) {
        Place place = new Place(sku, nextSequence);
        remove(place);
        rows.put(place, row);
        bytes += row.payload().length;
        while (bytes > bytesMax) {
            remove(rows.keySet().iterator().next());
        }
    }

    /** The row that was kept for this place; it is kept no longer. */
    synchronized Optional<JournalRow> take(String sku, long nextSequence) {
        return remove(new Place(sku, nextSequence));
    }

    private Optional<JournalRow> remove(Place place) {
        Optional<JournalRow> row = Optional.ofNullable(rows.remove(place));
        row.ifPresent(gone -> bytes -= gone.payload().length);
        return row;
    }
}
