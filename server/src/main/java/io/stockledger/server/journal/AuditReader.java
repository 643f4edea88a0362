package io.stockledger.server.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What only an audit reads: which SKUs have left anything in the store, and their snapshots as they lie there. */
public final class AuditReader {
    private final Database database;

    public AuditReader(Database database) {
        this.database = database;
    }

    /**
     * A page of SKUs after this one, in the order of their bytes, one index look-up each; "" begins. One whose rows are
     * all gone is among them while it has a snapshot.
     */
    public List<String> skusAfter(String sku, int limit) throws SQLException {
        String next = "least((SELECT j.persistence_id FROM event_journal j WHERE j.persistence_id > %1$s ORDER BY j.persistence_id LIMIT 1),"
                + " (SELECT s.persistence_id FROM snapshot s WHERE s.persistence_id > %1$s ORDER BY s.persistence_id LIMIT 1))";
        String query = "WITH RECURSIVE walk(sku) AS (SELECT " + next.formatted("?")
                + " UNION ALL SELECT " + next.formatted("walk.sku") + " FROM walk WHERE walk.sku IS NOT NULL"
                + ") SELECT sku FROM walk WHERE sku IS NOT NULL LIMIT " + limit;
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, sku);
            statement.setString(2, sku);
            List<String> skus = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    skus.add(rows.getString(1));
                }
            }
            return skus;
        }
    }

    /** The numbers of the rows after which snapshots were made, oldest first, of those SKUs that have some. */
    public Map<String, List<Long>> snapshotRows(List<String> skus) throws SQLException {
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(
                "SELECT s.persistence_id, s.sequence_number FROM snapshot s WHERE s.persistence_id = ANY(?) ORDER BY s.persistence_id, s.sequence_number")) {
            statement.setArray(1, connection.createArrayOf("text", skus.toArray()));
            Map<String, List<Long>> numbers = new HashMap<>();
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    numbers.computeIfAbsent(rows.getString(1), sku -> new ArrayList<>()).add(rows.getLong(2));
                }
            }
            return numbers;
        }
    }

    /**
     * A snapshot; empty where a newer one has taken its place meanwhile.
     *
     * @throws IllegalArgumentException where it can't be read
     */
    public Optional<Snapshot> snapshot(String sku, long rowNumber) throws SQLException {
        try (Connection connection = database.reads().getConnection()) {
            return StoredSnapshot.find(connection, sku, rowNumber).map(StoredSnapshot::read);
        }
    }
}
