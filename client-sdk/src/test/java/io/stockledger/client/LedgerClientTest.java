package io.stockledger.client;

import static io.stockledger.client.Eventually.eventually;
import static io.stockledger.client.ScriptedLedger.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.stockledger.v1.Entry;
import io.stockledger.v1.Mutation;
import java.net.ServerSocket;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a caller of single mutations and reads may rely on. */
@Timeout(20)
class LedgerClientTest {

    private final ScriptedLedger ledger = new ScriptedLedger();
    private final LedgerClient client = LedgerClient.connect(ledger.target());

    @AfterEach
    void close() {
        client.close();
        ledger.close();
    }

    @Test
    void anAnswerLostAfterTheWriteIsAskedForAgainWithTheSameBytesAndAppliedOnce() {
        ledger.faults.add(new ScriptedLedger.Fault.AnswerLost());

        Outcome outcome = client.apply(Mutations.sell("A", 2).build());

        Outcome.Applied applied = assertInstanceOf(Outcome.Applied.class, outcome);
        assertTrue(applied.replayed());
        assertEquals(1, applied.sequence());
        assertEquals(2, ledger.arrived.size());
        assertEquals(ledger.arrived.get(0), ledger.arrived.get(1));
        assertEquals(1, ledger.applied.get("A").size());
    }

    @Test
    void whatTheCallerLeftEmptyIsFilledInOnce() {
        Instant before = Instant.now();
        client.apply(Mutations.sell("A", 2).build());

        Mutation sent = ledger.arrived.get(0);
        assertFalse(sent.getMutationId().isEmpty());
        assertFalse(Times.instant(sent.getCreatedAt()).isBefore(before));
        Duration life = Duration.between(before, Times.instant(sent.getNotAfter()));
        assertTrue(life.compareTo(Duration.ofSeconds(30)) >= 0 && life.compareTo(Duration.ofSeconds(40)) < 0);
    }

    @Test
    void anIdOfTheCallersOwnIsNotVouchedForAsNew() {
        client.apply(Mutations.sell("A", 2).setMutationId("order-7/1").build());

        assertEquals("order-7/1", ledger.arrived.get(0).getMutationId());
        assertFalse(ledger.arrived.get(0).hasCreatedAt());
    }

    @Test
    void theLedgersWishToWaitIsHonoured() {
        ledger.faults.add(refused(Status.Code.RESOURCE_EXHAUSTED, "TOO_MANY_WAITING", 300));
        long start = System.nanoTime();

        assertInstanceOf(Outcome.Applied.class, client.apply(Mutations.sell("A", 1).build()));

        assertTrue(System.nanoTime() - start >= Duration.ofMillis(300).toNanos());
        assertEquals(2, ledger.arrived.size());
    }

    @Test
    void aPlainNoIsNotAskedAgain() {
        ledger.faults.add(refused(Status.Code.ALREADY_EXISTS, "MUTATION_ID_REUSED", 0));

        LedgerException error = assertThrows(
                LedgerException.class,
                () -> client.apply(Mutations.sell("A", 1).setMutationId("m").build()));

        assertEquals("MUTATION_ID_REUSED", error.reason());
        assertEquals(Status.Code.ALREADY_EXISTS, error.code());
        assertFalse(error.outcomeUnknown());
        assertEquals(Optional.of("m"), error.mutationId());
        assertEquals(1, ledger.arrived.size());
    }

    @Test
    void anUnansweredMutationEndsAtNotAfterAndSaysThatItsOutcomeIsUnknown() {
        IntStream.range(0, 1_000).forEach(i -> ledger.faults.add(new ScriptedLedger.Fault.AnswerLost()));
        try (LedgerClient hurried = LedgerClient.builder(ledger.target())
                .mutationTimeout(Duration.ofMillis(500))
                .build()) {

            LedgerException error = assertThrows(
                    LedgerException.class, () -> hurried.apply(Mutations.sell("A", 1).build()));

            assertTrue(error.outcomeUnknown());
            assertEquals("OUTCOME_UNKNOWN", error.reason());
            assertTrue(error.getMessage().contains("GetMutation"), error.getMessage());
            assertTrue(error.getMessage().contains(error.mutationId().orElseThrow()), error.getMessage());
            assertEquals(1, new HashSet<>(ledger.arrived).size());
        }
    }

    @Test
    void aCallThatItsTransportGaveUpIsAnUnansweredOne() {
        // What gRPC says where a connection is killed at an unlucky moment; the ledger never says it.
        ledger.faults.add(new ScriptedLedger.Fault.Refused(
                Status.UNKNOWN.withDescription("channel closed").asRuntimeException()));
        ledger.faults.add(new ScriptedLedger.Fault.Refused(
                Status.INTERNAL.withDescription("RST_STREAM closed stream").asRuntimeException()));
        Mutation sale = Mutations.sell("A", 1).build();

        assertTrue(client.apply(sale) instanceof Outcome.Applied);

        assertEquals(3, ledger.arrived.size());
        assertEquals(1, new HashSet<>(ledger.arrived).size());
    }

    @Test
    void aMutationThatTheLedgerOnlyPutOffIsNotCalledUnknown() {
        IntStream.range(0, 1_000).forEach(i -> ledger.faults.add(refused(Status.Code.UNAVAILABLE, "NOT_STARTED", 0)));
        try (LedgerClient hurried = LedgerClient.builder(ledger.target())
                .mutationTimeout(Duration.ofMillis(300))
                .build()) {

            LedgerException error = assertThrows(
                    LedgerException.class, () -> hurried.apply(Mutations.sell("A", 1).build()));

            assertFalse(error.outcomeUnknown());
            assertEquals("NOT_STARTED", error.reason());
        }
    }

    @Test
    void oneAttemptWithoutAnAnswerDoesNotUseUpTheMutationsTime() {
        ledger.faults.add(new ScriptedLedger.Fault.Silence());
        try (LedgerClient quick = LedgerClient.builder(ledger.target())
                .callTimeout(Duration.ofMillis(300))
                .build()) {

            assertInstanceOf(Outcome.Applied.class, quick.apply(Mutations.sell("A", 1).build()));
            assertEquals(2, ledger.arrived.size());
        }
    }

    @Test
    void aMutationRidesThroughARestart() throws Exception {
        client.apply(Mutations.sell("A", 1).build());
        ledger.kill();
        Thread restart = new Thread(() -> {
            try {
                // The length of the outage, not a wait for anything.
                Thread.sleep(400);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            ledger.start();
        });
        restart.start();

        assertEquals(2, client.apply(Mutations.sell("A", 1).build()).sequence());
        restart.join();
    }

    @Test
    void whereNobodyListensOneLineSaysSoAtOnce() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        String line = "no ledger answers at 127.0.0.1:" + port + "; start one with ./stockledger serve";
        try (LedgerClient lost = LedgerClient.connect("127.0.0.1:" + port)) {
            LedgerException ofApply = assertThrows(
                    LedgerException.class, () -> lost.apply(Mutations.sell("A", 1).build()));
            assertEquals(line, ofApply.getMessage());
            assertFalse(ofApply.outcomeUnknown());
            assertEquals(
                    line,
                    assertThrows(LedgerException.class, () -> lost.stock("A")).getMessage());
            assertEquals(
                    line,
                    assertThrows(LedgerException.class, () -> lost.awaitReachable(Duration.ofMillis(100)))
                            .getMessage());
        }
    }

    @Test
    void readsAreAskedAgainWhileTheCallTimeoutLasts() {
        ledger.faults.add(refused(Status.Code.UNAVAILABLE, "NOT_STARTED", 0));

        assertEquals("A", client.stock("A").getSku());
    }

    @Test
    void manySkusAreAskedForAThousandAtATimeAndComeInOrder() {
        List<String> skus = IntStream.range(0, 2_300).mapToObj(i -> "SKU-" + i).toList();

        assertEquals(
                skus, client.stocks(skus, "web").stream().map(stock -> stock.getSku()).toList());
        assertEquals(List.of(1_000, 1_000, 300), ledger.batches);
    }

    @Test
    void entriesAreFetchedAsTheyAreConsumed() {
        Iterator<Entry> entries = client.entries("A", 1).iterator();
        assertEquals(1, entries.next().getSequence());
        assertTrue(ledger.batches.size() <= 2, "pages fetched: " + ledger.batches.size());

        assertEquals(2_491, client.entries("A", 10).count());
    }

    @Test
    void aReservationThatTheSkuDoesNotKnowIsEmpty() {
        assertEquals(Optional.empty(), client.reservation("A", "r"));
    }

    @Test
    void whatIsNoTargetIsSaidSo() {
        for (String target : List.of("", ":7400", "host:", "host:0", "host:99999", "http://host:1")) {
            assertThrows(IllegalArgumentException.class, () -> LedgerClient.builder(target), target);
        }
        try (LedgerClient named = LedgerClient.connect("localhost");
                LedgerClient bracketed = LedgerClient.connect("[::1]:7401")) {
            assertEquals("localhost:7400", named.target());
            assertEquals("[::1]:7401", bracketed.target());
        }
    }

    @Test
    void noThreadOfAClosedClientKeepsItsProcessAlive() throws Exception {
        client.apply(Mutations.sell("A", 1).build());
        client.submit(Mutations.sell("A", 1).build()).get();
        client.close();

        eventually("the timer ended", () -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("stockledger-timer") && !thread.isDaemon()));
        assertTrue(Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("grpc") || thread.getName().startsWith("stockledger"))
                .allMatch(Thread::isDaemon));
        assertEquals(
                "CLIENT_CLOSED",
                assertThrows(LedgerException.class, () -> client.stock("A")).reason());
    }
}
