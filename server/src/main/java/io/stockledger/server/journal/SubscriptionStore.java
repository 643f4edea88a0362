package io.stockledger.server.journal;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

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

        /** With its next slot. */
        private Named with(Cursor cursor, boolean slotExpired, Optional<Instant> slotAcknowledgedAt) {
            cursors.add(cursor);
            Optional<Instant> latest = Stream.of(acknowledgedAt, slotAcknowledgedAt).flatMap(Optional::stream).max(Comparator.naturalOrder());
            return new Named(name, filter, createdAt, rewinds, cursors, expired || slotExpired, latest, consumers, parked);
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

    /** Names, by name; after {@code next} there are more. */
    public record Page(List<Named> names, Optional<String> next) {}

    /** Makes a name that begins at this cursor; false: there is one, or there are as many as may be. */
    public boolean create(String name, byte[] filter, Cursor start) throws SQLException {
        String query = "WITH made AS (INSERT INTO subscription (name, filter, slots) SELECT ?, ?, ?"
                + "  WHERE (SELECT count(*) FROM subscription) < ? ON CONFLICT (name) DO NOTHING RETURNING name, slots)"
                + " INSERT INTO subscription_slot (name, slot, epoch, tx, ordering, taken)"
                + "  SELECT name, slot, ?, CAST(? AS xid8), ?, ? FROM made, generate_series(0, slots - 1) slot";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, name);
            statement.setBytes(2, filter);
            statement.setInt(3, slots);
            statement.setInt(4, namesMax);
            cursor(statement, 5, start);
            return statement.executeUpdate() > 0;
        }
    }

    public boolean exists(String name) throws SQLException {
        String query = "SELECT EXISTS (SELECT FROM subscription WHERE name = ?)";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, name);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }

    public Optional<Named> find(String name) throws SQLException {
        return page("name = ?", name, 1, 0).names().stream().findFirst();
    }

    /** Names after this one, by name: at most so many, and none after their filters have passed so many bytes. */
    public Page after(String name, int limit, int filterBytesMax) throws SQLException {
        return page("name > ?", name, limit, filterBytesMax);
    }

    private Page page(String which, String name, int limit, int filterBytesMax) throws SQLException {
        Map<String, Named> found = new LinkedHashMap<>();
        Optional<String> next = Optional.empty();
        try (Connection connection = database.reads().getConnection()) {
            // Each filter once: it may be large, and the slots are many.
            try (PreparedStatement statement = connection.prepareStatement("SELECT name, filter, created_at, rewinds,"
                    + " (SELECT count(*) FROM parked_entry p WHERE p.name = n.name), more FROM (SELECT *, row_number() OVER names AS place,"
                    + "  sum(octet_length(filter)) OVER names - octet_length(filter) AS bytes_before, lead(name) OVER names IS NOT NULL AS more"
                    + "  FROM (SELECT * FROM subscription WHERE " + which + " ORDER BY name LIMIT ?) named WINDOW names AS (ORDER BY name)) n"
                    + " WHERE place <= ? AND bytes_before <= ? ORDER BY name")) {
                bind(statement, name, limit + 1, limit, filterBytesMax);
                try (ResultSet row = statement.executeQuery()) {
                    while (row.next()) {
                        String of = row.getString(1);
                        found.put(of, new Named(of, row.getBytes(2), row.getTimestamp(3).toInstant(), row.getLong(4), new ArrayList<>(),
                                false, Optional.empty(), new ArrayList<>(), row.getLong(5)));
                        next = row.getBoolean(6) ? Optional.of(of) : Optional.empty();
                    }
                }
            }
            Array names = connection.createArrayOf("text", found.keySet().toArray());
            addConsumers(connection, names, found);
            addSlots(connection, names, found);
        }
        // One that was deleted meanwhile has no slots any more.
        return new Page(found.values().stream().filter(named -> !named.cursors().isEmpty()).toList(), next);
    }

    private static void addConsumers(Connection connection, Array names, Map<String, Named> found) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT c.name, c.consumer, c.connected_at,"
                + " (SELECT count(*) FROM subscription_slot s WHERE s.name = c.name AND s.stream = c.stream) FROM subscription_consumer c"
                + " WHERE c.name = ANY(?) AND c.lease_until >= clock_timestamp() ORDER BY c.name, c.connected_at, c.stream")) {
            statement.setArray(1, names);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    found.get(row.getString(1)).consumers()
                            .add(new Consumer(row.getString(2), row.getInt(4), row.getTimestamp(3).toInstant()));
                }
            }
        }
    }

    private void addSlots(Connection connection, Array names, Map<String, Named> found) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT name, epoch, tx::text, ordering, taken, acknowledged_at"
                + " FROM subscription_slot WHERE name = ANY(?) ORDER BY name, slot")) {
            statement.setArray(1, names);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    Cursor cursor = new Cursor(new Position(Long.parseUnsignedLong(row.getString(3)), row.getLong(4)), row.getInt(5));
                    Optional<Instant> acknowledged = Optional.ofNullable(row.getTimestamp(6)).map(Timestamp::toInstant);
                    boolean expired = row.getInt(2) < identity.feedEpoch();
                    found.computeIfPresent(row.getString(1), (name, named) -> named.with(cursor, expired, acknowledged));
                }
            }
        }
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
