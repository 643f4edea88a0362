package io.stockledger.server.projection;

import com.typesafe.config.Config;
import com.zaxxer.hikari.HikariDataSource;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.Database;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.InstantSource;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the projection, each page by one statement: rows and what they reflect are one moment. Over a few connections of
 * its own, and no query outlives a bound.
 */
final class Listings implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Listings.class);
    private static final String QUERY_ENDED = "57014";
    /** One SKU must not keep the others from being audited. */
    private static final String TOOK_TOO_LONG = "The SQL tables of {} took too long to read: they are not audited this time";
    private static final String FRESHNESS = "SELECT s.tx::text AS tx_text, s.ordering, s.taken, f.up_to_date,"
            + " (extract(epoch FROM f.as_of_time) * 1000)::bigint AS as_of_ms";
    private static final String FROM_FRESHNESS = " FROM projection.sets s CROSS JOIN projection.freshness f";
    private static final String WHERE_SHOWN = " WHERE s.state = 'shown'";

    private final HikariDataSource pool;
    private final InstantSource clock;

    /** {@code config}: stockledger.projection. */
    Listings(Database database, Config config, InstantSource clock) {
        this.pool = database.readOnlyPool("stockledger-projection", config.getInt("reads.connections"),
                config.getDuration("reads.wait"), config.getDuration("reads.time-max"));
        this.clock = clock;
    }

    @Override
    public void close() {
        pool.close();
    }

    Listing<ProjectedStock> stock(StockFilter filter, Optional<StockPlace> after, int limit) throws SQLException {
        Query rows = new Query();
        rows.prefix(filter.skuPrefix());
        rows.ifGiven(" AND location = ?", filter.location());
        if (filter.availableBelow().isPresent()) {
            rows.and(" AND available < ?", filter.availableBelow().getAsLong());
        }
        if (after.isPresent()) {
            // By the one location an index goes on at the SKU alone.
            if (filter.location().isEmpty()) {
                rows.and(" AND (sku, location) > (?, ?)", after.get().sku(), after.get().location());
            } else {
                rows.and(" AND sku > ?", after.get().sku());
            }
        }
        return page("stock", rows, filter.location().isEmpty() ? "sku, location" : "sku", limit, Listings::stock);
    }

    Listing<ProjectedReservation> reservations(ReservationFilter filter, Optional<ReservationPlace> after, int limit)
            throws SQLException {
        Query rows = new Query();
        rows.ifGiven(" AND sku = ?", filter.sku());
        rows.prefix(filter.skuPrefix());
        rows.ifGiven(" AND location = ?", filter.location());
        rows.ifGiven(" AND channel = ?", filter.channel());
        if (filter.openOnly()) {
            rows.and(" AND open");
        }
        if (filter.closedOnly()) {
            rows.and(" AND NOT open");
        }
        if (after.isPresent()) {
            rows.and(" AND (sku, reservation_id) > (?, ?)", after.get().sku(), after.get().reservationId());
        }
        return page("reservations", rows, "sku, reservation_id", limit, Listings::reservation);
    }

    /** Empty where it was never complete, or the database ended the query. */
    Optional<Listing.Page<ProjectedReservation>> reservations(String sku, Collection<String> ids) throws SQLException {
        Query rows = new Query();
        rows.and(" AND sku = ?", sku);
        rows.and(" AND reservation_id = ANY (?)", (Object) ids.toArray(String[]::new));
        Listing<ProjectedReservation> found = page("reservations", rows, "sku, reservation_id", ids.size(), Listings::reservation);
        if (found instanceof Listing.TookTooLong) {
            LOG.warn(TOOK_TOO_LONG, sku);
        }
        return found instanceof Listing.Page<ProjectedReservation> page ? Optional.of(page) : Optional.empty();
    }

    /** Empty where it was never complete, or the database ended a query. */
    Optional<ProjectedSku> rowsOf(String sku) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(false);
            connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
            try {
                Optional<Freshness> freshness = freshness(connection);
                if (freshness.isEmpty()) {
                    return Optional.empty();
                }
                List<ProjectedStock> stock = of(connection, "SELECT * FROM projection.stock WHERE sku = ? ORDER BY location", sku, Listings::stock);
                return Optional.of(new ProjectedSku(sku, stock.stream().mapToLong(ProjectedStock::sequence).max().orElse(0), stock,
                        of(connection, "SELECT * FROM projection.reservations WHERE sku = ? AND open ORDER BY reservation_id", sku, Listings::reservation),
                        of(connection, "SELECT count(*) FROM projection.reservations WHERE sku = ?", sku, row -> row.getLong(1)).get(0),
                        of(connection, "SELECT * FROM projection.daily_movements WHERE sku = ? ORDER BY day, location, to_location,"
                                + " from_bucket, to_bucket, kind, channel", sku, Listings::movement), freshness.get()));
            } catch (SQLException e) {
                if (!QUERY_ENDED.equals(e.getSQLState())) {
                    throw e;
                }
                LOG.warn(TOOK_TOO_LONG, sku);
                return Optional.empty();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    /** Entries that each set holds, by what it is for. */
    Rebuild rebuild() throws SQLException {
        String query = "SELECT s.state, s.entries FROM projection.sets s";
        boolean underWay = false;
        long entries = 0;
        long shown = 0;
        try (Connection connection = pool.getConnection();
                PreparedStatement statement = connection.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                switch (row.getString(1)) {
                    case "asked" -> underWay = true;
                    case "building" -> {
                        underWay = true;
                        entries = row.getLong(2);
                    }
                    case "shown" -> shown = row.getLong(2);
                    default -> { }
                }
            }
        }
        return new Rebuild(underWay, entries, shown);
    }

    // ---- How ----

    private interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    /** The conditions of a query, put together with their parameters. */
    private static final class Query {
        private final StringBuilder text = new StringBuilder();
        private final List<Object> parameters = new ArrayList<>();

        void and(String condition, Object... values) {
            text.append(condition);
            parameters.addAll(List.of(values));
        }

        void ifGiven(String condition, String value) {
            if (!value.isEmpty()) {
                and(condition, value);
            }
        }

        /** As a range, which an index can be asked for; the order is that of bytes, and so of code points. */
        void prefix(String prefix) {
            if (prefix.isEmpty()) {
                return;
            }
            and(" AND sku >= ?", prefix);
            int[] points = prefix.codePoints().toArray();
            int last = points.length - 1;
            while (last >= 0 && points[last] == Character.MAX_CODE_POINT) {
                last--;
            }
            if (last >= 0) {
                // What comes after everything that begins so; surrogates are no characters.
                points[last] = points[last] + 1 == Character.MIN_SURROGATE ? Character.MAX_SURROGATE + 1 : points[last] + 1;
                and(" AND sku < ?", new String(points, 0, last + 1));
            }
        }
    }

    private <T> Listing<T> page(String table, Query rows, String order, int limit, RowReader<T> reader) throws SQLException {
        // Each set by itself, as the views would not: so a page is a short walk of an index, however much follows it.
        String query = FRESHNESS + ", r.*" + FROM_FRESHNESS + " LEFT JOIN LATERAL (" + ofSet("a", table, rows, order, limit)
                + " UNION ALL " + ofSet("b", table, rows, order, limit) + ") r ON true" + WHERE_SHOWN + " ORDER BY " + order;
        long before = clock.millis();
        try (Connection connection = pool.getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            int parameters = rows.parameters.size();
            for (int i = 0; i < parameters; i++) {
                statement.setObject(i + 1, rows.parameters.get(i));
                statement.setObject(parameters + i + 1, rows.parameters.get(i));
            }
            try (ResultSet row = statement.executeQuery()) {
                List<T> found = new ArrayList<>();
                Optional<Freshness> freshness = Optional.empty();
                boolean more = false;
                while (row.next()) {
                    freshness = Optional.of(freshness(row, before));
                    if (row.getString("sku") == null) {
                        break;
                    }
                    more = found.size() == limit;
                    if (!more) {
                        found.add(reader.read(row));
                    }
                }
                return freshness.isEmpty() ? new Listing.NotBuilt<>() : new Listing.Page<>(found, more, freshness.get());
            }
        } catch (SQLException e) {
            if (QUERY_ENDED.equals(e.getSQLState())) {
                return new Listing.TookTooLong<>();
            }
            throw e;
        }
    }

    private static String ofSet(String set, String table, Query rows, String order, int limit) {
        return "(SELECT * FROM projection." + table + "_" + set + " WHERE (SELECT z.state FROM projection.sets z WHERE z.name = '" + set
                + "') = 'shown'" + rows.text + " ORDER BY " + order + " LIMIT " + (limit + 1) + ")";
    }

    private Optional<Freshness> freshness(Connection connection) throws SQLException {
        long before = clock.millis();
        try (PreparedStatement statement = connection.prepareStatement(FRESHNESS + FROM_FRESHNESS + WHERE_SHOWN);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? Optional.of(freshness(row, before)) : Optional.empty();
        }
    }

    /** @param beforeMs when the query began, by the ledger's clock, which need not be the database's */
    private static Freshness freshness(ResultSet row, long beforeMs) throws SQLException {
        return new Freshness(SetTables.cursor(row), row.getBoolean("up_to_date") ? beforeMs : Math.min(beforeMs, row.getLong("as_of_ms")));
    }

    private static <T> List<T> of(Connection connection, String query, String sku, RowReader<T> reader) throws SQLException {
        List<T> found = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, sku);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    found.add(reader.read(row));
                }
            }
        }
        return found;
    }

    private static ProjectedStock stock(ResultSet row) throws SQLException {
        return new ProjectedStock(row.getString("sku"), SetTables.balance(row), row.getLong("available_to_sell"), row.getLong("sequence"), millis(row, "recorded_at"));
    }

    private static ProjectedReservation reservation(ResultSet row) throws SQLException {
        return new ProjectedReservation(row.getString("sku"), new Reservation(row.getString("reservation_id"),
                row.getString("location"), row.getString("channel"), row.getString("reference"), row.getLong("quantity"),
                row.getLong("held"), row.getLong("committed"), row.getLong("released"), row.getLong("expired"),
                row.getLong("fulfilled"), row.getLong("cancelled"), millis(row, "expires_at"), row.getLong("sequence")),
                millis(row, "recorded_at"));
    }

    private static DailyMovement movement(ResultSet row) throws SQLException {
        return new DailyMovement(row.getObject("day", LocalDate.class), row.getString("location"), row.getString("to_location"),
                row.getString("from_bucket"), row.getString("to_bucket"), row.getString("kind"), row.getString("channel"),
                row.getLong("units"), row.getLong("entries"));
    }

    private static long millis(ResultSet row, String column) throws SQLException {
        Timestamp time = row.getTimestamp(column);
        return time.getTime();
    }
}
