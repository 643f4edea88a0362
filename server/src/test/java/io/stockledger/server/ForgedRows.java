package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.domain.Entry;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.GroupRow;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** A hand in the database that knows how rows are made: what it writes is chained as the ledger's own. */
final class ForgedRows {
    private ForgedRows() {}

    /** As a superuser who means it: the journal's triggers are off. */
    static void tamper(RunningLedger ledger, String... statements) throws SQLException {
        try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("SET LOCAL session_replication_role = replica");
            for (String sql : statements) {
                assertTrue(statement.executeUpdate(sql) > 0, sql);
            }
            connection.commit();
        }
    }

    /** Writes the SKU's history anew, each entry as {@code forgery} makes it. */
    static void rewrite(RunningLedger ledger, String sku, UnaryOperator<Entry> forgery) throws SQLException {
        TreeMap<Long, GroupRow> rows = new TreeMap<>();
        try (Connection connection = ledger.superuser()) {
            connection.setAutoCommit(false);
            try (PreparedStatement select = connection.prepareStatement(
                    "SELECT sequence_number, event_payload FROM event_journal WHERE persistence_id = ?")) {
                select.setString(1, sku);
                try (ResultSet found = select.executeQuery()) {
                    while (found.next()) {
                        rows.put(found.getLong(1), GroupRow.of(found.getBytes(2)));
                    }
                }
            }
            try (Statement statement = connection.createStatement(); PreparedStatement update = connection.prepareStatement(
                    "UPDATE event_journal SET event_payload = ? WHERE persistence_id = ? AND sequence_number = ?")) {
                statement.execute("SET LOCAL session_replication_role = replica");
                byte[] digest = GroupRow.noDigest();
                for (var row : rows.entrySet()) {
                    GroupRow.Builder forged = new GroupRow.Builder();
                    row.getValue().entries().forEach(entry -> forged.add(forgery.apply(EntryCodec.toDomain(entry))));
                    GroupRow built = forged.build(digest, row.getValue().nextDueMs(), row.getValue().announcedDueMs(), row.getValue().locationCount());
                    digest = built.digest();
                    update.setBytes(1, built.bytes());
                    update.setString(2, sku);
                    update.setLong(3, row.getKey());
                    update.executeUpdate();
                }
            }
            connection.commit();
        }
    }
}
