package io.stockledger.server.journal;

import akka.serialization.SerializerWithStringManifest;
import com.google.protobuf.InvalidProtocolBufferException;
import io.stockledger.server.journal.snapshot.StockSnapshot;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * Rows and snapshots between Akka's persistence and the store. A row is its own bytes, in either form. A snapshot is its message
 * behind a CRC-32 (4 bytes): one that was damaged fails here, where the store passes it over and replays from the
 * first row.
 */
public final class JournalSerializer extends SerializerWithStringManifest {
    static final int IDENTIFIER = 534_731;
    static final String SNAPSHOT = "SLS1";

    @Override
    public int identifier() {
        return IDENTIFIER;
    }

    @Override
    public String manifest(Object object) {
        return object instanceof GroupRow ? RowPacking.WHOLE : SNAPSHOT;
    }

    @Override
    public byte[] toBinary(Object object) {
        if (object instanceof GroupRow row) {
            return row.bytes();
        } else if (object instanceof StockSnapshot snapshot) {
            return snapshotBytes(snapshot);
        }
        throw new IllegalArgumentException("the journal does not store a " + object.getClass().getName());
    }

    @Override
    public Object fromBinary(byte[] bytes, String manifest) {
        return switch (manifest) {
            case RowPacking.WHOLE, RowPacking.PACKED -> GroupRow.of(bytes);
            case SNAPSHOT -> snapshot(bytes);
            default -> throw new IllegalArgumentException("the journal holds no " + manifest);
        };
    }

    static byte[] snapshotBytes(StockSnapshot snapshot) {
        byte[] message = snapshot.toByteArray();
        return ByteBuffer.allocate(4 + message.length).putInt(crc(message, 0)).put(message).array();
    }

    static StockSnapshot snapshot(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        if (bytes.length < 4 || in.getInt() != crc(bytes, 4)) {
            throw new IllegalArgumentException("a snapshot is damaged: its checksum does not match");
        }
        try {
            return StockSnapshot.parseFrom(in);
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalArgumentException("a snapshot is damaged", e);
        }
    }

    private static int crc(byte[] bytes, int from) {
        CRC32 crc = new CRC32();
        crc.update(bytes, from, bytes.length - from);
        return (int) crc.getValue();
    }
}
