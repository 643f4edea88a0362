package io.stockledger.server.journal;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;

/**
 * Which ledger this is, and which epoch of its feed. Transaction ids start again in a database that
 * was restored from a dump; raising the epoch then tells every cursor from before the restore.
 */
public record LedgerIdentity(UUID ledgerId, int feedEpoch) {
    public static LedgerIdentity read(Database database) throws SQLException {
        try (Connection connection = database.reads().getConnection()) {
            return query(connection, "SELECT ledger_id, feed_epoch FROM ledger_identity");
        }
    }

    /** To be called once after a logical restore, before the server starts. */
    public static LedgerIdentity raiseEpoch(Database database) throws SQLException {
        try (Connection connection = database.reads().getConnection()) {
            return query(connection, "UPDATE ledger_identity SET feed_epoch = feed_epoch + 1 RETURNING ledger_id, feed_epoch");
        }
    }

    private static LedgerIdentity query(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(query)) {
            if (!row.next()) {
                throw new SQLException("ledger_identity has no row");
            }
            return new LedgerIdentity(row.getObject(1, UUID.class), row.getInt(2));
        }
    }
}
