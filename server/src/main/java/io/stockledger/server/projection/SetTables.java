package io.stockledger.server.projection;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.Position;
import io.stockledger.v1.ChannelAllocation;
import io.stockledger.v1.LocationBalance;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The two sets of tables as they are written, over the one connection of whoever keeps them. Each call is one statement
 * or two, and so a transaction of milliseconds: one that has written holds back the whole feed until it ends.
 */
final class SetTables {
    private static final List<String> TABLES = List.of("stock", "reservations", "daily_movements");
    /** A query that reads a table keeps it from being emptied; who waits for it lets others wait, and the feed. */
    private static final int LOCK_WAIT_MS = 20;
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    /** Zeros stand there, so that a query need not mind that they might not. */
    private static final JsonFormat.Printer JSON = JsonFormat.printer().preservingProtoFieldNames().omittingInsignificantWhitespace()
            .includingDefaultValueFields(ChannelAllocation.getDescriptor().getFields().stream()
                    .filter(field -> !field.hasPresence()).collect(Collectors.toSet()));
    private static final JsonFormat.Parser FROM_JSON = JsonFormat.parser().ignoringUnknownFields();

    private final Connection connection;

    /** Takes over a connection that nobody else uses. */
    SetTables(Connection connection) throws SQLException {
        this.connection = connection;
        try (Statement statement = connection.createStatement()) {
            // A commit that is lost loses rows and cursor together, and both are made again: nobody needs to wait for the
            // disk. The plan for any arrays is that for these; made while the tables are empty it would read them whole
            // for good, so each row is looked up by its key. Another node may take over soon after this one is gone.
            statement.execute("SET synchronous_commit = off; SET plan_cache_mode = force_generic_plan;"
                    + " SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
                    + " SET statement_timeout = '10s'; SET lock_timeout = " + LOCK_WAIT_MS + ";"
                    + " SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3");
        }
    }

    /** Whether this session is the one that may write, until it ends. */
    boolean takeLock(long key) throws SQLException {
        try (PreparedStatement take = connection.prepareStatement("SELECT pg_try_advisory_lock(?)")) {
            take.setLong(1, key);
            try (ResultSet row = take.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    List<ProjectedSet> sets() throws SQLException {
        String query = "SELECT s.name, s.state, (extract(epoch FROM now() - s.state_since) * 1000)::bigint AS state_age_ms,"
                + " s.feed_epoch, s.tx::text AS tx_text, s.ordering, s.taken, s.complete_ms, s.entries FROM projection.sets s ORDER BY s.name";
        List<ProjectedSet> sets = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(query); ResultSet row = statement.executeQuery()) {
            while (row.next()) {
                sets.add(new ProjectedSet(row.getString("name"),
                        ProjectedSet.State.valueOf(row.getString("state").toUpperCase(Locale.ROOT)), row.getLong("state_age_ms"),
                        row.getInt("feed_epoch"), cursor(row), row.getLong("complete_ms"), row.getLong("entries")));
            }
        }
        return sets;
    }

    /** Of a row that holds tx_text, ordering and taken. */
    static Cursor cursor(ResultSet row) throws SQLException {
        return new Cursor(new Position(Long.parseUnsignedLong(row.getString("tx_text")), row.getLong("ordering")), row.getInt("taken"));
    }

    /**
     * Empties a set's tables, each in a transaction of its own; false where a query reads one of them: later, then. A
     * transaction that began before the set was shown no longer, and has not read it yet, would find it empty.
     */
    boolean empty(ProjectedSet set) throws SQLException {
        for (String table : TABLES) {
            String name = "projection." + table + "_" + set.name();
            try (Statement statement = connection.createStatement()) {
                boolean holdsRows;
                try (ResultSet row = statement.executeQuery("SELECT EXISTS (SELECT 1 FROM " + name + ")")) {
                    row.next();
                    holdsRows = row.getBoolean(1);
                }
                if (holdsRows) {
                    statement.execute("TRUNCATE " + name);
                }
            } catch (SQLException e) {
                if (LOCK_NOT_AVAILABLE.equals(e.getSQLState())) {
                    return false;
                }
                throw e;
            }
        }
        return true;
    }

    /** Unless it is no longer what it was when it was read: a rebuild may have been asked for since. */
    void becomes(ProjectedSet set, ProjectedSet.State state) throws SQLException {
        update("UPDATE projection.sets SET state = ?, state_since = now() WHERE name = ? AND state = ?",
                named(state), set.name(), named(set.state()));
    }

    /** A set whose tables are empty is built from the beginning. */
    void begin(ProjectedSet set, int feedEpoch) throws SQLException {
        update("UPDATE projection.sets SET state = 'building', state_since = now(), feed_epoch = ?, tx = '0', ordering = 0,"
                + " taken = ?, complete_ms = 0, entries = 0 WHERE name = ?", feedEpoch, Cursor.WHOLE_ROW, set.name());
    }

    /** From now on the views show this set, and the one before no longer: one statement, for readers one moment. */
    void show(ProjectedSet set) throws SQLException {
        update("UPDATE projection.sets SET state = CASE WHEN name = ? THEN 'shown' ELSE 'old' END, state_since = now(),"
                + " complete_ms = CASE WHEN name = ? THEN ? ELSE complete_ms END WHERE name = ? OR state = 'shown'",
                set.name(), set.name(), set.completeMs(), set.name());
    }

    private void update(String statement, Object... parameters) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(statement)) {
            for (int i = 0; i < parameters.length; i++) {
                update.setObject(i + 1, parameters[i]);
            }
            update.executeUpdate();
        }
    }

    private static String named(ProjectedSet.State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    // ---- What entries change ----

    /** One statement, so that rows and cursor move together and a single round trip holds the feed back. */
    private static final String WRITE = """
            WITH stocks AS (
              INSERT INTO projection.stock_%1$s (sku, location, available, reserved, committed, unavailable, damaged,
                quality_control, incoming, safety_stock, available_to_sell, allocations, sequence, recorded_at)
              SELECT n.sku, n.location, n.available, n.reserved, n.committed, n.unavailable, n.damaged, n.quality_control,
                n.incoming, n.safety_stock, n.available_to_sell, (n.allocations::jsonb)->'allocations', n.sequence,
                to_timestamp(n.recorded_ms / 1000.0)
              FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[],
                ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[], ?::bigint[])
                AS n(sku, location, available, reserved, committed, unavailable, damaged, quality_control, incoming,
                safety_stock, available_to_sell, allocations, sequence, recorded_ms)
              ON CONFLICT (sku, location) DO UPDATE SET available = excluded.available, reserved = excluded.reserved,
                committed = excluded.committed, unavailable = excluded.unavailable, damaged = excluded.damaged,
                quality_control = excluded.quality_control, incoming = excluded.incoming,
                safety_stock = excluded.safety_stock, available_to_sell = excluded.available_to_sell,
                allocations = excluded.allocations, sequence = excluded.sequence, recorded_at = excluded.recorded_at
            ), made AS (
              INSERT INTO projection.reservations_%1$s (sku, reservation_id, open, location, channel, reference, quantity,
                held, committed, released, expired, fulfilled, cancelled, expires_at, sequence, recorded_at)
              SELECT n.sku, n.id, n.held > 0 OR n.committed > 0, n.location, n.channel, n.reference, n.quantity, n.held,
                n.committed, n.released, n.expired, n.fulfilled, n.cancelled, to_timestamp(n.expires_ms / 1000.0),
                n.sequence, to_timestamp(n.recorded_ms / 1000.0)
              FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[],
                ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
                AS n(sku, id, location, channel, reference, quantity, held, committed, released, expired, fulfilled,
                cancelled, expires_ms, sequence, recorded_ms)
              ON CONFLICT (sku, reservation_id) DO UPDATE SET open = excluded.open, location = excluded.location,
                channel = excluded.channel, reference = excluded.reference, quantity = excluded.quantity,
                held = excluded.held, committed = excluded.committed, released = excluded.released,
                expired = excluded.expired, fulfilled = excluded.fulfilled, cancelled = excluded.cancelled,
                expires_at = excluded.expires_at, sequence = excluded.sequence, recorded_at = excluded.recorded_at
            ), changed AS (
              UPDATE projection.reservations_%1$s t SET held = t.held + n.held, committed = t.committed + n.committed,
                released = t.released + n.released, expired = t.expired + n.expired, fulfilled = t.fulfilled + n.fulfilled,
                cancelled = t.cancelled + n.cancelled, open = t.held + n.held > 0 OR t.committed + n.committed > 0,
                expires_at = CASE WHEN n.expires_ms > 0 THEN to_timestamp(n.expires_ms / 1000.0) ELSE t.expires_at END,
                recorded_at = to_timestamp(n.recorded_ms / 1000.0)
              FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[],
                ?::bigint[], ?::bigint[], ?::bigint[])
                AS n(sku, id, held, committed, released, expired, fulfilled, cancelled, expires_ms, recorded_ms)
              WHERE t.sku = n.sku COLLATE "C" AND t.reservation_id = n.id COLLATE "C"
            ), moved AS (
              INSERT INTO projection.daily_movements_%1$s AS t (day, sku, location, to_location, from_bucket, to_bucket,
                kind, channel, units, entries)
              SELECT n.day, n.sku, n.location, n.to_location, n.from_bucket, n.to_bucket, n.kind, n.channel, n.units, n.entries
              FROM unnest(?::date[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
                ?::bigint[], ?::bigint[])
                AS n(day, sku, location, to_location, from_bucket, to_bucket, kind, channel, units, entries)
              ON CONFLICT (sku, day, location, to_location, from_bucket, to_bucket, kind, channel)
                DO UPDATE SET units = t.units + excluded.units, entries = t.entries + excluded.entries
            )
            UPDATE projection.sets SET tx = CAST(? AS xid8), ordering = ?, taken = ?, complete_ms = ?, entries = entries + ?
            WHERE name = ?""";

    /** Writes what entries change, and that the set has come to this cursor. */
    void write(ProjectedSet set, Changes changes, Cursor to) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(WRITE.formatted(set.name()))) {
            int next = stock(changes).bind(statement, 1);
            next = made(changes).bind(statement, next);
            next = changed(changes).bind(statement, next);
            next = moved(changes).bind(statement, next);
            statement.setString(next++, Long.toUnsignedString(to.position().tx()));
            statement.setLong(next++, to.position().ordering());
            statement.setInt(next++, to.taken());
            statement.setLong(next++, set.completeMsAt(to));
            statement.setLong(next++, changes.entries);
            statement.setString(next, set.name());
            statement.executeUpdate();
        }
        set.moved(to, changes.entries);
    }

    private static Columns stock(Changes changes) {
        Columns columns = new Columns("text", "text", "int8", "int8", "int8", "int8", "int8", "int8", "int8", "int8", "int8",
                "text", "int8", "int8");
        for (ProjectedStock row : changes.stock()) {
            Balance balance = row.balance();
            columns.add(row.sku(), balance.location(), balance.available(), balance.reserved(), balance.committed(),
                    balance.unavailable(), balance.damaged(), balance.qualityControl(), balance.incoming(),
                    balance.safetyStock(), row.availableToSell(), allocations(balance), row.sequence(), row.recordedAtMs());
        }
        return columns;
    }

    private static Columns made(Changes changes) {
        Columns columns = new Columns("text", "text", "text", "text", "text", "int8", "int8", "int8", "int8", "int8", "int8",
                "int8", "int8", "int8", "int8");
        for (ProjectedReservation row : changes.made.values()) {
            Reservation it = row.reservation();
            columns.add(row.sku(), it.id(), it.location(), it.channel(), it.reference(), it.quantity(), it.held(), it.committed(),
                    it.released(), it.expired(), it.fulfilled(), it.cancelled(), it.expiresAtMs(), it.sequence(), row.recordedAtMs());
        }
        return columns;
    }

    private static Columns changed(Changes changes) {
        Columns columns = new Columns("text", "text", "int8", "int8", "int8", "int8", "int8", "int8", "int8", "int8");
        changes.changed.forEach((key, row) -> {
            Reservation more = row.reservation();
            columns.add(key.sku(), key.id(), more.held(), more.committed(), more.released(), more.expired(), more.fulfilled(),
                    more.cancelled(), more.expiresAtMs(), row.recordedAtMs());
        });
        return columns;
    }

    private static Columns moved(Changes changes) {
        Columns columns = new Columns("date", "text", "text", "text", "text", "text", "text", "text", "int8", "int8");
        changes.movements.forEach((key, moved) -> columns.add(key.day(), key.sku(), key.location(), key.toLocation(),
                key.fromName(), key.toName(), key.kindName(), key.channel(), moved.units(), moved.entries()));
        return columns;
    }

    /** The rows of one table, column by column, as arrays for the database to unnest. */
    private static final class Columns {
        private final List<String> types;
        private final List<List<Object>> values = new ArrayList<>();

        Columns(String... types) {
            this.types = List.of(types);
            for (int i = 0; i < types.length; i++) {
                values.add(new ArrayList<>());
            }
        }

        void add(Object... row) {
            for (int i = 0; i < row.length; i++) {
                values.get(i).add(row[i]);
            }
        }

        /** Binds them from this parameter on; the next one's number. */
        int bind(PreparedStatement statement, int first) throws SQLException {
            for (int i = 0; i < types.size(); i++) {
                statement.setArray(first + i, statement.getConnection().createArrayOf(types.get(i), values.get(i).toArray()));
            }
            return first + types.size();
        }
    }

    // ---- Allocations ----

    /** The contract's own JSON of them; for the database null where there are none. */
    private static String allocations(Balance balance) {
        if (balance.allocations().isEmpty()) {
            return null;
        }
        try {
            return JSON.print(LocationBalance.newBuilder()
                    .addAllAllocations(EntryCodec.toContract(balance).getAllocationsList()).build());
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("allocations have no JSON", e);
        }
    }

    /** The balance of a row of the view stock. */
    static Balance balance(ResultSet row) throws SQLException {
        LocationBalance.Builder balance = LocationBalance.newBuilder();
        String allocations = row.getString("allocations");
        if (allocations != null) {
            try {
                FROM_JSON.merge("{\"allocations\":" + allocations + "}", balance);
            } catch (InvalidProtocolBufferException e) {
                throw new SQLException("allocations in the projection can't be read: rebuild it", e);
            }
        }
        return EntryCodec.toDomain(balance
                .setLocation(row.getString("location"))
                .setAvailable(row.getLong("available"))
                .setReserved(row.getLong("reserved"))
                .setCommitted(row.getLong("committed"))
                .setUnavailable(row.getLong("unavailable"))
                .setDamaged(row.getLong("damaged"))
                .setQualityControl(row.getLong("quality_control"))
                .setIncoming(row.getLong("incoming"))
                .setSafetyStock(row.getLong("safety_stock"))
                .build());
    }
}
