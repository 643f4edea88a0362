package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class SchemaTest {
    @Test
    void entriesCanNeitherBeChangedNorDeletedByTheLedgersRole() throws Exception {
        try (Database database = TestPostgresql.database(); Connection connection = database.connect(); Statement statement = connection.createStatement()) {
            new TestJournalWriter().write(database, "A", TestJournalWriter.receipts(1, "main"));
            for (String attempt : new String[] {"UPDATE event_journal SET writer = 'x'", "DELETE FROM event_journal", "TRUNCATE event_journal"}) {
                SQLException refused = assertThrows(SQLException.class, () -> statement.execute(attempt));
                assertEquals("42501", refused.getSQLState(), attempt);
            }
        }
    }

    @Test
    void entriesCanNeitherBeChangedNorDeletedBySuperuserByMistake() throws Exception {
        try (Database database = TestPostgresql.database()) {
            new TestJournalWriter().write(database, "A", TestJournalWriter.receipts(1, "main"));
            String name = database.address().url().replaceFirst(".*/", "");
            try (Connection connection = TestPostgresql.superuser(name); Statement statement = connection.createStatement()) {
                for (String attempt : new String[] {"UPDATE stockledger.event_journal SET writer = 'x'",
                        "DELETE FROM stockledger.event_journal", "TRUNCATE stockledger.event_journal"}) {
                    SQLException refused = assertThrows(SQLException.class, () -> statement.execute(attempt));
                    assertTrue(refused.getMessage().contains("append-only"), refused.getMessage());
                }
            }
        }
    }

    @Test
    void noTwoRowsClaimTheSameEntries() throws Exception {
        try (Database database = TestPostgresql.database()) {
            new TestJournalWriter().write(database, "A", TestJournalWriter.receipts(1, "main"));
            SQLException refused = assertThrows(SQLException.class,
                    () -> new TestJournalWriter().write(database, "A", TestJournalWriter.receipts(1, "main")));
            assertEquals("23505", refused.getSQLState());
        }
    }

    @Test
    void sessionsOfTheLedgerMayNotSitInATransaction() throws Exception {
        try (Database database = TestPostgresql.database(); Connection connection = database.connect(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT setting, source FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'")) {
            row.next();
            assertEquals("10000", row.getString(1));
            assertEquals("database user", row.getString(2));
        }
    }

    @Test
    void migratingAgainChangesNothing() throws Exception {
        try (Database database = TestPostgresql.database()) {
            LedgerIdentity before = LedgerIdentity.read(database);
            Schema.migrate(database);
            assertEquals(before, LedgerIdentity.read(database));
        }
    }

    @Test
    void databaseThatHoldsSomebodyElsesTablesIsRefusedUntouched() throws Exception {
        Database.Address address = TestPostgresql.emptyDatabase();
        try (Connection connection = DriverManager.getConnection(address.url(), address.user(), address.password());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE SCHEMA shop");
            statement.execute("CREATE TABLE shop.orders (id int)");
            try (Database database = Database.open(address, TestPostgresql.JOURNAL)) {
                StartupException refused = assertThrows(StartupException.class, () -> Schema.migrate(database));
                assertTrue(refused.getMessage().contains("not a ledger's") && refused.getMessage().contains("shop.orders"), refused.getMessage());
                assertEquals(1, refused.getMessage().lines().count());
            }
            try (ResultSet row = statement.executeQuery("SELECT count(*) FROM pg_namespace WHERE nspname = 'stockledger'")) {
                row.next();
                assertEquals(0, row.getInt(1));
            }
        }
    }

    @Test
    void databaseOfNewerProgramIsRefused() throws Exception {
        try (Database database = TestPostgresql.database()) {
            try (Connection connection = database.connect(); Statement statement = connection.createStatement()) {
                statement.execute("INSERT INTO schema_history SELECT installed_rank + 100, '999', 'later', type, 'V999__later.sql', checksum,"
                        + " installed_by, installed_on, execution_time, success FROM schema_history WHERE version = '1'");
            }
            StartupException refused = assertThrows(StartupException.class, () -> Schema.migrate(database));
            assertTrue(refused.getMessage().contains("version 999"), refused.getMessage());
        }
    }

    @Test
    void wrongPasswordAndUnreachableServerAreOneClearLine() {
        Database.Address right = TestPostgresql.emptyDatabase();
        for (Database.Address wrong : new Database.Address[] {
                new Database.Address(right.url(), right.user(), "guess"),
                new Database.Address("jdbc:postgresql://127.0.0.1:1/none", "nobody", "guess"),
                new Database.Address(right.url() + "missing", right.user(), right.password())}) {
            StartupException refused = assertThrows(StartupException.class, () -> Database.open(wrong, TestPostgresql.JOURNAL));
            assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
            assertFalse(refused.getMessage().contains("guess"), refused.getMessage());
        }
    }

    @Test
    void addressIsTakenInBothForms() {
        Database.Address address = Database.Address.parse("postgresql://shop:p%40ss@db.example:6432/ledger?sslmode=require");
        assertEquals("jdbc:postgresql://db.example:6432/ledger?sslmode=require", address.url());
        assertEquals("shop", address.user());
        assertEquals("p@ss", address.password());
        assertEquals("jdbc:postgresql://db.example/ledger", Database.Address.parse("jdbc:postgresql://db.example/ledger").url());
        assertFalse(Database.Address.parse("jdbc:postgresql://db/ledger?user=a&password=secret").toString().contains("secret"));
        assertThrows(StartupException.class, () -> Database.Address.parse("mysql://db/ledger"));
    }

    @Test
    void pluginsColumnsAreAllThereWithItsTypes() throws Exception {
        String script;
        try (InputStream in = akka.persistence.jdbc.journal.JdbcAsyncWriteJournal.class.getResourceAsStream("/schema/postgres/postgres-create-schema.sql")) {
            script = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        try (Database database = TestPostgresql.database(); Connection connection = database.connect()) {
            for (String table : new String[] {"event_journal", "snapshot"}) {
                Map<String, String> wanted = columnsInScript(script, table);
                assertTrue(wanted.size() >= 9, "the script's " + table + " was not understood: " + wanted);
                Map<String, String> ours = columnsInDatabase(connection, table);
                for (Map.Entry<String, String> column : wanted.entrySet()) {
                    String type = column.getKey().equals("persistence_id") ? "text not null" : column.getValue();
                    assertEquals(type, ours.get(column.getKey()), table + "." + column.getKey());
                }
            }
        }
    }

    private static Map<String, String> columnsInScript(String script, String table) {
        Matcher body = Pattern.compile("CREATE TABLE IF NOT EXISTS public\\." + table + "\\s*\\((.*?)\\);", Pattern.DOTALL).matcher(script);
        assertTrue(body.find(), table);
        Map<String, String> columns = new LinkedHashMap<>();
        for (String line : body.group(1).split("\n")) {
            Matcher column = Pattern.compile("\\s*([a-z_]+)\\s+([A-Z]+)(\\(\\d+\\))?(.*?),?\\s*").matcher(line);
            if (column.matches()) {
                String type = switch (column.group(2)) {
                    case "BIGSERIAL" -> "bigint";
                    case "VARCHAR" -> "character varying";
                    default -> column.group(2).toLowerCase(Locale.ROOT);
                };
                boolean notNull = column.group(4).contains("NOT NULL") || column.group(2).equals("BIGSERIAL");
                columns.put(column.group(1), type + (notNull ? " not null" : ""));
            }
        }
        return columns;
    }

    private static Map<String, String> columnsInDatabase(Connection connection, String table) throws SQLException {
        Map<String, String> columns = new LinkedHashMap<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT column_name, data_type, is_nullable FROM information_schema.columns"
                        + " WHERE table_schema = 'stockledger' AND table_name = '" + table + "'")) {
            while (rows.next()) {
                columns.put(rows.getString(1), rows.getString(2) + (rows.getString(3).equals("NO") ? " not null" : ""));
            }
        }
        return columns;
    }
}
