package io.stockledger.server.journal;

/**
 * One committed row of the journal and where it stands: one group of entries of one SKU.
 *
 * @param bytes of the row as the store counts them, by which it ends a page; its own, unless somebody has changed it
 */
public record JournalRow(long tx, long ordering, String sku, long rowNumber, GroupRow group, long bytes) {
    /** A row that is not of such a page. */
    public JournalRow(long tx, long ordering, String sku, long rowNumber, GroupRow group) {
        this(tx, ordering, sku, rowNumber, group, group.bytes().length);
    }

    public Position position() {
        return new Position(tx, ordering);
    }

    /** This row; throws a {@link GroupRow.DamagedException} where its bytes are not those that were written. */
    public JournalRow whole() {
        if (!group.isWhole()) {
            throw new GroupRow.DamagedException("row " + rowNumber + " of " + sku + " holds other bytes than were written");
        }
        return this;
    }

    /** Its bytes, not packed; not to be changed. */
    public byte[] payload() {
        return group.bytes();
    }
}
