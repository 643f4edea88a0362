package io.stockledger.server.projection;

import com.typesafe.config.Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.LedgerIdentity;
import io.stockledger.server.journal.Pace;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Optional;

/**
 * The projection of the ledger into SQL tables: kept up with the feed by one node, read by all, built anew on demand
 * while it is read. It may lag behind, and each answer says by how much; no decision depends on it.
 */
public final class Projection implements AutoCloseable {
    private final Database database;
    private final Keeper keeper;
    private final Listings listings;

    private Projection(Database database, Keeper keeper, Listings listings) {
        this.database = database;
        this.keeper = keeper;
        this.listings = listings;
    }

    /**
     * Begins to keep it up.
     *
     * @param config {@code stockledger.projection}
     * @param pace at which it works while mutations come in
     */
    public static Projection start(Database database, JournalReader journal, Feed feed, Config config, InstantSource clock,
            Pace pace, MeterRegistry registry) throws SQLException {
        ReaderRole.grant(database);
        Keeper keeper = new Keeper(database, journal, feed, LedgerIdentity.read(database), config, pace,
                new ProjectionMeasurements(registry, clock::millis));
        Projection projection = new Projection(database, keeper, new Listings(database, config, clock));
        keeper.start();
        return projection;
    }

    /** Stock in the order of SKU and location, after a place, up to so many rows. */
    public Listing<ProjectedStock> stock(StockFilter filter, Optional<StockPlace> after, int limit) throws SQLException {
        return listings.stock(filter, after, limit);
    }

    /** Reservations in the order of SKU and id, after a place, up to so many. */
    public Listing<ProjectedReservation> reservations(ReservationFilter filter, Optional<ReservationPlace> after, int limit)
            throws SQLException {
        return listings.reservations(filter, after, limit);
    }

    /** What it says of one SKU, to be held against the journal; empty where it has never been complete yet, or takes too long. */
    public Optional<ProjectedSku> rowsOf(String sku) throws SQLException {
        return listings.rowsOf(sku);
    }

    /** Those of one SKU's reservations, open or closed, that it has; empty where it has never been complete yet, or takes too long. */
    public Optional<Listing.Page<ProjectedReservation>> reservations(String sku, Collection<String> ids) throws SQLException {
        return listings.reservations(sku, ids);
    }

    /**
     * Asks for it to be built anew, from the first entry on, beside what is read; {@link #rebuild} tells how that stands.
     * It goes on by itself, over restarts too, on whichever node keeps the projection.
     *
     * @return false where a rebuild is under way already
     */
    public boolean askForRebuild() throws SQLException {
        String ask = "UPDATE projection.sets SET state = 'asked', state_since = now() WHERE state IN ('empty', 'old')"
                + " AND NOT EXISTS (SELECT 1 FROM projection.sets s WHERE s.state IN ('asked', 'building'))";
        try (Connection connection = database.reads().getConnection(); PreparedStatement statement = connection.prepareStatement(ask)) {
            boolean asked = statement.executeUpdate() > 0;
            keeper.wake();
            return asked;
        }
    }

    /** How the rebuild stands, or that none is under way. */
    public Rebuild rebuild() throws SQLException {
        return listings.rebuild();
    }

    @Override
    public void close() {
        keeper.close();
        listings.close();
    }
}
