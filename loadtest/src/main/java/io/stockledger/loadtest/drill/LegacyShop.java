package io.stockledger.loadtest.drill;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Collection;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * A small shop as many are, on a real PostgreSQL: one count in the warehouse, and a copy of it for each channel that a
 * job makes every quarter of an hour. Each channel sells from its copy, and never more than that says; nothing here is
 * made to fail.
 */
final class LegacyShop implements AutoCloseable {
    private final Connection connection;
    private final PreparedStatement sell;
    private final PreparedStatement move;
    private final PreparedStatement copy;

    LegacyShop(String jdbc, String schema, Collection<String> skus, Collection<String> channels, long opening) throws SQLException {
        connection = DriverManager.getConnection(jdbc);
        try (Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS " + schema + " CASCADE");
            statement.execute("CREATE SCHEMA " + schema);
            statement.execute("SET search_path = " + schema);
            // The drill measures no disk.
            statement.execute("SET synchronous_commit = off");
            statement.execute("CREATE TABLE warehouse (sku text PRIMARY KEY, quantity bigint NOT NULL)");
            statement.execute("CREATE TABLE channel_stock (channel text, sku text, copied bigint NOT NULL, sold bigint NOT NULL DEFAULT 0,"
                    + " PRIMARY KEY (channel, sku))");
        }
        try (PreparedStatement stock = connection.prepareStatement("INSERT INTO warehouse VALUES (?, ?)")) {
            for (String sku : skus) {
                stock.setString(1, sku);
                stock.setLong(2, opening);
                stock.addBatch();
            }
            stock.executeBatch();
        }
        try (PreparedStatement copies = connection.prepareStatement("INSERT INTO channel_stock SELECT ?, sku, quantity FROM warehouse")) {
            for (String channel : channels) {
                copies.setString(1, channel);
                copies.executeUpdate();
            }
        }
        sell = connection.prepareStatement("WITH confirmed AS (UPDATE channel_stock SET sold = sold + ? WHERE channel = ? AND sku = ?"
                + " AND copied - sold >= ? RETURNING sku) UPDATE warehouse SET quantity = quantity - ? FROM confirmed"
                + " WHERE warehouse.sku = confirmed.sku RETURNING quantity");
        move = connection.prepareStatement("UPDATE warehouse SET quantity = quantity + ? WHERE sku = ?");
        copy = connection.prepareStatement("UPDATE channel_stock c SET copied = w.quantity, sold = 0 FROM warehouse w"
                + " WHERE w.sku = c.sku AND (c.copied <> w.quantity OR c.sold <> 0)");
    }

    /** Sells from the channel's copy: what is left in the warehouse then, below zero too; empty where the copy says no. */
    OptionalLong sell(String channel, String sku, long quantity) throws SQLException {
        sell.setLong(1, quantity);
        sell.setString(2, channel);
        sell.setString(3, sku);
        sell.setLong(4, quantity);
        sell.setLong(5, quantity);
        try (ResultSet left = sell.executeQuery()) {
            return left.next() ? OptionalLong.of(left.getLong(1)) : OptionalLong.empty();
        }
    }

    /** Units that came in, or left by another's decision. */
    void move(String sku, long quantity) throws SQLException {
        move.setLong(1, quantity);
        move.setString(2, sku);
        move.executeUpdate();
    }

    /** The cron job. */
    void copy() throws SQLException {
        copy.executeUpdate();
    }

    Map<String, Long> warehouse() throws SQLException {
        Map<String, Long> stock = new TreeMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT sku, quantity FROM warehouse")) {
            while (rows.next()) {
                stock.put(rows.getString(1), rows.getLong(2));
            }
        }
        return stock;
    }

    @Override
    public void close() throws SQLException {
        connection.close();
    }
}
