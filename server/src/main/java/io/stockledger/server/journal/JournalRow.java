package io.stockledger.server.journal;

/**
 * One committed row of the journal, as it is stored: one group of entries of one SKU. Cheap to
 * hold; what the payload's header says is read from its bytes (layout SLG1).
 */
public record JournalRow(long tx, long ordering, String sku, long rowNumber, byte[] payload) {
    private static final int MAGIC = 0x534C4731;
    private static final int BODY = 76;
    private static final int DIGEST = 32;
    private static final java.lang.invoke.VarHandle INT =
            java.lang.invoke.MethodHandles.byteArrayViewVarHandle(int[].class, java.nio.ByteOrder.BIG_ENDIAN);
    private static final java.lang.invoke.VarHandle LONG =
            java.lang.invoke.MethodHandles.byteArrayViewVarHandle(long[].class, java.nio.ByteOrder.BIG_ENDIAN);

    public JournalRow {
        if (payload.length < BODY + DIGEST || (int) INT.get(payload, 0) != MAGIC) {
            throw new IllegalStateException("row " + rowNumber + " of SKU " + sku + " is not of layout SLG1");
        }
    }

    public Position position() {
        return new Position(tx, ordering);
    }

    /** The sequence of the first entry. */
    public long firstSequence() {
        return (long) LONG.get(payload, 4);
    }

    public int entryCount() {
        return (int) INT.get(payload, 12);
    }

    /** The sequence of the last entry. */
    public long lastSequence() {
        return firstSequence() + entryCount() - 1;
    }

    /** When the earliest open hold after this group comes due, in ms; 0: none is open. */
    public long nextDueMs() {
        return (long) LONG.get(payload, 24);
    }

    /** How many locations the SKU has balances at after this group. */
    public int locationCount() {
        return (int) INT.get(payload, 40);
    }

    /** Where in the payload the entries begin: the wire form of SubscribeResponse.entries, one after the other. */
    public int bodyStart() {
        return BODY;
    }

    /** Where in the payload the entries end. */
    public int bodyEnd() {
        return payload.length - DIGEST;
    }
}
