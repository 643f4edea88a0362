package io.stockledger.server.journal;

import com.typesafe.config.Config;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Properties;
import javax.sql.DataSource;
import org.postgresql.PGStatement;

/**
 * The PostgreSQL database that the ledger lives in, wherever it runs: checked for what the ledger
 * needs, with a small pool for reads, and the address that the persistence plugin writes to.
 */
public final class Database implements AutoCloseable {
    /** The PostgreSQL schema that holds everything of the ledger. */
    public static final String SCHEMA = "stockledger";
    /** The role whose members may read the projection by SQL; one for the whole PostgreSQL. */
    public static final String READER_ROLE = "stockledger_reader";
    private static final int OLDEST_VERSION = 14;
    /** Beyond the longest that a statement of the plugin's may take. */
    private static final int PLUGIN_SILENCE_MAX_S = 20;

    private final Address address;
    private final Duration silenceMax;
    private final HikariDataSource reads;

    private Database(Address address, Duration silenceMax, HikariDataSource reads) {
        this.address = address;
        this.silenceMax = silenceMax;
        this.reads = reads;
    }

    /** A database, as JDBC names it, and who we are there. */
    public record Address(String url, String user, String password) {
        /** From {@code postgresql://user:password@host:port/database} or a JDBC URL, as --postgres takes it. */
        public static Address parse(String text) {
            if (text.startsWith("jdbc:postgresql:")) {
                return new Address(text, "", "");
            }
            try {
                URI uri = new URI(text);
                boolean known = "postgresql".equals(uri.getScheme()) || "postgres".equals(uri.getScheme());
                if (!known || uri.getHost() == null || uri.getRawPath() == null || uri.getRawPath().length() < 2) {
                    throw new StartupException(notAnAddress());
                }
                String[] login = uri.getRawUserInfo() == null ? new String[0] : uri.getRawUserInfo().split(":", 2);
                String url = "jdbc:postgresql://" + uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort())
                        + uri.getRawPath() + (uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery());
                return new Address(url, login.length > 0 ? decode(login[0]) : "", login.length > 1 ? decode(login[1]) : "");
            } catch (URISyntaxException e) {
                // Not the text itself: it may hold a password.
                throw new StartupException(notAnAddress(), e);
            }
        }

        /**
         * The journal plugin's: no statement of its outlives its breaker, nor a connection a store that says nothing.
         *
         * @param lockWait how long a write waits for a lock; as the statement's bound it stands in {@code options}, where
         *     the address has none of its own
         */
        public String pluginUrl(Duration lockWait) {
            return jdbcUrl() + "&socketTimeout=" + PLUGIN_SILENCE_MAX_S + (url.contains("options=") ? ""
                    : "&options=-c%20statement_timeout%3D15s%20-c%20idle_in_transaction_session_timeout%3D10s%20-c%20lock_timeout%3D"
                            + lockWait.toMillis() + "ms");
        }

        /**
         * The URL with the ledger's schema and name in it. By itself it waits for the store as long as that takes, as a
         * migration must.
         */
        String jdbcUrl() {
            return url + (url.contains("?") ? "&" : "?") + "currentSchema=" + SCHEMA
                    + "&ApplicationName=stockledger&reWriteBatchedInserts=true&tcpKeepAlive=true&connectTimeout=10";
        }

        /** Whom to name in a message: never the password. */
        String place() {
            String withoutQuery = url.contains("?") ? url.substring(0, url.indexOf('?')) : url;
            return withoutQuery.substring("jdbc:".length()).replaceAll("//[^@/]*@", "//");
        }

        @Override
        public String toString() {
            return place();
        }

        private static String notAnAddress() {
            return "The address of your PostgreSQL must look like postgresql://user:password@host:5432/database.";
        }

        private static String decode(String text) {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        }
    }

    /** Connects, and checks that this PostgreSQL can hold a ledger. {@code config}: stockledger.journal. */
    public static Database open(Address address, Config config) {
        Duration silenceMax = config.getDuration("silence-max");
        try (Connection connection = connect(address, silenceMax)) {
            check(connection, address);
        } catch (SQLException e) {
            throw new StartupException(unreachable(address, e), e);
        }
        HikariConfig pool = pool(address, silenceMax, "stockledger-reads", config.getInt("reads.connections"), config.getDuration("reads.wait"));
        return new Database(address, silenceMax, new HikariDataSource(pool));
    }

    public Address address() {
        return address;
    }

    /** A small pool for short reads; a caller that finds none free within the set wait gets an SQLException. */
    public DataSource reads() {
        return reads;
    }

    /**
     * A pool of its own for reads that must not take the others' connections: none of them writes, and each is ended by
     * the database after so long.
     */
    public HikariDataSource readOnlyPool(String name, int connections, Duration wait, Duration statementTimeout) {
        HikariConfig pool = pool(address, statementTimeout.plus(silenceMax), name, connections, wait);
        pool.setConnectionInitSql("SET default_transaction_read_only = on; SET statement_timeout = " + statementTimeout.toMillis());
        return new HikariDataSource(pool);
    }

    /** A connection outside of the pool, for one thread that keeps it. */
    public Connection connect() throws SQLException {
        return connect(address, silenceMax);
    }

    /** As {@link #connect()}, given up after so long. */
    public Connection connect(Duration patience) throws SQLException {
        Properties login = login(address, silenceMax);
        login.setProperty("loginTimeout", Double.toString(patience.toMillis() / 1e3));
        return DriverManager.getConnection(address.jdbcUrl(), login);
    }

    @Override
    public void close() {
        reads.close();
    }

    /**
     * A statement whose long values come as bytes from its first time on. Until the driver knows what a statement's
     * columns are it asks for text, twice as long, which is then decoded by code that is not compiled yet.
     */
    static PreparedStatement prepareForBytes(Connection connection, String sql) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        statement.unwrap(PGStatement.class).setPrepareThreshold(-1);
        return statement;
    }

    private static HikariConfig pool(Address address, Duration silenceMax, String name, int connections, Duration wait) {
        HikariConfig pool = new HikariConfig();
        pool.setPoolName(name);
        pool.setJdbcUrl(address.jdbcUrl());
        login(address, silenceMax).forEach((key, value) -> pool.addDataSourceProperty((String) key, value));
        pool.setMaximumPoolSize(connections);
        pool.setMinimumIdle(1);
        pool.setConnectionTimeout(wait.toMillis());
        // The database may be away when a connection is asked for: that is the reader's failure, not the pool's.
        pool.setInitializationFailTimeout(-1);
        return pool;
    }

    private static Connection connect(Address address, Duration silenceMax) throws SQLException {
        return DriverManager.getConnection(address.jdbcUrl(), login(address, silenceMax));
    }

    /** Who we are, and how long we wait for an answer: a host that dies closes nothing, and TCP waits for it for hours. */
    private static Properties login(Address address, Duration silenceMax) {
        Properties login = new Properties();
        login.setProperty("socketTimeout", Long.toString(Math.max(1, silenceMax.toSeconds())));
        if (!address.user().isEmpty()) {
            login.setProperty("user", address.user());
        }
        if (!address.password().isEmpty()) {
            login.setProperty("password", address.password());
        }
        return login;
    }

    private static void check(Connection connection, Address address) throws SQLException {
        int version = connection.getMetaData().getDatabaseMajorVersion();
        if (version < OLDEST_VERSION) {
            throw new StartupException("PostgreSQL at " + address.place() + " is version " + version + "; the ledger needs "
                    + OLDEST_VERSION + " or newer.");
        }
        if (show(connection, "in_hot_standby").equals("on")) {
            throw new StartupException("PostgreSQL at " + address.place() + " is a read-only standby; name the primary.");
        }
        for (String setting : new String[] {"fsync", "full_page_writes", "synchronous_commit"}) {
            if (show(connection, setting).equals("off")) {
                throw new StartupException("PostgreSQL at " + address.place() + " has " + setting
                        + " off, so an answer would not mean that the entry is on disk; turn it on.");
            }
        }
        if (!show(connection, "server_encoding").equals("UTF8")) {
            throw new StartupException("The database at " + address.place() + " is not in UTF8; create one that is.");
        }
    }

    private static String show(Connection connection, String setting) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery("SHOW " + setting)) {
            row.next();
            return row.getString(1);
        }
    }

    private static String unreachable(Address address, SQLException e) {
        String state = e.getSQLState() == null ? "" : e.getSQLState();
        return switch (state) {
            case "28P01", "28000" -> "PostgreSQL at " + address.place() + " does not let us in: " + firstLine(e) + ".";
            case "3D000" -> "PostgreSQL at " + address.place() + " has no such database: create it first.";
            default -> "PostgreSQL at " + address.place() + " can't be reached: " + firstLine(e);
        };
    }

    static String firstLine(SQLException e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        return message.lines().findFirst().orElse("").replaceFirst("^FATAL: ", "");
    }
}
