package io.stockledger.server.journal;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

/**
 * Who has which slot of a named subscription, until when, and what was acknowledged. Nodes agree through the rows alone:
 * a change holds only for the stream and generation that it was decided for, and the store's clock says when a lease is
 * over. One thread uses it, on a connection of its own, so that no other reader can make a lease late.
 */
public final class SlotLeases implements AutoCloseable {
    private final Database database;
    private final double leaseSeconds;
    /** A store that does not answer must be given up well before the leases are over. */
    private final Duration patience;
    private Optional<Connection> session = Optional.empty();

    public SlotLeases(Database database, Duration lease) {
        this.database = database;
        this.leaseSeconds = lease.toMillis() / 1e3;
        this.patience = lease.dividedBy(2);
    }

    /** One stream of a name. */
    public record Stream(String name, String consumer, UUID stream) {}

    /** What a stream has of a slot, for as long as the generation lasts. */
    public record Held(Stream stream, int slot, long generation) {}

    /** A held slot with what was acknowledged of it. */
    public record Mark(Held held, Cursor cursor, boolean acknowledgedMore, boolean release) {}

    /** A slot as the store has it; without a stream it is free. */
    public record Slot(int slot, Optional<UUID> stream, long generation) {}

    /** A parked entry that is to be sent once more. */
    public record Retry(String name, String sku, long sequence, int times) {}

    /** A name as the store has it: its slots, and its consumers in the order that they came. */
    public record Seen(long rewinds, List<Slot> slots, List<Stream> consumers) {}

    /** A stream has begun: it takes the place of an older one of the same consumer. Those long gone are forgotten. */
    public void join(Stream stream) throws SQLException {
        session(connection -> {
            try (PreparedStatement statement = connection.prepareStatement("WITH gone AS (DELETE FROM subscription_consumer"
                    + "  WHERE name = ? AND consumer <> ? AND lease_until < clock_timestamp() - interval '1 minute')"
                    + " INSERT INTO subscription_consumer (name, consumer, stream, lease_until)"
                    + " SELECT name, ?, ?, clock_timestamp() + make_interval(secs => ?) FROM subscription WHERE name = ?"
                    + " ON CONFLICT (name, consumer) DO UPDATE"
                    + " SET stream = excluded.stream, connected_at = now(), lease_until = excluded.lease_until")) {
                statement.setString(1, stream.name());
                statement.setString(2, stream.consumer());
                statement.setString(3, stream.consumer());
                statement.setObject(4, stream.stream());
                statement.setDouble(5, leaseSeconds);
                statement.setString(6, stream.name());
                return statement.executeUpdate();
            }
        });
    }

    /** Streams have ended. */
    public void leave(Collection<Stream> streams) throws SQLException {
        session(connection -> {
            try (PreparedStatement statement = connection.prepareStatement("DELETE FROM subscription_consumer c"
                    + " USING unnest(?::text[], ?::text[], ?::uuid[]) v(name, consumer, stream)"
                    + " WHERE c.name = v.name AND c.consumer = v.consumer AND c.stream = v.stream")) {
                bind(connection, statement, 1, streams);
                return statement.executeUpdate();
            }
        });
    }

    private static void bind(Connection connection, PreparedStatement statement, int at, Collection<Stream> streams) throws SQLException {
        statement.setArray(at, array(connection, "text", streams, Stream::name));
        statement.setArray(at + 1, array(connection, "text", streams, Stream::consumer));
        statement.setArray(at + 2, array(connection, "uuid", streams, Stream::stream));
    }

    /** Renews the leases of consumers; those that are still there. */
    public Set<UUID> renew(Collection<Stream> streams) throws SQLException {
        return session(connection -> {
            try (PreparedStatement statement = connection.prepareStatement("UPDATE subscription_consumer c"
                    + " SET lease_until = clock_timestamp() + make_interval(secs => ?)"
                    + " FROM unnest(?::text[], ?::text[], ?::uuid[]) v(name, consumer, stream)"
                    + " WHERE c.name = v.name AND c.consumer = v.consumer AND c.stream = v.stream RETURNING c.stream")) {
                statement.setDouble(1, leaseSeconds);
                bind(connection, statement, 2, streams);
                Set<UUID> there = new HashSet<>();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        there.add(row.getObject(1, UUID.class));
                    }
                }
                return there;
            }
        });
    }

    /** Writes what was acknowledged and renews the slots' leases, or ends them; those that were still held. */
    public Set<Held> mark(List<Mark> marks) throws SQLException {
        Map<String, Held> byKey = new LinkedHashMap<>();
        marks.forEach(mark -> byKey.put(key(mark.held().stream().stream(), mark.held().slot()), mark.held()));
        return session(connection -> {
            try (PreparedStatement statement = connection.prepareStatement("UPDATE subscription_slot s"
                    + " SET tx = CAST(v.tx AS xid8), ordering = v.ordering, taken = v.taken,"
                    + "  acknowledged_at = CASE WHEN v.more THEN clock_timestamp() ELSE s.acknowledged_at END,"
                    + "  stream = CASE WHEN v.release THEN NULL ELSE s.stream END,"
                    + "  lease_until = CASE WHEN v.release THEN NULL ELSE clock_timestamp() + make_interval(secs => ?) END"
                    + " FROM unnest(?::text[], ?::int[], ?::uuid[], ?::bigint[], ?::text[], ?::bigint[], ?::int[], ?::boolean[], ?::boolean[])"
                    + "  v(name, slot, stream, generation, tx, ordering, taken, more, release)"
                    + " WHERE s.name = v.name AND s.slot = v.slot AND s.generation = v.generation AND s.stream = v.stream"
                    + " RETURNING v.stream, v.slot")) {
                statement.setDouble(1, leaseSeconds);
                statement.setArray(2, array(connection, "text", marks, mark -> mark.held().stream().name()));
                statement.setArray(3, array(connection, "int4", marks, mark -> mark.held().slot()));
                statement.setArray(4, array(connection, "uuid", marks, mark -> mark.held().stream().stream()));
                statement.setArray(5, array(connection, "int8", marks, mark -> mark.held().generation()));
                statement.setArray(6, array(connection, "text", marks, mark -> Long.toUnsignedString(mark.cursor().position().tx())));
                statement.setArray(7, array(connection, "int8", marks, mark -> mark.cursor().position().ordering()));
                statement.setArray(8, array(connection, "int4", marks, mark -> mark.cursor().taken()));
                statement.setArray(9, array(connection, "bool", marks, Mark::acknowledgedMore));
                statement.setArray(10, array(connection, "bool", marks, Mark::release));
                Set<Held> held = new HashSet<>();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        held.add(byKey.get(key(row.getObject(1, UUID.class), row.getInt(2))));
                    }
                }
                return held;
            }
        });
    }

    private static String key(UUID stream, int slot) {
        return stream + "/" + slot;
    }

    /** Takes free slots, as they were seen; what was acknowledged of those that were still free. */
    public Map<Held, Cursor> claim(List<Held> wanted) throws SQLException {
        Map<String, Held> byKey = new LinkedHashMap<>();
        wanted.forEach(held -> byKey.put(key(held.stream().stream(), held.slot()), held));
        return session(connection -> {
            try (PreparedStatement statement = connection.prepareStatement("UPDATE subscription_slot s"
                    + " SET stream = v.stream, generation = s.generation + 1, lease_until = clock_timestamp() + make_interval(secs => ?)"
                    + " FROM unnest(?::text[], ?::int[], ?::uuid[], ?::bigint[]) v(name, slot, stream, generation)"
                    + " WHERE s.name = v.name AND s.slot = v.slot AND s.generation = v.generation"
                    + "  AND (s.stream IS NULL OR s.lease_until < clock_timestamp())"
                    + " RETURNING s.stream, s.slot, s.generation, s.tx::text, s.ordering, s.taken")) {
                statement.setDouble(1, leaseSeconds);
                statement.setArray(2, array(connection, "text", wanted, held -> held.stream().name()));
                statement.setArray(3, array(connection, "int4", wanted, Held::slot));
                statement.setArray(4, array(connection, "uuid", wanted, held -> held.stream().stream()));
                statement.setArray(5, array(connection, "int8", wanted, Held::generation));
                Map<Held, Cursor> claimed = new LinkedHashMap<>();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        Held was = byKey.get(key(row.getObject(1, UUID.class), row.getInt(2)));
                        claimed.put(new Held(was.stream(), was.slot(), row.getLong(3)),
                                new Cursor(new Position(Long.parseUnsignedLong(row.getString(4)), row.getLong(5)), row.getInt(6)));
                    }
                }
                return claimed;
            }
        });
    }

    /** These names as they stand; one that was deleted is left out. */
    public Map<String, Seen> look(Collection<String> names) throws SQLException {
        return session(connection -> {
            Array all = array(connection, "text", names, Function.identity());
            Map<String, Seen> seen = new LinkedHashMap<>();
            try (PreparedStatement statement = connection.prepareStatement("SELECT n.name, n.rewinds, s.slot, s.generation,"
                    + " CASE WHEN s.lease_until >= clock_timestamp() THEN s.stream END"
                    + " FROM subscription n JOIN subscription_slot s ON s.name = n.name WHERE n.name = ANY(?::text[]) ORDER BY n.name, s.slot")) {
                statement.setArray(1, all);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        long rewinds = row.getLong(2);
                        seen.computeIfAbsent(row.getString(1), name -> new Seen(rewinds, new ArrayList<>(), new ArrayList<>())).slots()
                                .add(new Slot(row.getInt(3), Optional.ofNullable(row.getObject(5, UUID.class)), row.getLong(4)));
                    }
                }
            }
            try (PreparedStatement statement = connection.prepareStatement("SELECT c.name, c.consumer, c.stream FROM subscription_consumer c"
                    + " WHERE c.name = ANY(?::text[]) AND c.lease_until >= clock_timestamp() ORDER BY c.name, c.connected_at, c.stream")) {
                statement.setArray(1, all);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        Seen of = seen.get(row.getString(1));
                        if (of != null) {
                            of.consumers().add(new Stream(row.getString(1), row.getString(2), row.getObject(3, UUID.class)));
                        }
                    }
                }
            }
            return seen;
        });
    }

    /**
     * By name: parked entries that are to be sent once more, by SKU and sequence, after this one where it has one.
     *
     * @param limit of each name
     */
    public Map<String, List<Retry>> retries(Collection<String> names, Map<String, Retry> after, int limit) throws SQLException {
        return session(connection -> {
            try (PreparedStatement statement = connection.prepareStatement("SELECT r.name, r.sku, r.sequence, r.times"
                    + " FROM unnest(?::text[], ?::text[], ?::bigint[]) v(name, sku, sequence) CROSS JOIN LATERAL (SELECT * FROM parked_entry p"
                    + "  WHERE p.retry AND p.name = v.name AND (p.sku, p.sequence) > (v.sku, v.sequence) ORDER BY p.sku, p.sequence LIMIT ?) r"
                    + " ORDER BY r.name, r.sku, r.sequence")) {
                statement.setArray(1, array(connection, "text", names, Function.identity()));
                statement.setArray(2, array(connection, "text", names, name -> after.containsKey(name) ? after.get(name).sku() : ""));
                statement.setArray(3, array(connection, "int8", names, name -> after.containsKey(name) ? after.get(name).sequence() : 0L));
                statement.setInt(4, limit);
                Map<String, List<Retry>> retries = new LinkedHashMap<>();
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        retries.computeIfAbsent(row.getString(1), name -> new ArrayList<>())
                                .add(new Retry(row.getString(1), row.getString(2), row.getLong(3), row.getInt(4)));
                    }
                }
                return retries;
            }
        });
    }

    /** They were sent once more and acknowledged; one that was parked anew since stays. */
    public void retried(List<Retry> retries) throws SQLException {
        change("DELETE FROM parked_entry p", "USING", retries);
    }

    /** They can't be sent once more, and stay parked. */
    public void notRetried(List<Retry> retries) throws SQLException {
        change("UPDATE parked_entry p SET retry = FALSE", "FROM", retries);
    }

    private void change(String what, String from, List<Retry> retries) throws SQLException {
        session(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(what + " " + from
                    + " unnest(?::text[], ?::text[], ?::bigint[], ?::int[]) v(name, sku, sequence, times)"
                    + " WHERE p.name = v.name AND p.sku = v.sku AND p.sequence = v.sequence AND p.times = v.times AND p.retry")) {
                statement.setArray(1, array(connection, "text", retries, Retry::name));
                statement.setArray(2, array(connection, "text", retries, Retry::sku));
                statement.setArray(3, array(connection, "int8", retries, Retry::sequence));
                statement.setArray(4, array(connection, "int4", retries, Retry::times));
                return statement.executeUpdate();
            }
        });
    }

    @Override
    public void close() {
        session.ifPresent(SlotLeases::close);
        session = Optional.empty();
    }

    private interface Work<T> {
        T on(Connection connection) throws SQLException;
    }

    private <T> T session(Work<T> work) throws SQLException {
        if (session.isEmpty()) {
            session = Optional.of(open());
        }
        try {
            return work.on(session.get());
        } catch (SQLException e) {
            close();
            throw e;
        }
    }

    private Connection open() throws SQLException {
        Connection connection = database.connect(patience);
        try (Statement settings = connection.createStatement()) {
            connection.setNetworkTimeout(Runnable::run, (int) patience.toMillis());
            // What is lost with the store's process is sent again. A transaction of ours holds the feed's watermark back,
            // so it waits for no lock: the next one tries again.
            settings.execute("SET synchronous_commit = off; SET lock_timeout = '200ms'");
        } catch (SQLException e) {
            close(connection);
            throw e;
        }
        return connection;
    }

    private static void close(Connection connection) {
        try {
            connection.close();
        } catch (SQLException gone) {
            // Then there is nothing left to close.
        }
    }

    private static <T> Array array(Connection connection, String type, Collection<T> from, Function<T, ?> value) throws SQLException {
        return connection.createArrayOf(type, from.stream().map(value).toArray());
    }
}
