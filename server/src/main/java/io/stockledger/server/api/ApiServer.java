package io.stockledger.server.api;

import com.typesafe.config.Config;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.micrometer.core.instrument.MeterRegistry;
import io.stockledger.server.audit.JournalAudit;
import io.stockledger.server.entity.Ledger;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.feed.NamedSubscriptions;
import io.stockledger.server.journal.History;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.PastStock;
import io.stockledger.server.journal.StartupException;
import io.stockledger.server.journal.SubscriptionStore;
import io.stockledger.server.projection.Projection;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The gRPC server: the services of the contract, health and reflection on one port. */
public final class ApiServer implements AutoCloseable {
    /** Held, since the setting goes with the object. */
    private static final Logger GRPC_LOG = Logger.getLogger("io.grpc");

    private final Server server;
    private final HealthStatusManager health;
    private final List<Reads> pools;
    private final Reads rebuilds;
    private final StockImports imports;
    private final NamedLags lags;
    private final LedgerApi ledger;
    private final Feed feed;
    private final Duration drain;

    private ApiServer(Server server, HealthStatusManager health, List<Reads> pools, Reads rebuilds, StockImports imports, NamedLags lags, LedgerApi ledger,
            Feed feed, Duration drain) {
        this.server = server;
        this.health = health;
        this.pools = pools;
        this.rebuilds = rebuilds;
        this.imports = imports;
        this.lags = lags;
        this.ledger = ledger;
        this.feed = feed;
        this.drain = drain;
    }

    /** Opens the port; from then on the ledger serves. */
    public static ApiServer start(Config config, Ledger ledger, Feed feed, SubscriptionStore store, NamedSubscriptions streams,
            JournalReader journal, Optional<Projection> projection, JournalAudit audit, InstantSource clock, Pace pace,
            MeterRegistry registry) {
        // It logs a stack trace for what any caller may send: noise on the port, a request over the limit.
        GRPC_LOG.setLevel(Level.SEVERE);
        // Netty takes two threads a core, which wake each other as more of the actors' would. It asks once, at its first use.
        System.getProperties().putIfAbsent("io.grpc.netty.shaded.io.netty.eventLoopThreads",
                Integer.toString(Runtime.getRuntime().availableProcessors()));
        Config api = config.getConfig("stockledger.api");
        ApiMeasurements measurements = new ApiMeasurements(registry);
        Reads reads = new Reads("read", api.getInt("read-threads"), api.getInt("reads-waiting-max"), Optional.empty());
        Reads listings = new Reads("list", api.getInt("list-threads"), api.getInt("reads-waiting-max"), Optional.of(pace));
        // These rest between their pages.
        Reads pastReads = new Reads("stock-at", api.getInt("stock-at-threads"), api.getInt("stock-at-waiting-max"),
                Optional.empty());
        Reads audits = new Reads("audit", api.getInt("audits-max"), api.getInt("audits-waiting-max"), Optional.empty());
        Reads names = new Reads("subscription", config.getInt("stockledger.subscriptions.threads"),
                api.getInt("reads-waiting-max"), Optional.empty());
        // What a consumer waits for does not queue behind an operator who looks into names.
        Reads consumers = new Reads("consumer", config.getInt("stockledger.subscriptions.consumer-threads"),
                api.getInt("reads-waiting-max"), Optional.empty());
        Config projectionReads = config.getConfig("stockledger.projection.reads");
        Reads projected = new Reads("projected", projectionReads.getInt("threads"), projectionReads.getInt("waiting-max"), Optional.empty());
        // Who watches a rebuild has a thread; a second one who asks is told on the other.
        Reads rebuilds = new Reads("rebuild", 2, 16, Optional.empty());
        measurements.watch(projected, "projected", projectionReads.getInt("waiting-max"));
        measurements.watch(reads, "read", api.getInt("reads-waiting-max"));
        measurements.watch(listings, "list", api.getInt("reads-waiting-max"));
        measurements.watch(pastReads, "stock-at", api.getInt("stock-at-waiting-max"));
        measurements.watch(audits, "audit", api.getInt("audits-waiting-max"));
        measurements.watch(names, "subscription", api.getInt("reads-waiting-max"));
        measurements.watch(consumers, "consumer", api.getInt("reads-waiting-max"));
        HealthStatusManager health = new HealthStatusManager();
        ProjectionApi projectionApi = new ProjectionApi(projection, feed, projected, rebuilds,
                Math.toIntExact(api.getBytes("answer-bytes-max")), clock);
        LedgerApi ledgerApi = new LedgerApi(ledger, new History(journal), reads, listings,
                new PastStock(journal, pace), pastReads, projectionApi, config, clock, measurements);
        StockImports imports = new StockImports(ledger, new MutationReader(clock), ledgerApi.admission(), pace, measurements);
        NamedLags lags = NamedLags.start(store, journal, clock, pace, config.getConfig("stockledger.subscriptions"), registry);
        Filters filters = new Filters(config.getInt("stockledger.feed.filter-values-max"));
        FeedApi feedApi = new FeedApi(feed, filters,
                new SubscriptionApi(store, streams, feed, journal, filters, names, consumers, clock));
        InetSocketAddress address = new InetSocketAddress(api.getString("host"), api.getInt("port"));
        Server server = NettyServerBuilder.forAddress(address)
                // The services never block: another thread between the transport and them halves the rate.
                .directExecutor()
                .intercept(new Principal())
                .addService(ours(ledgerApi.bind(), measurements))
                .addService(ours(feedApi.bind(), measurements))
                .addService(ours(new AdminApi(audit, audits, projectionApi, imports).bindService(), measurements))
                .addService(WellFormed.of(health.getHealthService().bindService()))
                .addService(WellFormed.of(ProtoReflectionServiceV1.newInstance().bindService()))
                .maxInboundMessageSize((int) (long) api.getBytes("request-bytes-max"))
                // A client may ask whether we are still there, also while it has no call open.
                .permitKeepAliveTime(5, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true)
                // And we ask: a consumer whose host is gone must not keep its SKUs from the others for long.
                .keepAliveTime(5, TimeUnit.SECONDS)
                .keepAliveTimeout(10, TimeUnit.SECONDS)
                .build();
        try {
            server.start();
        } catch (IOException e) {
            lags.close();
            imports.close();
            List.of(reads, listings, pastReads, audits, names, consumers, projected, rebuilds).forEach(Reads::close);
            throw new StartupException("Port " + address.getPort() + " on " + address.getHostString()
                    + " can't be opened (is another ledger running?): choose another with --port.", e);
        }
        return new ApiServer(server, health, List.of(reads, listings, pastReads, audits, names, consumers, projected, rebuilds), rebuilds, imports, lags,
                ledgerApi, feed, api.getDuration("drain"));
    }

    private static ServerServiceDefinition ours(ServerServiceDefinition service, ApiMeasurements measurements) {
        return Measured.of(WellFormed.of(service), measurements);
    }

    public int port() {
        return server.getPort();
    }

    /** Takes no new calls, ends subscriptions and mutation streams, and lets what is under way be answered. */
    @Override
    public void close() {
        health.enterTerminalState();
        lags.close();
        server.shutdown();
        ledger.stop();
        feed.close();
        // Whoever watches a rebuild would be waited for.
        rebuilds.close();
        try {
            if (!server.awaitTermination(drain.toMillis(), TimeUnit.MILLISECONDS)) {
                server.shutdownNow();
                server.awaitTermination(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
        imports.close();
        pools.forEach(Reads::close);
    }
}
