package io.stockledger.server.journal;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationVersion;
import org.flywaydb.core.api.exception.FlywayValidateException;

/**
 * Brings a database to the schema that this program works with, by the migrations in
 * {@code db/migration}, or refuses it untouched: one that holds somebody else's tables, or one that
 * a newer program has been at.
 */
public final class Schema {
    private static final String HISTORY = "schema_history";

    private Schema() {
    }

    /** Migrates; a no-op where the database is up to date. */
    public static void migrate(Database database) {
        Database.Address address = database.address();
        try (Connection connection = database.connect()) {
            if (!holdsALedger(connection)) {
                refuseForeignTables(connection, address);
            }
        } catch (SQLException e) {
            throw new StartupException("The database at " + address + " can't be looked at: " + Database.firstLine(e), e);
        }
        Flyway flyway = Flyway.configure()
                .dataSource(address.jdbcUrl(), emptyAsNull(address.user()), emptyAsNull(address.password()))
                .schemas(Database.SCHEMA)
                .defaultSchema(Database.SCHEMA)
                .createSchemas(true)
                .table(HISTORY)
                .cleanDisabled(true)
                .locations("classpath:db/migration")
                .load();
        try {
            refuseNewer(flyway, address);
            flyway.migrate();
        } catch (FlywayValidateException e) {
            throw new StartupException("The schema at " + address + " is not one that this program's migrations make: "
                    + "it was changed by hand, or by a build that was never released.", e);
        } catch (FlywayException e) {
            throw new StartupException("The database at " + address + " can't be brought to the ledger's schema: "
                    + rootMessage(e), e);
        }
    }

    private static void refuseNewer(Flyway flyway, Database.Address address) {
        // Without a version: Flyway's own note that it made the schema.
        MigrationVersion known = Arrays.stream(flyway.info().all())
                .filter(info -> info.getVersion() != null && !info.getState().name().startsWith("FUTURE"))
                .map(MigrationInfo::getVersion).max(MigrationVersion::compareTo).orElse(MigrationVersion.EMPTY);
        MigrationInfo current = flyway.info().current();
        if (current != null && current.getVersion() != null && current.getVersion().compareTo(known) > 0) {
            throw new StartupException("The ledger at " + address + " has schema version " + current.getVersion()
                    + ", this program knows versions up to " + known + ": start the newer release.");
        }
    }

    private static boolean holdsALedger(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT to_regclass('" + Database.SCHEMA + "." + HISTORY + "') IS NOT NULL")) {
            row.next();
            return row.getBoolean(1);
        }
    }

    private static void refuseForeignTables(Connection connection, Database.Address address) throws SQLException {
        // What belongs to an extension is the server's furniture, not somebody's data.
        String query = """
                SELECT n.nspname || '.' || c.relname
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
                  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
                  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
                ORDER BY 1 LIMIT 4""";
        List<String> tables = new ArrayList<>();
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(query)) {
            while (rows.next()) {
                tables.add(rows.getString(1));
            }
        }
        if (!tables.isEmpty()) {
            String named = String.join(", ", tables.subList(0, Math.min(3, tables.size()))) + (tables.size() > 3 ? ", ..." : "");
            throw new StartupException("The database at " + address + " is not a ledger's: it holds " + named
                    + ". Create an empty database for the ledger, best on a PostgreSQL of its own.");
        }
    }

    private static String rootMessage(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse("no reason given").strip();
    }

    private static String emptyAsNull(String text) {
        return text.isEmpty() ? null : text;
    }
}
