package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.Applied;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetMutationRequest;
import io.stockledger.v1.GetMutationResponse;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Refusal;
import io.stockledger.v1.Stock;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * A whole ledger in this process, on a database and a port of its own, with a clock that the test moves: real
 * PostgreSQL, real actors, real gRPC over loopback. It can be stopped and started again on the same database.
 */
final class RunningLedger implements AutoCloseable {
    /** Longer than anything here may take; a test that needs it has failed. */
    static final Duration BOUND = Duration.ofSeconds(30);

    private static final AtomicInteger IDS = new AtomicInteger();

    final MovedClock clock = new MovedClock();
    private final Server.Store store;
    private final Config config;
    private Server server;
    private ManagedChannel channel;

    private RunningLedger(Server.Store store, String settings) {
        this.store = store;
        this.config = Server.config(ConfigFactory.parseString(settings).withFallback(ConfigFactory.parseString(
                "akka.loglevel = WARNING, stockledger { api { port = 0, drain = 5 s }, metrics.port = 0,"
                        // HeldWrites holds them by a lock.
                        + " journal.write-lock-wait = 14 s }")));
    }

    /** On a new database of the tests' PostgreSQL. */
    static RunningLedger start(String settings) {
        return start(new Server.Store.Postgresql(TestPostgresql.emptyDatabase()), settings);
    }

    static RunningLedger start(Server.Store store, String settings) {
        RunningLedger ledger = new RunningLedger(store, settings);
        ledger.startAgain();
        return ledger;
    }

    void startAgain() {
        server = Server.start(store, config, clock);
        channel = channelTo(server.port());
    }

    void stop() {
        channel.shutdownNow();
        server.close();
    }

    /** Stops and starts again. */
    void restart() {
        stop();
        startAgain();
    }

    @Override
    public void close() {
        stop();
    }

    /** The server alone, so that a test sees what its clients see of a stop. */
    Server server() {
        return server;
    }

    int port() {
        return server.port();
    }

    ManagedChannel channel() {
        return channel;
    }

    static ManagedChannel channelTo(int port) {
        return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().maxInboundMessageSize(64 << 20).build();
    }

    // ---- Calls ----

    LedgerServiceGrpc.LedgerServiceBlockingStub calls() {
        return LedgerServiceGrpc.newBlockingStub(channel).withDeadlineAfter(BOUND.toSeconds(), TimeUnit.SECONDS);
    }

    LedgerServiceGrpc.LedgerServiceStub callsWithoutWaiting() {
        return LedgerServiceGrpc.newStub(channel).withDeadlineAfter(BOUND.toSeconds(), TimeUnit.SECONDS);
    }

    AdminServiceGrpc.AdminServiceBlockingStub admin() {
        return AdminServiceGrpc.newBlockingStub(channel).withDeadlineAfter(BOUND.toSeconds(), TimeUnit.SECONDS);
    }

    FeedServiceGrpc.FeedServiceBlockingStub feed() {
        return FeedServiceGrpc.newBlockingStub(channel).withDeadlineAfter(BOUND.toSeconds(), TimeUnit.SECONDS);
    }

    static String newId() {
        return "id-" + IDS.incrementAndGet();
    }

    /** One mutation; it gets an id if it has none. */
    MutationResult apply(Mutation.Builder mutation) {
        return calls().applyMutation(request(mutation)).getResult();
    }

    static ApplyMutationRequest request(Mutation.Builder mutation) {
        if (mutation.getMutationId().isEmpty()) {
            mutation.setMutationId(newId());
        }
        return ApplyMutationRequest.newBuilder().setMutation(mutation).build();
    }

    /** One mutation that must be applied. */
    Applied applied(Mutation.Builder mutation) {
        MutationResult result = apply(mutation);
        assertTrue(result.hasApplied(), () -> "not applied: " + result);
        return result.getApplied();
    }

    /** One mutation that must be refused. */
    Refusal refused(Mutation.Builder mutation) {
        MutationResult result = apply(mutation);
        assertTrue(result.hasRefusal(), () -> "not refused: " + result);
        return result.getRefusal();
    }

    Stock stock(String sku) {
        return calls().getStock(GetStockRequest.newBuilder().setSku(sku).build()).getStock();
    }

    /** Straight from the journal: wakes no SKU. */
    List<Entry> entries(String sku) {
        List<Entry> entries = new ArrayList<>();
        while (true) {
            List<Entry> page = calls().listEntries(ListEntriesRequest.newBuilder().setSku(sku).setPageSize(1_000)
                    .setFromSequence(entries.size() + 1).build()).getEntriesList();
            if (page.isEmpty()) {
                return entries;
            }
            entries.addAll(page);
        }
    }

    GetMutationResponse mutation(String sku, String id) {
        return calls().getMutation(GetMutationRequest.newBuilder().setSku(sku).setMutationId(id).build());
    }

    Timestamp now() {
        return at(Duration.ZERO);
    }

    /** So long after now, by the ledger's clock. */
    Timestamp at(Duration fromNow) {
        return Timestamps.fromMillis(clock.millis() + fromNow.toMillis());
    }

    // ---- Errors ----

    /** A gRPC status and what the ledger adds to it. */
    record Problem(Code code, String reason, Optional<Duration> retryAfter, String message) {
        static Problem of(Status status) {
            String reason = "";
            Optional<Duration> retryAfter = Optional.empty();
            try {
                for (Any detail : status.getDetailsList()) {
                    if (detail.is(ErrorInfo.class)) {
                        reason = detail.unpack(ErrorInfo.class).getReason();
                    } else if (detail.is(RetryInfo.class)) {
                        retryAfter = Optional.of(Duration.ofMillis(com.google.protobuf.util.Durations.toMillis(
                                detail.unpack(RetryInfo.class).getRetryDelay())));
                    }
                }
            } catch (InvalidProtocolBufferException e) {
                throw new AssertionError(e);
            }
            return new Problem(io.grpc.Status.fromCodeValue(status.getCode()).getCode(), reason, retryAfter,
                    status.getMessage());
        }

        static Problem of(Throwable thrown) {
            if (thrown instanceof StatusRuntimeException status) {
                return of(StatusProto.fromThrowable(status));
            }
            throw new AssertionError("not a status", thrown);
        }

        /** As in a table: {@code INVALID_ARGUMENT/INVALID_FIELD}. */
        String name() {
            return code + "/" + reason;
        }
    }

    /** What a call that must fail fails with. */
    static Problem problem(Supplier<?> call) {
        try {
            Object answer = call.get();
            return fail("no error but " + answer);
        } catch (StatusRuntimeException e) {
            return Problem.of(e);
        }
    }

    // ---- The store ----

    Database.Address database() {
        return server.storeAddress();
    }

    /** A connection that may do anything; for looking, and for damage. */
    Connection superuser() throws SQLException {
        String name = database().url().replaceFirst(".*/", "");
        Connection connection = TestPostgresql.superuser(name);
        connection.setSchema(Database.SCHEMA);
        return connection;
    }

    long count(String query, Object... parameters) throws SQLException {
        try (Connection connection = superuser(); PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                assertTrue(row.next());
                return row.getLong(1);
            }
        }
    }

    /** From now on every write to the journal waits in the store. */
    HeldWrites holdWrites() throws SQLException {
        return new HeldWrites();
    }

    /** Writes to the journal that wait in the store until this is closed; reads go on. */
    final class HeldWrites implements AutoCloseable {
        private final Connection blocker = superuser();

        private HeldWrites() throws SQLException {
            blocker.setAutoCommit(false);
            try (Statement statement = blocker.createStatement()) {
                statement.execute("LOCK TABLE event_journal IN SHARE MODE");
            }
        }

        /** Returns once a write has come in. */
        void awaitOne() {
            await("a write waits in the store", () -> count("SELECT count(*) FROM pg_stat_activity"
                    + " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    + " AND query ILIKE '%insert into%event_journal%'") > 0);
        }

        /** Lets them go on. */
        @Override
        public void close() throws SQLException {
            blocker.rollback();
            blocker.close();
        }
    }

    // ---- Metrics ----

    /** Of a metric without labels. */
    double metric(String name) throws IOException {
        try (InputStream page = URI.create(server.metricsUrl().orElseThrow()).toURL().openStream()) {
            return new String(page.readAllBytes(), StandardCharsets.UTF_8).lines().filter(line -> line.startsWith(name + " "))
                    .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1))).findFirst().orElseThrow();
        }
    }

    // ---- Waiting ----

    /** A condition that may fail to be looked at. */
    interface Condition {
        boolean holds() throws Exception;
    }

    static void await(String what, Condition condition) {
        await(what, BOUND, condition);
    }

    static void await(String what, Duration bound, Condition condition) {
        long end = System.nanoTime() + bound.toNanos();
        try {
            while (!condition.holds()) {
                if (System.nanoTime() > end) {
                    fail("not within " + bound + ": " + what);
                }
                TimeUnit.MILLISECONDS.sleep(2);
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(what, e);
        }
    }

    /** The machine's clock, moved on by the test. */
    static final class MovedClock extends Clock {
        private final AtomicLong aheadMs = new AtomicLong();

        void forward(Duration by) {
            aheadMs.addAndGet(by.toMillis());
        }

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(System.currentTimeMillis() + aheadMs.get());
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException("the ledger knows no zones");
        }
    }
}
