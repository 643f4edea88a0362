package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.StreamObserver;
import io.stockledger.client.Mutations;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.SoleLedger;
import io.stockledger.server.journal.TestPostgresql;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A ledger that would answer from what it last saw, or not at all, stops and says why; one that need only wait does not. */
class CannotGoOnTest {
    /** What a ledger locks, for itself alone. */
    private static final long SOLE_LEDGER = 0x534C4544474552L;

    /** What the ledger says of its health, as it changes. */
    private static List<ServingStatus> health(ManagedChannel channel) {
        List<ServingStatus> told = new CopyOnWriteArrayList<>();
        HealthGrpc.newStub(channel).watch(HealthCheckRequest.getDefaultInstance(), new StreamObserver<>() {
            @Override
            public void onNext(HealthCheckResponse message) {
                told.add(message.getStatus());
            }

            @Override
            public void onError(Throwable ended) {}

            @Override
            public void onCompleted() {}
        });
        await("it serves", () -> told.equals(List.of(ServingStatus.SERVING)));
        return told;
    }

    /** The session that holds the ledger's lock. */
    private static Optional<Integer> holder(Connection superuser) throws SQLException {
        try (PreparedStatement ask = superuser.prepareStatement("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
                + " AND (classid::bigint << 32 | objid::bigint) = ? AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")) {
            ask.setLong(1, SOLE_LEDGER);
            try (ResultSet row = ask.executeQuery()) {
                return row.next() ? Optional.of(row.getInt(1)) : Optional.empty();
            }
        }
    }

    private static Connection superuser(Database.Address database) throws SQLException {
        return TestPostgresql.superuser(database.url().replaceFirst(".*/", ""));
    }

    @Test
    void aLedgerWhoseDatabaseAnotherHasTakenStopsAndSaysWhy(@TempDir Path folder) throws Exception {
        Database.Address database = TestPostgresql.emptyDatabase();
        Path settings = Files.writeString(folder.resolve("settings.conf"), "akka.loglevel = WARNING, stockledger.api.drain = 1 s");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        CompletableFuture<Integer> exitCode = CompletableFuture.supplyAsync(() -> Main.serve(new Main.Options(Optional.empty(),
                Optional.of(database.url().replace("jdbc:postgresql://", "postgresql://" + database.user() + ":" + database.password() + "@")),
                Optional.empty(), Optional.of(0), Optional.of(0), Optional.of(settings)), new PrintStream(out), new PrintStream(err)),
                task -> new Thread(task, "serve").start());
        Pattern serving = Pattern.compile("gRPC on 127.0.0.1:([0-9]+)");
        await("it says where it serves", () -> serving.matcher(out.toString(StandardCharsets.UTF_8)).find());
        Matcher port = serving.matcher(out.toString(StandardCharsets.UTF_8));
        assertTrue(port.find());
        ManagedChannel channel = RunningLedger.channelTo(Integer.parseInt(port.group(1)));
        try (Connection other = superuser(database); Connection operator = superuser(database); Statement ask = operator.createStatement()) {
            List<ServingStatus> health = health(channel);
            // Stands next in line, so that the first ledger can't have it back.
            CompletableFuture<Boolean> taken = CompletableFuture.supplyAsync(() -> {
                try (Statement take = other.createStatement()) {
                    return take.execute("SELECT pg_advisory_lock(" + SOLE_LEDGER + ")");
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            }, task -> new Thread(task, "other").start());
            await("the other waits", () -> {
                try (ResultSet row = ask.executeQuery("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")) {
                    return row.next() && row.getInt(1) == 1;
                }
            });
            assertFalse(exitCode.isDone());
            ask.execute("SELECT pg_terminate_backend(" + holder(operator).orElseThrow() + ")");
            assertTrue(taken.get(30, TimeUnit.SECONDS));

            await("it says that it does not serve", () -> health.equals(List.of(ServingStatus.SERVING, ServingStatus.NOT_SERVING)));
            assertEquals(1, exitCode.get(30, TimeUnit.SECONDS));
            String why = err.toString(StandardCharsets.UTF_8);
            assertEquals(1, why.lines().count(), why);
            assertTrue(why.startsWith("stockledger: Another ledger has taken over the database at "), why);
            assertFalse(why.contains(database.password()), why);
        } finally {
            channel.shutdownNow();
        }
    }

    @Test
    void aLedgerGoesOnWhereOnlyItsOwnLostSessionHoldsTheDatabase() throws Exception {
        Database.Address direct = TestPostgresql.emptyDatabase();
        AtomicInteger lost = new AtomicInteger();
        try (HoldingProxy network = HoldingProxy.before(direct);
                Database database = Database.open(network.addressOf(direct), TestPostgresql.JOURNAL);
                SoleLedger sole = SoleLedger.on(database, false, lost::incrementAndGet);
                Connection superuser = superuser(direct)) {
            Optional<Integer> first = holder(superuser);
            assertTrue(first.isPresent());
            network.loseCallers();
            await("it has a new session", () -> holder(superuser).isPresent() && !holder(superuser).equals(first));
            assertEquals(0, lost.get());
        }
    }

    @Test
    void aLedgerWaitsForAStoreThatIsMerelyAway() throws Exception {
        Database.Address direct = TestPostgresql.emptyDatabase();
        AtomicInteger lost = new AtomicInteger();
        try (HoldingProxy network = HoldingProxy.before(direct);
                Database database = Database.open(network.addressOf(direct), TestPostgresql.JOURNAL);
                SoleLedger sole = SoleLedger.on(database, false, lost::incrementAndGet);
                Connection superuser = superuser(direct)) {
            int before = network.turnedAway();
            network.breakDown();
            await("its session is gone", () -> holder(superuser).isEmpty());
            await("it has asked in vain", () -> network.turnedAway() > before + 1);
            network.mend();
            await("it has the lock again", () -> holder(superuser).isPresent());
            assertEquals(0, lost.get());
        }
    }

    @Test
    void aNodeThatItsClusterTakesForGoneStopsAndSaysWhy() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("akka.cluster.jmx.enabled = on, stockledger.api.drain = 1 s")) {
            ledger.applied(Mutations.receive("gone", 1));
            List<ServingStatus> health = health(ledger.channel());
            MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
            ObjectName cluster = new ObjectName("akka:type=Cluster");
            await("it is a member", () -> "Up".equals(beans.getAttribute(cluster, "MemberStatus")));
            beans.invoke(cluster, "down", new Object[] {beans.getAttribute(cluster, "Leader")}, new String[] {String.class.getName()});
            await("it says that it does not serve", () -> health.equals(List.of(ServingStatus.SERVING, ServingStatus.NOT_SERVING)));
            String why = ledger.server().failure().toCompletableFuture().get(30, TimeUnit.SECONDS);
            assertEquals(1, why.lines().count(), why);
            assertTrue(why.startsWith("This node's actors have ended"), why);
            // CANCELLED: of a call that was still taken in.
            Code code = RunningLedger.problem(() -> ledger.apply(Mutations.receive("gone", 1))).code();
            assertTrue(code == Code.UNAVAILABLE || code == Code.CANCELLED, code::name);
        }
    }
}
