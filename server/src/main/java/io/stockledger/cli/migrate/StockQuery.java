package io.stockledger.cli.migrate;

import io.stockledger.cli.Failure;
import io.stockledger.cli.Table;
import java.math.BigDecimal;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The old system's stock by a query of its own database, whichever that is: the one place that speaks SQL to it. */
final class StockQuery {
    private static final int FETCH_ROWS = 5_000;
    private static final Pattern KIND = Pattern.compile("jdbc:[A-Za-z0-9+.-]{1,40}:");

    private final String url;
    private final Properties login;
    private final Optional<Driver> driver;
    private final String query;

    /**
     * @param driverJar a JDBC driver that is not ours to bring; PostgreSQL's is here
     */
    StockQuery(String url, Optional<String> user, Optional<String> password, Optional<Path> driverJar, String query) {
        this.url = url;
        this.query = query;
        this.login = new Properties();
        user.ifPresent(name -> login.setProperty("user", name));
        password.ifPresent(secret -> login.setProperty("password", secret));
        this.driver = driverJar.map(this::driver);
    }

    OldStock read(OldStockReader.Rules rules) {
        try (Connection connection = connect()) {
            // A cursor, not the whole answer, where the driver does it so; and nothing may be changed by mistake.
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(FETCH_ROWS);
                try (ResultSet answer = statement.executeQuery(query)) {
                    return read(answer, rules);
                }
            } finally {
                connection.rollback();
            }
        } catch (SQLException e) {
            throw new Failure("the old system's database: " + Table.printable(withoutUrl(e).replaceAll("\\s*\\R\\s*", " ")), e);
        }
    }

    private OldStock read(ResultSet answer, OldStockReader.Rules rules) throws SQLException {
        ResultSetMetaData meta = answer.getMetaData();
        List<String> header = new ArrayList<>();
        for (int i = 1; i <= meta.getColumnCount(); i++) {
            header.add(meta.getColumnLabel(i));
        }
        OldStockReader reader = new OldStockReader("the query's answer", header, rules);
        long number = 0;
        while (answer.next()) {
            number++;
            List<String> fields = new ArrayList<>(header.size());
            for (int i = 1; i <= header.size(); i++) {
                fields.add(text(answer, i, meta.getColumnType(i)));
            }
            reader.take(number, fields);
        }
        OldStock read = reader.done();
        return new OldStock("the answer to: " + query.replaceAll("\\s+", " "), read.rows(), read.spaced());
    }

    /** A shop may well count in NUMERIC(12,3): 5.000 are 5 units. */
    private static String text(ResultSet answer, int column, int type) throws SQLException {
        if (type == Types.NUMERIC || type == Types.DECIMAL) {
            BigDecimal number = answer.getBigDecimal(column);
            return number == null ? "" : number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
        }
        String text = answer.getString(column);
        return text == null ? "" : text;
    }

    private Connection connect() throws SQLException {
        if (driver.isPresent()) {
            return driver.get().connect(url, login);
        }
        for (Driver found : DriverManager.drivers().toList()) {
            if (found.acceptsURL(url)) {
                return DriverManager.getConnection(url, login);
            }
        }
        // No more of it than names the kind of database: what follows may hold a password.
        Matcher kind = KIND.matcher(url);
        throw new Failure(kind.lookingAt() ? "no JDBC driver here takes the --jdbc URL that begins with " + kind.group()
                + "; its form is that of the database's own manual, and for another database than PostgreSQL name its driver's JAR with --driver-jar"
                : "--jdbc must be a URL such as jdbc:postgresql://shop-db/shop");
    }

    /** Drivers repeat the URL in their complaints, and a URL may hold a password. */
    private String withoutUrl(SQLException e) {
        return String.valueOf(e.getMessage()).replace(url, "the --jdbc URL");
    }

    private Driver driver(Path jar) {
        if (!Files.isRegularFile(jar)) {
            throw new Failure("there is no file " + jar + " for --driver-jar");
        }
        try {
            // Open for as long as this process lives: a driver loads its classes when it needs them.
            URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()});
            for (Driver found : ServiceLoader.load(Driver.class, loader)) {
                if (found.acceptsURL(url)) {
                    return found;
                }
            }
            throw new Failure(jar + " holds no JDBC driver for a URL such as that of --jdbc");
        } catch (MalformedURLException e) {
            throw new IllegalStateException("a file has a URL", e);
        } catch (SQLException e) {
            throw new Failure("the driver in " + jar + " does not take the URL of --jdbc: " + Table.printable(withoutUrl(e)), e);
        }
    }
}
