package io.stockledger.server;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import io.stockledger.server.api.ApiServer;
import io.stockledger.server.audit.AuditedProjection;
import io.stockledger.server.audit.BackgroundAudit;
import io.stockledger.server.audit.JournalAudit;
import io.stockledger.server.entity.EntitySettings;
import io.stockledger.server.entity.Ledger;
import io.stockledger.server.entity.Sweeper;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.feed.NamedSubscriptions;
import io.stockledger.server.journal.DataFolder;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.EmbeddedPostgresql;
import io.stockledger.server.journal.History;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.RowPacking;
import io.stockledger.server.journal.Schema;
import io.stockledger.server.journal.SoleLedger;
import io.stockledger.server.journal.StartupException;
import io.stockledger.server.journal.SubscriptionStore;
import io.stockledger.server.metrics.Metrics;
import io.stockledger.server.projection.Projection;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A ledger, wired: metrics, store, journal, feed, actors, audit, API, in the order that each needs the one before; closed in the
 * other direction.
 */
public final class Server implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Server.class);

    /** Where the journal is kept. */
    public sealed interface Store {
        /** In a PostgreSQL of our own, in a folder. */
        record Embedded(Path folder) implements Store {}

        /** In the user's PostgreSQL. */
        record Postgresql(Database.Address address) implements Store {}
    }

    private final Deque<AutoCloseable> parts = new ArrayDeque<>();
    private final StartTimes startTimes = new StartTimes();
    private final CompletableFuture<String> failure = new CompletableFuture<>();
    private volatile boolean closing;
    private Database.Address storeAddress;
    private Metrics metrics;
    private ApiServer api;

    private Server() {}

    /**
     * Starts a ledger; where that fails, everything begun is closed again. One that can't go on later closes itself: see
     * {@link #failure()}.
     *
     * @param config as {@link #config} gives it
     * @throws StartupException with one clear line for the user
     */
    public static Server start(Store store, Config config, Clock clock) {
        Server server = new Server();
        try {
            server.open(store, config, clock);
            // By a thread of its own: who tells of it may be waited for by the close.
            server.failure.thenRun(() -> new Thread(server::close, "stop-by-itself").start());
            return server;
        } catch (SQLException e) {
            server.close();
            throw new StartupException("The database can't be used: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** Our settings and Akka's with their defaults, under those given. */
    public static Config config(Config given) {
        return given.withFallback(ConfigFactory.load()).resolve();
    }

    private void open(Store store, Config config, Clock clock) throws SQLException {
        requireFreePort(config);
        RowPacking.requireUsable();
        metrics = keep(Metrics.start(config.getConfig("stockledger.metrics")));
        Config journalConfig = config.getConfig("stockledger.journal");
        startTimes.took("metrics");

        storeAddress = address(store, journalConfig);
        startTimes.took("postgresql");
        Database database = keep(Database.open(storeAddress, journalConfig));
        boolean clustered = !config.getStringList("akka.cluster.seed-nodes").isEmpty();
        keep(SoleLedger.on(database, clustered, () -> cannotGoOn("Another ledger has taken over the database at " + storeAddress
                + " while it was away from this one, which stops, since it would answer from what it last saw: stop one of the two."
                + " Several nodes on one database need the same seed-nodes.")));
        Schema.migrate(database);
        startTimes.took("schema");

        JournalReader journal = new JournalReader(database, journalConfig);
        History history = new History(journal);
        // A server that was killed may have left a write at work in the store.
        history.settle();
        Pace pace = new Pace(journalConfig);
        Feed feed = keep(Feed.start(database, journal, journalConfig, config.getConfig("stockledger.feed"), clock, pace,
                metrics.registry()));
        startTimes.took("feed");

        Config subscriptions = config.getConfig("stockledger.subscriptions");
        SubscriptionStore names = new SubscriptionStore(database, feed.identity(), subscriptions.getInt("slots"),
                subscriptions.getInt("names-max"), subscriptions.getInt("parked-max"));
        NamedSubscriptions streams = keep(NamedSubscriptions.start(feed, database, subscriptions));

        Ledger ledger = keep(Ledger.start(withStore(config), EntitySettings.from(config, clock), history,
                feed::committed, feed::committedElsewhere, metrics.registry(), () -> cannotGoOn("This node's actors have ended:"
                + " the other nodes took it for gone, or it reached none of its seed-nodes. It stops, since it could answer no"
                + " mutation: start it again.")));
        startTimes.took("actors");
        // What was sold most just before is asked for first: it is on its way into memory before the port opens.
        journal.busiestSkus(config.getInt("stockledger.entity.wake-at-start-rows"),
                config.getInt("stockledger.entity.wake-at-start-skus")).forEach(ledger::wake);
        startTimes.took("wake");
        keep(Sweeper.start(journal, ledger, clock, config.getDuration("stockledger.entity.sweep-interval")));

        Config projectionConfig = config.getConfig("stockledger.projection");
        Optional<Projection> projection = projectionConfig.getBoolean("enabled")
                ? Optional.of(keep(Projection.start(database, journal, feed, projectionConfig, clock, pace.apart(), metrics.registry())))
                : Optional.empty();

        // What is kept beside the journal, and held against it.
        List<AuditedProjection> projections = projection.<AuditedProjection>map(SqlTables::new).stream().toList();
        JournalAudit audit = new JournalAudit(database, journal, projections, pace);
        keep(BackgroundAudit.start(audit, database, config.getConfig("stockledger.audit"), clock, metrics.registry()));

        api = keep(ApiServer.start(config, ledger, feed, names, streams, journal, projection, audit, clock, pace, metrics.registry()));
        metrics.ready(clock);
        startTimes.took("api");
    }

    private Database.Address address(Store store, Config journalConfig) {
        if (store instanceof Store.Embedded embedded) {
            DataFolder folder = keep(DataFolder.open(embedded.folder()));
            return keep(EmbeddedPostgresql.start(folder, journalConfig)).address();
        } else if (store instanceof Store.Postgresql postgresql) {
            return postgresql.address();
        }
        throw new IllegalArgumentException("no such store: " + store);
    }

    /** Where the journal plugin finds the database. */
    private Config withStore(Config config) {
        String url = storeAddress.pluginUrl(config.getDuration("stockledger.journal.write-lock-wait"));
        String db = "akka-persistence-jdbc.shared-databases.slick.db.";
        return config
                .withValue(db + "url", ConfigValueFactory.fromAnyRef(url))
                .withValue(db + "user", ConfigValueFactory.fromAnyRef(storeAddress.user()))
                .withValue(db + "password", ConfigValueFactory.fromAnyRef(storeAddress.password()));
    }

    /**
     * Looked at first, so that a second server leaves no half-made folder behind. Not listened on: who waits for the
     * port to answer must not take this for the ledger.
     */
    private static void requireFreePort(Config config) {
        String host = config.getString("stockledger.api.host");
        int port = config.getInt("stockledger.api.port");
        if (port < 0 || port > 65_535) {
            throw new StartupException("Port " + port + " is none: choose one from 1 to 65535, or 0 for any that is free.");
        }
        try (Socket probe = new Socket()) {
            probe.setReuseAddress(true);
            probe.bind(new InetSocketAddress(InetAddress.getByName(host), port));
        } catch (IOException e) {
            throw new StartupException("Port " + port + " on " + host + " can't be opened (" + e.getMessage()
                    + "); is another ledger running? Choose another with --port.", e);
        }
    }

    /** The port that the API listens on. */
    public int port() {
        return api.port();
    }

    /** What its start took, part by part. */
    public StartTimes startTimes() {
        return startTimes;
    }

    /** Where its metrics are read; empty: they are turned off. */
    public Optional<String> metricsUrl() {
        return metrics.url();
    }

    /** Where the journal is; for an operator's SQL. */
    public Database.Address storeAddress() {
        return storeAddress;
    }

    /**
     * Completed, with one clear line for the user, once this ledger can't go on and must not serve: then it closes itself,
     * and whoever runs it as a process ends that.
     */
    public CompletionStage<String> failure() {
        return failure.minimalCompletionStage();
    }

    private void cannotGoOn(String why) {
        if (!closing) {
            failure.complete(why);
        }
    }

    private <T extends AutoCloseable> T keep(T part) {
        parts.push(part);
        return part;
    }

    /** Waits for a close that is under way. */
    @Override
    public void close() {
        closing = true;
        closeParts();
    }

    private synchronized void closeParts() {
        while (!parts.isEmpty()) {
            try {
                parts.pop().close();
            } catch (Exception e) {
                LOG.warn("A part did not close cleanly", e);
            }
        }
    }
}
