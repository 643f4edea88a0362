package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import com.zaxxer.hikari.HikariDataSource;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.TestPostgresql;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The store's host dies, and says nothing of it: connections stay open and no answer comes. */
class StoreSilentTest {
    @Test
    void nobodyWaitsForEverForAStoreThatSaysNothing() throws Exception {
        Database.Address direct = TestPostgresql.emptyDatabase();
        try (HoldingProxy network = HoldingProxy.before(direct);
                Database database = Database.open(network.addressOf(direct),
                        ConfigFactory.parseString("silence-max = 1 s").withFallback(TestPostgresql.JOURNAL));
                HikariDataSource listings = database.readOnlyPool("listings", 1, Duration.ofSeconds(5), Duration.ofSeconds(1));
                Connection read = database.reads().getConnection();
                Connection listing = listings.getConnection();
                Connection own = database.connect();
                Connection ofALease = database.connect(Duration.ofSeconds(5))) {
            List<Connection> all = List.of(read, listing, own, ofALease);
            for (Connection connection : all) {
                look(connection);
            }
            network.hold();
            try {
                for (Connection connection : all) {
                    SQLException given = assertTimeoutPreemptively(RunningLedger.BOUND,
                            () -> assertThrows(SQLException.class, () -> look(connection)));
                    assertEquals("08006", given.getSQLState());
                }
            } finally {
                // Who still waits for an answer would not let go of his connection.
                network.release();
            }
        }
    }

    @Test
    void theJournalsConnectionsDoNotEitherWhateverOptionsTheOperatorGives() throws Exception {
        Database.Address plain = TestPostgresql.emptyDatabase();
        Database.Address withOptions = new Database.Address(plain.url() + "?options=-c%20work_mem%3D8MB", plain.user(), plain.password());
        for (Database.Address address : List.of(plain, withOptions)) {
            try (Connection connection = DriverManager.getConnection(address.pluginUrl(Duration.ofMillis(250)), address.user(), address.password())) {
                assertEquals(20_000, connection.getNetworkTimeout());
                // Well before, the store gives up by itself, unless the operator says otherwise.
                assertEquals(address == plain ? "15s" : "0", show(connection, "statement_timeout"));
                assertEquals(address == plain ? "250ms" : "0", show(connection, "lock_timeout"));
                assertTrue(show(connection, "work_mem").equals("8MB") || address == plain);
            }
        }
    }

    private static void look(Connection connection) throws SQLException {
        show(connection, "server_version");
    }

    private static String show(Connection connection, String setting) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery("SHOW " + setting)) {
            row.next();
            return row.getString(1);
        }
    }
}
