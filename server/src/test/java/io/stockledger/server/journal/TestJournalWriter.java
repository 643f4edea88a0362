package io.stockledger.server.journal;

import com.google.protobuf.Timestamp;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.LocationBalance;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Writes journal rows as the ledger does, without its entities. One thread at a time. */
public final class TestJournalWriter {
    private static final String INSERT = "INSERT INTO event_journal (persistence_id, sequence_number, writer, write_timestamp,"
            + " event_ser_id, event_ser_manifest, event_payload, first_sequence, announced_due, row_bytes)"
            + " VALUES (?, ?, 'test', ?, 534731, ?, ?, ?, ?, ?)";

    private static final class Sku {
        long rows;
        long sequence;
        byte[] digest = GroupRow.noDigest();
        final Set<String> locations = new HashSet<>();
    }

    private final Map<String, Sku> skus = new HashMap<>();

    /** A group of so many entries, one unit received by each. */
    public static List<Entry.Builder> receipts(int count, String location) {
        List<Entry.Builder> entries = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            entries.add(entry(EntryKind.ENTRY_KIND_RECEIVE, location, "web"));
        }
        return entries;
    }

    public static Entry.Builder entry(EntryKind kind, String location, String channel) {
        return Entry.newBuilder().setKind(kind).setLocation(location).setChannel(channel);
    }

    /** One row; the entries' sku, sequence and balances (available = sequence) are filled in. */
    public void write(Connection connection, String sku, List<Entry.Builder> entries, long nextDueMs, long announcedDueMs) throws SQLException {
        Sku state = skus.computeIfAbsent(sku, name -> new Sku());
        GroupRow.Builder group = new GroupRow.Builder();
        for (Entry.Builder entry : entries) {
            state.sequence++;
            state.locations.add(entry.getLocation());
            group.add(EntryCodec.toDomain(entry.setSku(sku).setSequence(state.sequence)
                    .setMutationId(sku + "-" + state.sequence)
                    .setRecordedAt(Timestamp.newBuilder().setSeconds(state.sequence))
                    .addBalances(LocationBalance.newBuilder().setLocation(entry.getLocation()).setAvailable(state.sequence))
                    .build()));
        }
        GroupRow row = group.build(state.digest, nextDueMs, announcedDueMs, state.locations.size());
        state.digest = row.digest();
        try (PreparedStatement statement = connection.prepareStatement(INSERT)) {
            statement.setString(1, sku);
            statement.setLong(2, ++state.rows);
            statement.setLong(3, System.currentTimeMillis());
            byte[] payload = RowPacking.packed(row);
            statement.setString(4, RowPacking.layout(payload));
            statement.setBytes(5, payload);
            statement.setLong(6, row.firstSequence());
            statement.setLong(7, announcedDueMs);
            statement.setObject(8, RowPacking.isPacked(payload) ? row.bytes().length : null, Types.INTEGER);
            statement.executeUpdate();
        }
    }

    public void write(Connection connection, String sku, List<Entry.Builder> entries) throws SQLException {
        write(connection, sku, entries, 0, 0);
    }

    /** One row in a transaction of its own. */
    public void write(Database database, String sku, List<Entry.Builder> entries) throws SQLException {
        try (Connection connection = database.reads().getConnection()) {
            write(connection, sku, entries);
        }
    }

    public long sequence(String sku) {
        Sku state = skus.get(sku);
        return state == null ? 0 : state.sequence;
    }
}
