package io.stockledger.server.journal;

import akka.serialization.SerializerWithStringManifest;

/** Hands Akka's persistence the bytes that rows and snapshots are already made of. */
public final class JournalSerializer extends SerializerWithStringManifest {
    private static final String ROW = "SLG1";
    private static final String SNAPSHOT = "SLS1";

    /** A snapshot as it is stored: bytes, made where the stock may be read. */
    public record SnapshotBytes(byte[] bytes) {}

    @Override
    public int identifier() {
        return 534_731;
    }

    @Override
    public String manifest(Object object) {
        return object instanceof GroupRow ? ROW : SNAPSHOT;
    }

    @Override
    public byte[] toBinary(Object object) {
        if (object instanceof GroupRow row) {
            return row.bytes();
        } else if (object instanceof SnapshotBytes snapshot) {
            return snapshot.bytes();
        }
        throw new IllegalArgumentException("the journal does not store a " + object.getClass().getName());
    }

    @Override
    public Object fromBinary(byte[] bytes, String manifest) {
        return switch (manifest) {
            case ROW -> GroupRow.of(bytes);
            case SNAPSHOT -> new SnapshotBytes(bytes);
            default -> throw new IllegalArgumentException("the journal holds no " + manifest);
        };
    }
}
