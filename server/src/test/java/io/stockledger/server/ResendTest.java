package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.stockledger.client.Mutations;
import io.stockledger.v1.Applied;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.ReservationState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** An id that was applied is recognised for the whole window: the first outcome again, or a refusal of other content. */
class ResendTest {
    private static final int IDS_KEPT = 64;
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start(SETTINGS);
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static final String SETTINGS = "stockledger.entity { ids-kept = " + IDS_KEPT
            + ", window = 1 hour, snapshot-rows = 10, sweep-interval = 1 hour }";

    private static Applied replayed(Mutation.Builder mutation, Applied first) {
        return replayed(ledger, mutation, first);
    }

    private static Applied replayed(RunningLedger ledger, Mutation.Builder mutation, Applied first) {
        Applied again = ledger.applied(mutation);
        assertTrue(again.getReplayed(), "decided afresh: " + again);
        assertEquals(first, again.toBuilder().setReplayed(false).build());
        return again;
    }

    private static void newerIds(String sku, int count, boolean withCreatedAt) {
        newerIds(ledger, sku, count, withCreatedAt);
    }

    private static void newerIds(RunningLedger ledger, String sku, int count, boolean withCreatedAt) {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        List<Mutation.Builder> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Mutation.Builder mutation = Mutations.receive(sku, 1);
            batch.add(withCreatedAt ? mutation.setCreatedAt(ledger.now()) : mutation);
        }
        stream.send(batch);
        assertTrue(stream.results().stream().allMatch(MutationResult::hasApplied));
        stream.complete();
        stream.awaitCompletion();
    }

    @Test
    void theSameIdGivesTheFirstOutcomeWithReplayed() {
        Mutation.Builder receive = Mutations.receive("same", 5);
        Applied first = ledger.applied(receive);
        assertFalse(first.getReplayed());
        replayed(receive, first);
        // What was true at first, not what is true now.
        ledger.applied(Mutations.sell("same", 2));
        assertEquals(5, replayed(receive, first).getBalances(0).getAvailable());
        assertEquals(2, ledger.stock("same").getSequence());
    }

    @Test
    void createdAtAndNotAfterAreNoPartOfTheContent() {
        Mutation.Builder receive = Mutations.receive("times", 5);
        Applied first = ledger.applied(receive);
        replayed(receive.clone().setNotAfter(ledger.at(Duration.ofMinutes(1))), first);
        replayed(receive.clone().setCreatedAt(ledger.now()), first);
    }

    @Test
    void aResendAfterItsNotAfterStillLearnsThatItWasApplied() {
        Mutation.Builder receive = Mutations.receive("late", 5).setNotAfter(ledger.at(Duration.ofSeconds(5)));
        Applied first = ledger.applied(receive);
        ledger.clock.forward(Duration.ofSeconds(10));
        replayed(receive, first);
    }

    @Test
    void anIdIsRecognisedAfterARestart() {
        Mutation.Builder receive = Mutations.receive("restart", 5);
        Applied first = ledger.applied(receive);
        ledger.restart();
        replayed(receive, first);
        assertEquals(1, ledger.stock("restart").getSequence());
    }

    @Test
    void anIdIsRecognisedAfterTheSnapshot() throws Exception {
        Mutation.Builder receive = Mutations.receive("snapshot", 5);
        Applied first = ledger.applied(receive);
        for (int i = 0; i < 15; i++) {
            ledger.applied(Mutations.receive("snapshot", 1));
        }
        await("a snapshot", () -> ledger.count("SELECT count(*) FROM snapshot WHERE persistence_id = ?", "snapshot") > 0);
        ledger.restart();
        replayed(receive, first);
        assertEquals(16, ledger.stock("snapshot").getSequence());
    }

    @Test
    void anIdIsRecognisedAfterPassivation() {
        Set<String> passivated = ConcurrentHashMap.newKeySet();
        Logger logger = (Logger) LoggerFactory.getLogger("akka.cluster.sharding");
        AppenderBase<ILoggingEvent> listener = new AppenderBase<>() {
            @Override
            protected void append(ILoggingEvent event) {
                passivated.add(event.getFormattedMessage());
            }
        };
        listener.start();
        logger.setLevel(Level.DEBUG);
        logger.setAdditive(false);
        logger.addAppender(listener);
        try (RunningLedger forgetful = RunningLedger.start("akka.loglevel = DEBUG,"
                + " akka.cluster.sharding.verbose-debug-logging = on,"
                + " stockledger.entity.idle-after = 300 ms")) {
            Mutation.Builder receive = Mutations.receive("passive", 5);
            Applied first = forgetful.applied(receive);
            await("the SKU has left memory", () -> passivated.stream().anyMatch(
                    line -> line.contains("[passive] terminated after passivating")));
            Applied again = forgetful.applied(receive);
            assertEquals(first.toBuilder().setReplayed(true).build(), again);
        } finally {
            logger.detachAppender(listener);
            logger.setAdditive(true);
            logger.setLevel(null);
        }
    }

    @Test
    void anIdWithoutCreatedAtIsRecognisedAfterManyMoreNewerIdsThanAreKept() {
        Mutation.Builder receive = Mutations.receive("many", 5);
        Applied first = ledger.applied(receive);
        newerIds("many", 3 * IDS_KEPT, false);
        replayed(receive, first);
        newerIds("many", 3 * IDS_KEPT, true);
        replayed(receive, first);
        ledger.restart();
        replayed(receive, first);
        assertEquals(MutationState.MUTATION_STATE_APPLIED, ledger.mutation("many", receive.getMutationId()).getState());
        assertEquals(1 + 6 * IDS_KEPT, ledger.stock("many").getSequence());
    }

    @Test
    void anIdWithCreatedAtIsRecognisedAfterManyMoreNewerIdsThanAreKept() {
        Mutation.Builder receive = Mutations.receive("created", 5).setCreatedAt(ledger.now());
        Applied first = ledger.applied(receive);
        ledger.clock.forward(Duration.ofMinutes(1));
        newerIds("created", 3 * IDS_KEPT, true);
        replayed(receive, first);
        newerIds("created", 3 * IDS_KEPT, false);
        replayed(receive, first);
        ledger.restart();
        replayed(receive, first);
        assertEquals(1 + 6 * IDS_KEPT, ledger.stock("created").getSequence());
    }

    @Test
    void aFreshIdNeedsNoLookUpHoweverManyCameBefore() {
        // Where none may wait, a mutation that needs a look-up fails.
        String noLookUps = SETTINGS + ", stockledger.entity.look-ups-waiting-max = 0";
        try (RunningLedger without = RunningLedger.start(noLookUps)) {
            newerIds(without, "fresh", 10 * IDS_KEPT, false);
            without.restart();
            newerIds(without, "fresh", 3 * IDS_KEPT, false);
            assertEquals(13 * IDS_KEPT, without.stock("fresh").getSequence());
        }
        try (RunningLedger forgetful = RunningLedger.start(noLookUps + ", stockledger.entity.older-ids-kept = 0")) {
            newerIds(forgetful, "fresh", IDS_KEPT, false);
            newerIds(forgetful, "fresh", IDS_KEPT, true);
            assertEquals("RESOURCE_EXHAUSTED/TOO_MANY_LOOKUPS",
                    problem(() -> forgetful.apply(Mutations.receive("fresh", 1))).name(), "then the test shows nothing");
        }
    }

    @Test
    void anIdIsRecognisedAlsoWhereMoreWereForgottenThanMemoryKeeps() {
        try (RunningLedger small = RunningLedger.start(SETTINGS + ", stockledger.entity.older-ids-kept = " + 2 * IDS_KEPT)) {
            Mutation.Builder forgotten = Mutations.receive("small", 5);
            Applied first = small.applied(forgotten);
            newerIds(small, "small", 6 * IDS_KEPT, false);
            Mutation.Builder older = Mutations.receive("small", 6);
            Applied second = small.applied(older);
            newerIds(small, "small", 3 * IDS_KEPT / 2, false);
            replayed(small, forgotten, first);
            replayed(small, older, second);
            small.restart();
            replayed(small, forgotten, first);
            replayed(small, older, second);
            assertEquals(2 + 15 * IDS_KEPT / 2, small.stock("small").getSequence());
        }
    }

    @Test
    void withTheDefaultSettingsAnIdIsRecognisedAfterTwoHundredThousandNewerOnes() {
        try (RunningLedger usual = RunningLedger.start("")) {
            Mutation.Builder plain = Mutations.receive("busy", 5);
            Mutation.Builder vouched = Mutations.receive("busy", 6).setCreatedAt(usual.now());
            Applied firstPlain = usual.applied(plain);
            Applied firstVouched = usual.applied(vouched);
            usual.clock.forward(Duration.ofMinutes(1));
            StreamCaller stream = new StreamCaller(usual.callsWithoutWaiting());
            for (int batch = 0; batch < 200; batch++) {
                List<Mutation.Builder> newer = new ArrayList<>();
                for (int i = 0; i < 1_000; i++) {
                    newer.add(Mutations.receive("busy", 1).setCreatedAt(usual.now()));
                }
                stream.send(newer);
                if (batch >= 8) {
                    assertTrue(stream.results().stream().allMatch(MutationResult::hasApplied));
                }
            }
            assertTrue(stream.results(8).stream().allMatch(MutationResult::hasApplied));
            replayed(usual, plain, firstPlain);
            replayed(usual, vouched, firstVouched);
            assertEquals(MutationState.MUTATION_STATE_APPLIED, usual.mutation("busy", plain.getMutationId()).getState());
            usual.restart();
            replayed(usual, plain, firstPlain);
            replayed(usual, vouched, firstVouched);
            assertEquals(200_002, usual.stock("busy").getSequence());
        }
    }

    @Test
    void aForgottenIdWithOtherContentIsStillRefused() {
        Mutation.Builder receive = Mutations.receive("forgotten", 5);
        ledger.applied(receive);
        newerIds("forgotten", 3 * IDS_KEPT, false);
        assertEquals("ALREADY_EXISTS/MUTATION_ID_REUSED",
                problem(() -> ledger.apply(Mutations.receive("forgotten", 6).setMutationId(receive.getMutationId()))).name());
    }

    @Test
    void theSameIdWithOtherContentIsRefused() {
        Mutation.Builder receive = Mutations.receive("other", 5);
        ledger.applied(receive);
        for (Mutation.Builder other : List.of(
                Mutations.receive("other", 6),
                Mutations.receive("other", 5).setLocation("elsewhere"),
                Mutations.receive("other", 5).setReference("another document"),
                Mutations.sell("other", 5))) {
            assertEquals("ALREADY_EXISTS/MUTATION_ID_REUSED",
                    problem(() -> ledger.apply(other.setMutationId(receive.getMutationId()))).name());
        }
        assertEquals(1, ledger.stock("other").getSequence());
    }

    @Test
    void anIdIsOfItsSkuAlone() {
        ledger.applied(Mutations.receive("left", 5).setMutationId("shared"));
        assertFalse(ledger.applied(Mutations.receive("right", 7).setMutationId("shared")).getReplayed());
    }

    @Test
    void createdAtOlderThanTheWindowIsExpired() {
        try (RunningLedger aging = RunningLedger.start(SETTINGS + ", stockledger.entity.older-ids-kept = 0")) {
            Mutation.Builder old = Mutations.receive("old", 5).setCreatedAt(aging.at(Duration.ofMinutes(-61)));
            assertEquals("FAILED_PRECONDITION/MUTATION_EXPIRED", problem(() -> aging.apply(old)).name());
            assertEquals(0, aging.stock("old").getSequence());

            // Also where the id was applied once, and is forgotten by now.
            Mutation.Builder receive = Mutations.receive("old", 5).setCreatedAt(aging.now());
            aging.applied(receive);
            aging.clock.forward(Duration.ofMinutes(61));
            newerIds(aging, "old", 3 * IDS_KEPT, true);
            assertEquals("FAILED_PRECONDITION/MUTATION_EXPIRED", problem(() -> aging.apply(receive)).name());
            assertEquals(1 + 3 * IDS_KEPT, aging.stock("old").getSequence());
        }
    }

    @Test
    void createdAtAheadOfTheClockIsRefused() {
        Mutation.Builder ahead = Mutations.receive("ahead", 5).setCreatedAt(ledger.at(Duration.ofSeconds(70)));
        assertEquals("INVALID_ARGUMENT/CREATED_AT_AHEAD", problem(() -> ledger.apply(ahead)).name());
        ledger.applied(Mutations.receive("ahead", 5).setCreatedAt(ledger.at(Duration.ofSeconds(30))));
        assertEquals(1, ledger.stock("ahead").getSequence());
    }

    @Test
    void theSameIdTwiceInOneBatchIsAppliedOnce() {
        Mutation.Builder receive = Mutations.receive("batch", 5);
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(receive, receive, Mutations.receive("batch", 1), receive);
        List<MutationResult> results = stream.results();
        assertEquals(List.of(1L, 1L, 2L, 1L), results.stream().map(r -> r.getApplied().getSequence()).toList());
        assertEquals(List.of(false, true, false, true), results.stream().map(r -> r.getApplied().getReplayed()).toList());
        stream.send(receive, Mutations.receive("batch", 9).setMutationId(receive.getMutationId()));
        results = stream.results();
        assertTrue(results.get(0).getApplied().getReplayed());
        assertEquals("ALREADY_EXISTS/MUTATION_ID_REUSED", RunningLedger.Problem.of(results.get(1).getError()).name());
        assertEquals(2, ledger.stock("batch").getSequence());
    }

    @Test
    void ofTwoCopiesAtOnceOneIsTheFirst() throws Exception {
        for (int i = 0; i < 50; i++) {
            Mutation.Builder receive = Mutations.receive("copies", 1);
            LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel())
                    .withDeadlineAfter(30, TimeUnit.SECONDS);
            var one = calls.applyMutation(RunningLedger.request(receive));
            var two = calls.applyMutation(RunningLedger.request(receive));
            Applied first = one.get().getResult().getApplied();
            Applied second = two.get().getResult().getApplied();
            assertEquals(i + 1, first.getSequence());
            assertEquals(i + 1, second.getSequence());
            assertTrue(first.getReplayed() ^ second.getReplayed());
        }
    }

    @Test
    void aRefusedIdIsDecidedAfresh() {
        Mutation.Builder sale = Mutations.sell("afresh", 1);
        ledger.refused(sale);
        ledger.applied(Mutations.receive("afresh", 1));
        assertFalse(ledger.applied(sale).getReplayed());
    }

    @Test
    void anOpenReservationKeepsItsIdBeyondTheWindow() {
        try (RunningLedger aging = RunningLedger.start(SETTINGS)) {
            aging.applied(Mutations.receive("keeps", 10));
            Mutation.Builder reserve = Mutations.reserve("keeps", 2, Duration.ofDays(1)).setMutationId("keeps-cart");
            Applied first = aging.applied(reserve);
            aging.applied(Mutations.commit("keeps", "keeps-cart"));
            aging.clock.forward(Duration.ofMinutes(61));
            newerIds(aging, "keeps", 3 * IDS_KEPT, true);
            aging.clock.forward(Duration.ofMinutes(61));

            // A second reservation under the id would lose the first one's committed units.
            replayed(aging, reserve, first);
            assertEquals("ALREADY_EXISTS/MUTATION_ID_REUSED", problem(() -> aging.apply(
                    Mutations.reserve("keeps", 3, Duration.ofDays(1)).setMutationId("keeps-cart"))).name());
            aging.applied(Mutations.fulfill("keeps", "keeps-cart"));
            assertEquals(0, aging.stock("keeps").getBalances(0).getCommitted());

            // Closed, older than the window and forgotten: the journal still tells what became of it.
            Reservation reservation = aging.calls().getReservation(GetReservationRequest.newBuilder()
                    .setSku("keeps").setReservationId("keeps-cart").build()).getReservation();
            assertEquals(ReservationState.RESERVATION_STATE_CLOSED, reservation.getState());
            assertEquals(2, reservation.getFulfilled());
        }
    }
}
