package io.stockledger.server.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Named subscriptions and their parked entries as they are on disk: made, looked at, moved, deleted. Who has which slot,
 * and what was acknowledged, is the business of {@link SlotLeases}.
 */
public final class SubscriptionStore {
    private static final int SLOTS_MAX = 1_024;

    private final Database database;
    private final LedgerIdentity identity;
    private final int slots;
    private final int namesMax;
    private final int parkedMax;

    /**
     * @param slots of a name that is made from now on
     * @param parkedMax entries that one name may have parked
     */
    public SubscriptionStore(Database database, LedgerIdentity identity, int slots, int namesMax, int parkedMax) {
        if (slots < 1 || slots > SLOTS_MAX) {
            throw new StartupException("stockledger.subscriptions.slots is " + slots + "; choose 1 to " + SLOTS_MAX + ".");
        }
        this.database = database;
        this.identity = identity;
        this.slots = slots;
        this.namesMax = namesMax;
        this.parkedMax = parkedMax;
    }

    /**
     * A name as it stands.
     *
     * @param filter a FeedFilter of the contract
     * @param cursors by slot: what was acknowledged
     * @param expired some cursor is of an earlier epoch of the feed
     */
    public record Named(String name, byte[] filter, Instant createdAt, long rewinds, List<Cursor> cursors, boolean expired,
            Optional<Instant> acknowledgedAt, List<Consumer> consumers, long parked) {
        public Cursor lowest() {
            return cursors.stream().min(Cursor::compareTo).orElse(Cursor.START);
        }
    }

    /** One with a stream open. */
    public record Consumer(String consumer, int slots, Instant connectedAt) {}

    public record Parked(String sku, long sequence, String reason, String consumer, Instant parkedAt, int times, boolean retry) {}

    public int namesMax() {
        return namesMax;
    }

    public int parkedMax() {
        return parkedMax;
    }

    /** Makes a name that begins at this cursor, unless there is one; false: there are as many as may be. */
    public boolean create(String name, byte[] filter, Cursor start) throws SQLException {
        String query = "WITH made AS (INSERT INTO subscription (name, filter, slots) SELECT ?, ?, ?"
                + "  WHERE (SELECT count(*) FROM subscription) < ? ON CONFLICT (name) DO NOTHING RETURNING name, slots),"
                + " filled AS (INSERT INTO subscription_slot (name, slot, epoch, tx, ordering, taken)"
                + "  SELECT name, slot, ?, CAST(? AS xid8), ?, ? FROM made, generate_series(0, slots - 1) slot)"
                + " SELECT EXISTS (SELECT FROM made) OR EXISTS (SELECT FROM subscription WHERE name = ?)";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, name);
            statement.setBytes(2, filter);
            statement.setInt(3, slots);
            statement.setInt(4, namesMax);
            cursor(statement, 5, start);
            statement.setString(9, name);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    public Optional<Named> find(String name) throws SQLException {
        return named("n.name = ?", name, 1).stream().findFirst();
    }

    /** Names after this one, by name. */
    public List<Named> after(String name, int limit) throws SQLException {
        return named("n.name > ?", name, limit);
    }

    private List<Named> named(String which, String name, int limit) throws SQLException {
        String chosen = "WITH n AS (SELECT * FROM subscription n WHERE " + which + " ORDER BY n.name LIMIT " + limit + ") ";
        Map<String, List<Consumer>> consumers = new LinkedHashMap<>();
        Map<String, Named> found = new LinkedHashMap<>();
        try (Connection connection = database.reads().getConnection()) {
            try (PreparedStatement statement = connection.prepareStatement(chosen
                    + "SELECT c.name, c.consumer, c.connected_at, (SELECT count(*) FROM subscription_slot s WHERE s.name = c.name AND s.stream = c.stream)"
                    + " FROM n JOIN subscription_consumer c ON c.name = n.name AND c.lease_until >= clock_timestamp() ORDER BY c.name, c.connected_at, c.stream")) {
                statement.setString(1, name);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        consumers.computeIfAbsent(row.getString(1), it -> new ArrayList<>())
                                .add(new Consumer(row.getString(2), row.getInt(4), row.getTimestamp(3).toInstant()));
                    }
                }
            }
            try (PreparedStatement statement = connection.prepareStatement(chosen
                    + "SELECT n.name, n.filter, n.created_at, n.rewinds, s.epoch, s.tx::text AS tx_text, s.ordering, s.taken, s.acknowledged_at,"
                    + " (SELECT count(*) FROM parked_entry p WHERE p.name = n.name) FROM n JOIN subscription_slot s ON s.name = n.name ORDER BY n.name, s.slot")) {
                statement.setString(1, name);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        String of = row.getString(1);
                        Named before = found.get(of);
                        List<Cursor> cursors = before == null ? new ArrayList<>() : before.cursors();
                        cursors.add(new Cursor(new Position(Long.parseUnsignedLong(row.getString(6)), row.getLong(7)), row.getInt(8)));
                        Optional<Instant> acknowledged = Optional.ofNullable(row.getTimestamp(9)).map(Timestamp::toInstant);
                        if (before != null && before.acknowledgedAt().isPresent()
                                && (acknowledged.isEmpty() || before.acknowledgedAt().get().isAfter(acknowledged.get()))) {
                            acknowledged = before.acknowledgedAt();
                        }
                        boolean expired = row.getInt(5) < identity.feedEpoch() || before != null && before.expired();
                        found.put(of, new Named(of, row.getBytes(2), row.getTimestamp(3).toInstant(), row.getLong(4), cursors,
                                expired, acknowledged, consumers.getOrDefault(of, List.of()), row.getLong(10)));
                    }
                }
            }
        }
        return List.copyOf(found.values());
    }

    /** Whether there was such a name. */
    public boolean delete(String name) throws SQLException {
        return update("DELETE FROM subscription WHERE name = ?", name);
    }

    /** Has every slot go on after this cursor, its streams ended; whether there is such a name. */
    public boolean rewind(String name, Cursor to) throws SQLException {
        String query = "WITH moved AS (UPDATE subscription SET rewinds = rewinds + 1 WHERE name = ? RETURNING name)"
                + " UPDATE subscription_slot s SET epoch = ?, tx = CAST(? AS xid8), ordering = ?, taken = ?,"
                + "  generation = generation + 1, stream = NULL, lease_until = NULL FROM moved WHERE s.name = moved.name";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, name);
            cursor(statement, 2, to);
            return statement.executeUpdate() > 0;
        }
    }

    // ---- Parked entries ----

    /** Parks an entry, on disk when it returns; false: the name has as many as may be. */
    public boolean park(String name, String sku, long sequence, String reason, String consumer) throws SQLException {
        String query = "INSERT INTO parked_entry AS p (name, sku, sequence, reason, consumer) SELECT ?, ?, ?, ?, ?"
                + " WHERE (SELECT count(*) FROM parked_entry WHERE name = ?) < ?"
                + "  OR EXISTS (SELECT FROM parked_entry WHERE name = ? AND sku = ? AND sequence = ?)"
                + " ON CONFLICT (name, sku, sequence) DO UPDATE SET reason = excluded.reason, consumer = excluded.consumer,"
                + "  parked_at = now(), times = p.times + 1, retry = FALSE";
        return update(query, name, sku, sequence, reason, consumer, name, parkedMax, name, sku, sequence);
    }

    /** Parked entries after this one, by SKU and sequence. */
    public List<Parked> parkedAfter(String name, String sku, long sequence, int limit) throws SQLException {
        String query = "SELECT sku, sequence, reason, consumer, parked_at, times, retry FROM parked_entry"
                + " WHERE name = ? AND (sku, sequence) > (?, ?) ORDER BY sku, sequence LIMIT " + limit;
        List<Parked> parked = new ArrayList<>();
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            bind(statement, name, sku, sequence);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    parked.add(new Parked(row.getString(1), row.getLong(2), row.getString(3), row.getString(4),
                            row.getTimestamp(5).toInstant(), row.getInt(6), row.getBoolean(7)));
                }
            }
        }
        return parked;
    }

    /** Asks that a parked entry be sent once more; whether there is one. */
    public boolean retry(String name, String sku, long sequence) throws SQLException {
        return update("UPDATE parked_entry SET retry = TRUE WHERE name = ? AND sku = ? AND sequence = ?", name, sku, sequence);
    }

    /** Forgets a parked entry; whether there was one. */
    public boolean drop(String name, String sku, long sequence) throws SQLException {
        return update("DELETE FROM parked_entry WHERE name = ? AND sku = ? AND sequence = ?", name, sku, sequence);
    }

    private boolean update(String query, Object... parameters) throws SQLException {
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            bind(statement, parameters);
            return statement.executeUpdate() > 0;
        }
    }

    private static void bind(PreparedStatement statement, Object... parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            statement.setObject(i + 1, parameters[i]);
        }
    }

    /** Four parameters: epoch, transaction, ordering, taken. */
    private void cursor(PreparedStatement statement, int at, Cursor cursor) throws SQLException {
        statement.setInt(at, identity.feedEpoch());
        statement.setString(at + 1, Long.toUnsignedString(cursor.position().tx()));
        statement.setLong(at + 2, cursor.position().ordering());
        statement.setInt(at + 3, cursor.taken());
    }
}
