package io.stockledger.server.journal;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.stockledger.server.domain.IdsPart;
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

/**
 * A snapshot as it is stored: its message, and beside it the parts that it holds, which others of its SKU may hold too.
 *
 * @param parts by {@link PartNames name}; their words are stored little-endian; more than it holds, where it was read
 */
record StoredSnapshot(byte[] payload, Map<Long, IdsPart> parts) {
    private static final String PAYLOAD = "SELECT snapshot_payload FROM snapshot WHERE persistence_id = ? AND sequence_number = ?";
    private static final String PARTS = "SELECT part, payload FROM snapshot_part WHERE persistence_id = ? AND newest_snapshot >= ?";

    /** To be stored. */
    static StoredSnapshot of(Snapshot snapshot, PartNames names) {
        Map<Long, IdsPart> parts = new LinkedHashMap<>();
        AppliedIds.Builder ids = snapshot.stock().getAppliedIds().toBuilder();
        for (IdsPart part : snapshot.olderIds()) {
            ids.addOlderParts(named(part, names, parts));
        }
        int last = ids.getNewestCount() - 1;
        for (int i = 0; i < last; i++) {
            ids.getNewestBuilder(i).setPart(named(snapshot.newestIds().get(i), names, parts));
        }
        if (last >= 0) {
            // The only one that others of the SKU will not hold as it is.
            ids.getNewestBuilder(last).setWords(UnsafeByteOperations.unsafeWrap(bytes(snapshot.newestIds().get(last).words())));
        }
        if (!parts.isEmpty()) {
            ids.setForgottenBeforeAllParts(ids.getForgotten()).clearForgotten();
        }
        return new StoredSnapshot(JournalSerializer.snapshotBytes(snapshot.stock().toBuilder().setAppliedIds(ids).build()), parts);
    }

    private static long named(IdsPart part, PartNames names, Map<Long, IdsPart> parts) {
        long name = names.of(part);
        parts.put(name, part);
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
            Map<Long, IdsPart> found = new LinkedHashMap<>();
            try (ResultSet part = parts.executeQuery()) {
                while (part.next()) {
                    found.put(part.getLong(1), IdsPart.of(words(ByteBuffer.wrap(part.getBytes(2)))));
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
        List<IdsPart> olderIds = new ArrayList<>();
        for (ByteString inside : ids.getOlderList()) {
            olderIds.add(IdsPart.of(words(inside.asReadOnlyByteBuffer())));
        }
        for (long name : ids.getOlderPartsList()) {
            olderIds.add(part(name));
        }
        List<IdsPart> newestIds = new ArrayList<>();
        for (NewestIds newest : ids.getNewestList()) {
            newestIds.add(newest.hasPart() ? part(newest.getPart()) : IdsPart.of(words(newest.getWords().asReadOnlyByteBuffer())));
        }
        AppliedIds.Builder bounds = ids.toBuilder().clearOlder().clearOlderParts();
        if (ids.hasForgottenBeforeAllParts()) {
            bounds.setForgotten(ids.getForgottenBeforeAllParts()).clearForgottenBeforeAllParts();
        } else if (ids.hasForgottenBeforeParts()) {
            bounds.setForgotten(ids.getForgottenBeforeParts()).clearForgottenBeforeParts();
        }
        return new Snapshot(stock.toBuilder().setAppliedIds(bounds).build(), olderIds, newestIds);
    }

    private IdsPart part(long name) {
        IdsPart part = parts.get(name);
        if (part == null || PartNames.name(part) != name) {
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
}
