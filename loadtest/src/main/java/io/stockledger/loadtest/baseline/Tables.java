package io.stockledger.loadtest.baseline;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.stockledger.loadtest.engine.Ground;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** Tables and connections for the baselines in SQL: in a schema of their own, in the ledger's own database. */
final class Tables {
    /** PostgreSQL takes 100 connections by default, and the ledger has its own; callers beyond wait for one, as in a shop. */
    private static final int CONNECTIONS_MAX = 64;

    private Tables() {}

    /** Makes the schema and runs the statements in it; dropped at the workload's end. */
    static void make(Ground ground, String schema, String... statements) throws SQLException {
        String jdbc = ground.jdbc();
        try (Connection connection = DriverManager.getConnection(jdbc); Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS " + schema + " CASCADE");
            statement.execute("CREATE SCHEMA " + schema);
            statement.execute("SET search_path = " + schema);
            for (String each : statements) {
                statement.execute(each);
            }
        }
        ground.keep(() -> {
            try (Connection connection = DriverManager.getConnection(jdbc); Statement statement = connection.createStatement()) {
                statement.execute("DROP SCHEMA " + schema + " CASCADE");
            }
        });
    }

    /** Connections for so many callers. */
    static HikariDataSource pool(Ground ground, int callers) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(ground.jdbc());
        config.setMaximumPoolSize(connections(callers));
        // Statements are prepared on the server from the first use on.
        config.addDataSourceProperty("prepareThreshold", "1");
        config.setConnectionTimeout(60_000);
        return ground.keep(new HikariDataSource(config));
    }

    static int connections(int callers) {
        return Math.min(callers, CONNECTIONS_MAX);
    }

    static String note(int callers) {
        return "over " + connections(callers) + " pooled connections, prepared";
    }
}
