package io.stockledger.server.journal;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** One embedded PostgreSQL for all tests of this JVM; each test gets a database of its own in it. */
public final class TestPostgresql {
    public static final Config JOURNAL = ConfigFactory.load().getConfig("stockledger.journal");
    public static final Config FEED = ConfigFactory.load().getConfig("stockledger.feed");

    private static final AtomicInteger DATABASES = new AtomicInteger();

    private TestPostgresql() {
    }

    private static final class Shared {
        static final DataFolder FOLDER;
        static final EmbeddedPostgresql POSTGRESQL;

        static {
            try {
                Path path = Files.createTempDirectory("stockledger-test-");
                FOLDER = DataFolder.open(path);
                POSTGRESQL = EmbeddedPostgresql.start(FOLDER, JOURNAL);
                Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                    POSTGRESQL.close();
                    FOLDER.close();
                    delete(path);
                }));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** A new, empty database. */
    public static Database.Address emptyDatabase() {
        String name = "test" + DATABASES.incrementAndGet();
        Database.Address own = Shared.POSTGRESQL.address();
        try (Connection connection = superuser("postgres"); Statement statement = connection.createStatement()) {
            statement.execute("CREATE DATABASE " + name + " OWNER " + own.user());
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return new Database.Address(own.url().replaceFirst("/[^/]*$", "/" + name), own.user(), own.password());
    }

    /** A new database with the ledger's schema. */
    public static Database database() {
        Database database = Database.open(emptyDatabase(), JOURNAL);
        Schema.migrate(database);
        return database;
    }

    /** A session of the ledger's role outside of the pool. */
    public static Connection connect(Database database) throws SQLException {
        return database.connect();
    }

    public static Connection superuser(String database) throws SQLException {
        Database.Address own = Shared.POSTGRESQL.address();
        return DriverManager.getConnection(own.url().replaceFirst("/[^/]*$", "/" + database), "postgres", own.password());
    }

    static void delete(Path tree) {
        try (Stream<Path> paths = Files.walk(tree)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
