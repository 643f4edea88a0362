package io.stockledger.server.journal;

/** One committed row of the journal and where it stands: one group of entries of one SKU. */
public record JournalRow(long tx, long ordering, String sku, long rowNumber, GroupRow group) {
    public Position position() {
        return new Position(tx, ordering);
    }

    /** The stored bytes; not to be changed. */
    public byte[] payload() {
        return group.bytes();
    }
}
