package io.stockledger.server.projection;

import io.stockledger.server.journal.Database;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The role whose members may read the projection's views and do nothing else, not even make temporary tables. Roles
 * belong to the whole PostgreSQL, which may be the user's: where we may not make one, the operator does, and the next
 * start gives it its rights.
 */
final class ReaderRole {
    private static final String NAME = Database.READER_ROLE;
    private static final Logger LOG = LoggerFactory.getLogger(ReaderRole.class);
    private static final String VIEWS = "projection.stock, projection.reservations, projection.daily_movements, projection.freshness";

    private ReaderRole() {}

    /** The ledger serves also where this fails: another node may be at it this moment. */
    static void grant(Database database) {
        try (Connection connection = database.reads().getConnection(); Statement statement = connection.createStatement()) {
            if (!is(statement, "EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '" + NAME + "')")) {
                if (!is(statement, "(SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = current_user)")) {
                    LOG.info("There is no role {}, and the ledger's may not make it. For SQL of the projection: CREATE ROLE {} NOLOGIN,"
                            + " and start the ledger again", NAME, NAME);
                    return;
                }
                // Another database's ledger may be making it this moment.
                statement.execute("DO $$ BEGIN CREATE ROLE " + NAME + " NOLOGIN;"
                        + " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
            }
            if (!is(statement, "has_schema_privilege('" + NAME + "', 'projection', 'USAGE')"
                    + " AND has_table_privilege('" + NAME + "', 'projection.freshness', 'SELECT')")) {
                statement.execute("GRANT USAGE ON SCHEMA projection TO " + NAME + "; GRANT SELECT ON " + VIEWS + " TO " + NAME);
            }
            // A report's temporary table would make its transaction one that writes, and hold the feed back while it is open.
            if (is(statement, "has_database_privilege('" + NAME + "', current_database(), 'TEMPORARY')")) {
                statement.execute("DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$");
            }
        } catch (SQLException e) {
            LOG.warn("The role {} could not be given its rights on the projection: {}", NAME, e.getMessage());
        }
    }

    private static boolean is(Statement statement, String condition) throws SQLException {
        try (ResultSet row = statement.executeQuery("SELECT " + condition)) {
            row.next();
            return row.getBoolean(1);
        }
    }
}
