package io.stockledger.server.journal;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.stockledger.server.journal.snapshot.AppliedIds;
import io.stockledger.server.journal.snapshot.NewestIds;
import io.stockledger.server.journal.snapshot.StockSnapshot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * A snapshot as it is stored: its message, and beside it the parts that it holds, which others of its SKU may hold too.
 * A part is called by its CRC-32 and its CRC-32C, so that no snapshot takes another's for its own.
 *
 * @param parts by name, as words, which are stored little-endian; more than it holds, where it was read
 */
record StoredSnapshot(byte[] payload, Map<Long, long[]> parts) {
    private static final int CHUNK_BYTES = 64 << 10;
    private static final String PAYLOAD = "SELECT snapshot_payload FROM snapshot WHERE persistence_id = ? AND sequence_number = ?";
    private static final String PARTS = "SELECT part, payload FROM snapshot_part WHERE persistence_id = ? AND newest_snapshot >= ?";

    /** To be stored. */
    static StoredSnapshot of(Snapshot snapshot) {
        Map<Long, long[]> parts = new LinkedHashMap<>();
        AppliedIds.Builder ids = snapshot.stock().getAppliedIds().toBuilder();
        for (long[] words : snapshot.olderIds()) {
            ids.addOlderParts(named(words, parts));
        }
        int last = ids.getNewestCount() - 1;
        for (int i = 0; i < last; i++) {
            ids.getNewestBuilder(i).setPart(named(snapshot.newestIds().get(i), parts));
        }
        if (last >= 0) {
            // The only one that others of the SKU will not hold as it is.
            ids.getNewestBuilder(last).setWords(UnsafeByteOperations.unsafeWrap(bytes(snapshot.newestIds().get(last))));
        }
        if (!parts.isEmpty()) {
            ids.setForgottenBeforeAllParts(ids.getForgotten()).clearForgotten();
        }
        return new StoredSnapshot(JournalSerializer.snapshotBytes(snapshot.stock().toBuilder().setAppliedIds(ids).build()), parts);
    }

    private static long named(long[] words, Map<Long, long[]> parts) {
        long name = name(words);
        parts.put(name, words);
        return name;
    }

    /** The SKU's snapshot after its row of this number; empty: there is none. */
    static Optional<StoredSnapshot> find(Connection connection, String sku, long rowNumber) throws SQLException {
        try (PreparedStatement payload = Database.prepareForBytes(connection, PAYLOAD);
                PreparedStatement parts = Database.prepareForBytes(connection, PARTS)) {
            for (PreparedStatement statement : List.of(payload, parts)) {
                statement.setString(1, sku);
                statement.setLong(2, rowNumber);
            }
            Map<Long, long[]> found = new LinkedHashMap<>();
            try (ResultSet part = parts.executeQuery()) {
                while (part.next()) {
                    found.put(part.getLong(1), words(ByteBuffer.wrap(part.getBytes(2))));
                }
            }
            // A snapshot that is still there has had its parts.
            try (ResultSet row = payload.executeQuery()) {
                return row.next() ? Optional.of(new StoredSnapshot(row.getBytes(1), found)) : Optional.empty();
            }
        }
    }

    /** @throws IllegalArgumentException where it can't be read */
    Snapshot read() {
        StockSnapshot stock = JournalSerializer.snapshot(payload);
        AppliedIds ids = stock.getAppliedIds();
        List<long[]> olderIds = new ArrayList<>();
        for (ByteString inside : ids.getOlderList()) {
            olderIds.add(words(inside.asReadOnlyByteBuffer()));
        }
        for (long name : ids.getOlderPartsList()) {
            olderIds.add(part(name));
        }
        List<long[]> newestIds = new ArrayList<>();
        for (NewestIds newest : ids.getNewestList()) {
            newestIds.add(newest.hasPart() ? part(newest.getPart()) : words(newest.getWords().asReadOnlyByteBuffer()));
        }
        if (ids.hasForgottenBeforeParts() || ids.hasForgottenBeforeAllParts()) {
            stock = stock.toBuilder().setAppliedIds(ids.toBuilder().setForgotten(ids.hasForgottenBeforeAllParts()
                    ? ids.getForgottenBeforeAllParts() : ids.getForgottenBeforeParts())).build();
        }
        return new Snapshot(stock, olderIds, newestIds);
    }

    private long[] part(long name) {
        long[] part = parts.get(name);
        if (part == null || name(part) != name) {
            throw new IllegalArgumentException("a snapshot is damaged: a part of its ids is " + (part == null ? "missing" : "not what was written"));
        }
        return part;
    }

    /** Words as they are stored. */
    static byte[] bytes(long[] words) {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES * words.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asLongBuffer().put(words);
        return bytes.array();
    }

    static long[] words(ByteBuffer bytes) {
        long[] words = new long[bytes.remaining() / Long.BYTES];
        bytes.order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(words);
        return words;
    }

    /** Chunk by chunk: most parts are stored already, and are not put into bytes for it. */
    private static long name(long[] part) {
        CRC32 one = new CRC32();
        CRC32C other = new CRC32C();
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int begin = 0; begin < part.length; begin += CHUNK_BYTES / Long.BYTES) {
            int words = Math.min(part.length - begin, CHUNK_BYTES / Long.BYTES);
            chunk.asLongBuffer().put(part, begin, words);
            one.update(chunk.array(), 0, words * Long.BYTES);
            other.update(chunk.array(), 0, words * Long.BYTES);
        }
        return one.getValue() << 32 | other.getValue();
    }
}
