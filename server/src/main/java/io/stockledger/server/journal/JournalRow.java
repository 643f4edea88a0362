package io.stockledger.server.journal;

/** One committed row of the journal and where it stands: one group of entries of one SKU. */
public record JournalRow(long tx, long ordering, String sku, long rowNumber, GroupRow group) {
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

    /** The stored bytes; not to be changed. */
    public byte[] payload() {
        return group.bytes();
    }
}
