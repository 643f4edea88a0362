package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.typesafe.config.ConfigFactory;
import io.grpc.ManagedChannel;
import io.grpc.Status.Code;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.server.RunningLedger.Problem;
import io.stockledger.server.journal.StartupException;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A stop leaves nobody without an answer, and a start that can't be says why. */
class StopTest {
    @Test
    void callsUnderWayAreAnsweredByAStop() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("")) {
            ledger.applied(Mutations.receive("stop", 1));
            LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel())
                    .withDeadlineAfter(30, TimeUnit.SECONDS);
            StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
            StreamCaller idle = new StreamCaller(ledger.callsWithoutWaiting());
            idle.send(Mutations.receive("stop", 1));
            assertTrue(idle.results().get(0).hasApplied());
            List<Future<ApplyMutationResponse>> answers = new ArrayList<>();
            Thread stop = new Thread(() -> ledger.server().close());
            long begun;
            try (RunningLedger.HeldWrites held = ledger.holdWrites()) {
                for (int i = 0; i < 20; i++) {
                    answers.add(calls.applyMutation(RunningLedger.request(Mutations.receive("stop", 1))));
                }
                stream.send(Mutations.receive("stop", 1), Mutations.receive("stop", 1));
                // Over the same connection: once this is answered, all those before it have arrived.
                assertEquals(0, ledger.stock("other").getSequence());
                held.awaitOne();
                stop.start();
                begun = System.nanoTime();
                // Streams end, rather than hold the stop up.
                assertEquals("UNAVAILABLE/NOT_STARTED", idle.problem().name());
            }
            for (Future<ApplyMutationResponse> answer : answers) {
                assertTrue(answer.get().getResult().hasApplied());
            }
            assertTrue(stream.results().get(1).hasApplied());
            assertEquals("UNAVAILABLE/NOT_STARTED", stream.problem().name());
            stop.join(20_000);
            long stoppedAfterMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
            assertTrue(stoppedAfterMs < 4_000, "a stop with nothing to wait for took " + stoppedAfterMs + " ms");
            ledger.startAgain();
            assertEquals(24, ledger.stock("stop").getSequence());
        }
    }

    @Test
    void aSubscriptionEndsWithUnavailableAndGoesOnWhereItWasElsewhere() {
        var database = TestPostgresql.emptyDatabase();
        RunningLedger first = RunningLedger.start(new Server.Store.Postgresql(database), "");
        for (int i = 0; i < 5; i++) {
            first.applied(Mutations.receive("feed", 1));
        }
        Iterator<SubscribeResponse> feed = first.feed().subscribe(SubscribeRequest.newBuilder().setFromBeginning(true)
                .setHeartbeatIntervalMs(100).build());
        List<Long> sequences = new ArrayList<>();
        ByteString cursor = ByteString.EMPTY;
        while (sequences.size() < 5) {
            SubscribeResponse message = feed.next();
            message.getEntriesList().stream().map(Entry::getSequence).forEach(sequences::add);
            cursor = message.getCursor();
        }
        first.server().close();
        Problem ended = RunningLedger.problem(() -> {
            while (feed.hasNext()) {
                feed.next();
            }
            return "completed";
        });
        assertEquals(Code.UNAVAILABLE, ended.code());
        assertEquals("SHUTTING_DOWN", ended.reason());
        first.close();

        try (RunningLedger second = RunningLedger.start(new Server.Store.Postgresql(database), "")) {
            second.applied(Mutations.receive("feed", 1));
            Iterator<SubscribeResponse> resumed = second.feed().subscribe(SubscribeRequest.newBuilder()
                    .setAfterCursor(cursor).build());
            while (sequences.size() < 6) {
                resumed.next().getEntriesList().stream().map(Entry::getSequence).forEach(sequences::add);
            }
            assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L), sequences);
        }
    }

    @Test
    void aClientRidesThroughARestart() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            port = free.getLocalPort();
        }
        try (RunningLedger ledger = RunningLedger.start("stockledger.api.port = " + port);
                LedgerClient client = LedgerClient.connect("127.0.0.1:" + port)) {
            List<Future<Outcome>> outcomes = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                outcomes.add(client.submit(Mutations.receive("ride", 1).build()));
            }
            outcomes.get(0).get();
            ledger.stop();
            for (int i = 0; i < 200; i++) {
                outcomes.add(client.submit(Mutations.receive("ride", 1).build()));
            }
            ledger.startAgain();
            for (Future<Outcome> outcome : outcomes) {
                assertTrue(outcome.get(30, TimeUnit.SECONDS) instanceof Outcome.Applied);
            }
            assertEquals(400, client.stock("ride").getSequence());
        }
    }

    @Test
    void aPortInUseIsSaidInOneLineBeforeAnythingIsMade() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            var database = TestPostgresql.emptyDatabase();
            StartupException refused = assertThrows(StartupException.class, () -> Server.start(
                    new Server.Store.Postgresql(database),
                    Server.config(ConfigFactory.parseString("stockledger.api.port = " + other.getLocalPort())),
                    Clock.systemUTC()));
            assertEquals(1, refused.getMessage().lines().count());
            assertTrue(refused.getMessage().contains(String.valueOf(other.getLocalPort())), refused.getMessage());
        }
    }

    @Test
    void aSecondLedgerOnTheSameDatabaseIsRefusedUntilTheFirstIsGone() {
        Server.Store store = new Server.Store.Postgresql(TestPostgresql.emptyDatabase());
        RunningLedger first = RunningLedger.start(store, "");
        StartupException refused = assertThrows(StartupException.class, () -> RunningLedger.start(store, ""));
        assertTrue(refused.getMessage().startsWith("Another ledger is running on the database"), refused.getMessage());
        first.close();
        RunningLedger.start(store, "").close();
    }

    @Test
    void afterAStopNobodyIsServed() {
        RunningLedger ledger = RunningLedger.start("");
        int port = ledger.port();
        ledger.close();
        ManagedChannel channel = RunningLedger.channelTo(port);
        try {
            assertEquals(Code.UNAVAILABLE, RunningLedger.problem(() -> LedgerServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .applyMutation(RunningLedger.request(Mutations.receive("a", 1)))).code());
        } finally {
            channel.shutdownNow();
        }
    }
}
