package io.stockledger.loadtest.drill;

import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Entry;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.UnaryOperator;

/** Somebody with a superuser's password, who turns the journal's triggers off and changes what lies there. */
final class Vandal implements AutoCloseable {
    private final Connection connection;

    Vandal(ServerProcess server) throws SQLException {
        connection = DriverManager.getConnection(server.jdbc().replace("user=stockledger", "user=postgres") + "&currentSchema=stockledger");
        try (Statement statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica");
        }
    }

    /** Changes something, which must be there. */
    void change(String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepared(sql, parameters)) {
            if (statement.executeUpdate() == 0) {
                throw new SQLException("nothing to change for " + sql);
            }
        }
    }

    long look(String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = prepared(sql, parameters); ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getLong(1);
        }
    }

    /** Writes a SKU's history anew, each entry as the forgery makes it, with a chain as right as the ledger's. */
    void rewrite(String sku, UnaryOperator<Entry> forgery) throws Exception {
        byte[] digest = StoredRow.noDigest();
        long rows = look("SELECT max(sequence_number) FROM event_journal WHERE persistence_id = ?", sku);
        for (long row = 1; row <= rows; row++) {
            byte[] forged;
            try (PreparedStatement select = prepared("SELECT event_payload FROM event_journal WHERE persistence_id = ? AND sequence_number = ?", sku, row);
                    ResultSet found = select.executeQuery()) {
                found.next();
                forged = StoredRow.forged(found.getBytes(1), digest, forgery);
            }
            change("UPDATE event_journal SET event_payload = ? WHERE persistence_id = ? AND sequence_number = ?", forged, sku, row);
            digest = StoredRow.digest(forged);
        }
    }

    private PreparedStatement prepared(String sql, Object... parameters) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
        return statement;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
