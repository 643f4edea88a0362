package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EmbeddedPostgresqlTest {
    private Path path;
    private DataFolder folder;

    @BeforeEach
    void open() throws Exception {
        path = Files.createTempDirectory("stockledger-embedded-");
        folder = DataFolder.open(path);
    }

    @AfterEach
    void delete() {
        folder.close();
        TestPostgresql.delete(path);
    }

    @Test
    void answersMeanOnDiskAndOnlyThisMachineIsServed() throws Exception {
        try (EmbeddedPostgresql postgresql = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL)) {
            assertEquals("on", show(postgresql, "fsync"));
            assertEquals("on", show(postgresql, "synchronous_commit"));
            assertEquals("on", show(postgresql, "full_page_writes"));
            assertEquals("127.0.0.1", show(postgresql, "listen_addresses"));
            assertEquals("10s", show(postgresql, "idle_in_transaction_session_timeout"));
            assertEquals("off", query(postgresql, "SELECT CASE WHEN rolsuper THEN 'on' ELSE 'off' END FROM pg_roles WHERE rolname = current_user"));
            SQLException refused = assertThrows(SQLException.class,
                    () -> DriverManager.getConnection(postgresql.address().url(), "postgres", "guess"));
            assertEquals("28P01", refused.getSQLState());
        }
    }

    @Test
    void secondServerOnTheSameFolderIsRefused() {
        StartupException refused = assertThrows(StartupException.class, () -> DataFolder.open(path));
        assertTrue(refused.getMessage().startsWith("Another ledger is running on"), refused.getMessage());
    }

    @Test
    void folderThatIsAFileIsRefusedInOneLine() throws Exception {
        Path file = Files.createFile(path.resolve("file"));
        StartupException refused = assertThrows(StartupException.class, () -> DataFolder.open(file));
        assertTrue(refused.getMessage().contains("is not a directory"), refused.getMessage());
    }

    @Test
    void postgresqlThatOutlivedItsLedgerIsTakenOver() throws Exception {
        EmbeddedPostgresql orphan = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL);
        write(orphan, "CREATE SCHEMA own; CREATE TABLE own.kept (id int); INSERT INTO own.kept VALUES (7)");
        long before = orphan.postmaster().orElseThrow().pid();
        orphan.abandon();
        try (EmbeddedPostgresql postgresql = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL)) {
            assertNotEquals(before, postgresql.postmaster().orElseThrow().pid());
            assertEquals("7", query(postgresql, "SELECT id FROM own.kept"));
        }
    }

    @Test
    void postgresqlThatIsKilledIsBroughtBackOnTheSamePortWithAllThatWasCommitted() throws Exception {
        try (EmbeddedPostgresql postgresql = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL)) {
            write(postgresql, "CREATE SCHEMA own; CREATE TABLE own.kept (id int); INSERT INTO own.kept VALUES (7)");
            int port = postgresql.port();
            ProcessHandle killed = postgresql.postmaster().orElseThrow();
            killed.destroyForcibly();
            await(() -> postgresql.postmaster().map(process -> process.pid() != killed.pid()).orElse(false) && answers(postgresql));
            assertEquals(port, postgresql.port());
            assertEquals("7", query(postgresql, "SELECT id FROM own.kept"));
        }
    }

    @Test
    void postgresqlKilledWhileNoLedgerRunsIsStartedAgain() throws Exception {
        EmbeddedPostgresql first = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL);
        write(first, "CREATE SCHEMA own; CREATE TABLE own.kept (id int); INSERT INTO own.kept VALUES (7)");
        first.abandon();
        first.postmaster().orElseThrow().destroyForcibly();
        try (EmbeddedPostgresql postgresql = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL)) {
            assertEquals("7", query(postgresql, "SELECT id FROM own.kept"));
        }
    }

    @Test
    void startThatWasBrokenOffIsMadeGood() throws Exception {
        Files.createDirectories(folder.cluster());
        Files.writeString(folder.cluster().resolve("postgresql.conf"), "half made");
        try (EmbeddedPostgresql postgresql = EmbeddedPostgresql.start(folder, TestPostgresql.JOURNAL)) {
            assertEquals("1", query(postgresql, "SELECT 1"));
        }
    }

    private static String show(EmbeddedPostgresql postgresql, String setting) throws SQLException {
        return query(postgresql, "SHOW " + setting);
    }

    private static String query(EmbeddedPostgresql postgresql, String query) throws SQLException {
        try (Connection connection = connect(postgresql); Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    private static void write(EmbeddedPostgresql postgresql, String sql) throws SQLException {
        try (Connection connection = connect(postgresql); Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static boolean answers(EmbeddedPostgresql postgresql) {
        try {
            return "1".equals(query(postgresql, "SELECT 1"));
        } catch (SQLException e) {
            return false;
        }
    }

    private static Connection connect(EmbeddedPostgresql postgresql) throws SQLException {
        Database.Address address = postgresql.address();
        return DriverManager.getConnection(address.url(), address.user(), address.password());
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "not within 30 s");
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }
}
