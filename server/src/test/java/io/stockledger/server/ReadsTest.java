package io.stockledger.server;

import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.stockledger.client.Mutations;
import io.stockledger.v1.Applied;
import io.stockledger.v1.BatchGetStockRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.Refusal;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.ReservationState;
import io.stockledger.v1.Stock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Exact reads, and mutations that depend on what they read. */
class ReadsTest {
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger.entity { ids-kept = 64, group-entries-max = 7 }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static Reservation reservation(String sku, String id) {
        return ledger.calls().getReservation(GetReservationRequest.newBuilder().setSku(sku).setReservationId(id)
                .build()).getReservation();
    }

    @Test
    void aCountIsHeldAgainstWhatWasOnHandAtItsSequence() {
        ledger.applied(Mutations.receive("counted", 100));
        ledger.applied(Mutations.reserve("counted", 10, Duration.ofHours(1)));
        ledger.applied(Mutations.receive("counted", 7).setLocation("annex"));
        ledger.applied(Mutations.sell("counted", 20));
        ledger.applied(Mutations.sell("counted", 20));

        // At sequence 3 there were 100 on the shelf; 97 were counted: 3 are missing, also from what is there now.
        ledger.applied(Mutations.countAtSequence("counted", 97, 3));
        Stock stock = ledger.stock("counted");
        assertEquals(57 + 7, stock.getOnHand());
        assertEquals(10, stock.getBalances(1).getReserved(), "a count breaks no hold");
        Refusal ahead = ledger.refused(Mutations.countAtSequence("counted", 1, 1_000));
        assertEquals(RefusalReason.REFUSAL_REASON_SEQUENCE_MISMATCH, ahead.getReason());
        assertEquals(6, ahead.getSequence());

        // Right now: what is counted is what is there.
        ledger.applied(Mutations.count("counted", 60));
        assertEquals(60, ledger.calls().getStock(GetStockRequest.newBuilder().setSku("counted").setLocation("main").build())
                .getStock().getOnHand());
        // A location that the ledger has never seen had nothing.
        ledger.applied(Mutations.countAtSequence("counted", 4, 2).setLocation("attic"));
        assertEquals(60 + 7 + 4, ledger.stock("counted").getOnHand());
    }

    @Test
    void aCountIsHeldAgainstWhatWasOnHandAtItsTime() {
        ledger.applied(Mutations.receive("timed", 100));
        ledger.clock.forward(Duration.ofSeconds(10));
        Instant read = ledger.clock.instant();
        ledger.clock.forward(Duration.ofSeconds(10));
        for (int i = 0; i < 30; i++) {
            ledger.applied(Mutations.sell("timed", 1));
        }
        Mutation.Builder count = Mutations.countAtTime("timed", 90, read);
        Applied first = ledger.applied(count);
        assertEquals(60, first.getBalances(0).getAvailable());
        assertTrue(ledger.applied(count).getReplayed());
        // Before the first entry there was nothing.
        assertEquals(65, ledger.applied(Mutations.countAtTime("timed", 5, read.minusSeconds(3600)))
                .getBalances(0).getAvailable());
    }

    @Test
    void aReservationIsToldOpenAndClosed() {
        ledger.applied(Mutations.receive("told", 10));
        Applied made = ledger.applied(Mutations.reserve("told", 5, Duration.ofMinutes(10)).setMutationId("told-cart")
                .setChannel("web").setReference("cart 17"));
        Reservation open = reservation("told", "told-cart");
        assertEquals(ReservationState.RESERVATION_STATE_OPEN, open.getState());
        assertEquals(made.getExpiresAt(), open.getExpiresAt());
        assertEquals("web", open.getChannel());
        assertEquals("cart 17", open.getReference());
        assertEquals("main", open.getLocation());
        assertEquals(made.getSequence(), open.getSequence());

        ledger.applied(Mutations.release("told", "told-cart", 1));
        ledger.applied(Mutations.commit("told", "told-cart", 3));
        ledger.applied(Mutations.cancelCommitted("told", "told-cart", 1));
        ledger.applied(Mutations.fulfill("told", "told-cart"));
        assertEquals(1, reservation("told", "told-cart").getHeld());
        ledger.clock.forward(Duration.ofMinutes(20));

        for (int pass = 0; pass < 2; pass++) {
            Reservation closed = reservation("told", "told-cart");
            assertEquals(ReservationState.RESERVATION_STATE_CLOSED, closed.getState());
            assertEquals(5, closed.getQuantity());
            assertEquals(List.of(1L, 1L, 2L, 1L, 0L, 0L), List.of(closed.getReleased(), closed.getExpired(),
                    closed.getFulfilled(), closed.getCancelled(), closed.getHeld(), closed.getCommitted()));
            ledger.restart();
        }
        assertEquals("NOT_FOUND/RESERVATION_NOT_FOUND", problem(() -> reservation("told", "no-cart")).name());
        assertEquals("NOT_FOUND/RESERVATION_NOT_FOUND", problem(() -> reservation("never seen", "told-cart")).name());
    }

    @Test
    void entriesComeInPagesWithoutGapOrRepeat() {
        int count = 250;
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        List<Mutation.Builder> batch = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batch.add(Mutations.receive("pages", 1));
        }
        stream.send(batch);
        assertTrue(stream.results().stream().allMatch(MutationResult::hasApplied));

        for (int size : new int[] {1, 7, 100, 249, 250, 251}) {
            List<Long> sequences = new ArrayList<>();
            ListEntriesRequest.Builder request = ListEntriesRequest.newBuilder().setSku("pages").setPageSize(size);
            ListEntriesResponse page;
            do {
                page = ledger.calls().listEntries(request.build());
                assertTrue(page.getEntriesCount() <= size);
                page.getEntriesList().forEach(entry -> sequences.add(entry.getSequence()));
                request.setPageToken(page.getNextPageToken());
            } while (!page.getNextPageToken().isEmpty());
            assertEquals(LongStream.rangeClosed(1, count).boxed().toList(), sequences);
        }
        ListEntriesResponse from = ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("pages")
                .setFromSequence(200).setPageSize(10).build());
        assertEquals(200, from.getEntries(0).getSequence());
        assertEquals(100, ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("pages").build()).getEntriesCount());
        assertEquals(0, ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("pages").setFromSequence(251).build())
                .getEntriesCount());
        assertEquals(0, ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("nothing").build()).getEntriesCount());

        String token = from.getNextPageToken();
        for (ListEntriesRequest.Builder other : List.of(
                ListEntriesRequest.newBuilder().setSku("pages").setPageToken(token),
                ListEntriesRequest.newBuilder().setSku("told").setFromSequence(200).setPageToken(token),
                ListEntriesRequest.newBuilder().setSku("pages").setPageToken("bogus"),
                ListEntriesRequest.newBuilder().setSku("pages").setPageToken("\u2603"))) {
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", problem(() -> ledger.calls().listEntries(other.build())).name());
        }
    }

    @Test
    void manySkusAreReadInTheOrderAsked() {
        List<String> skus = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            skus.add("batch-" + (i * 7919 % 300));
        }
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(skus.stream().filter(sku -> !sku.endsWith("3"))
                .map(sku -> Mutations.receive(sku, Long.parseLong(sku.substring(6)) + 1)).toList());
        assertTrue(stream.results().stream().allMatch(MutationResult::hasApplied));
        List<Stock> stocks = ledger.calls().batchGetStock(BatchGetStockRequest.newBuilder().addAllSkus(skus).build())
                .getStocksList();
        assertEquals(skus, stocks.stream().map(Stock::getSku).toList());
        for (Stock stock : stocks) {
            long there = stock.getSku().endsWith("3") ? 0 : Long.parseLong(stock.getSku().substring(6)) + 1;
            assertEquals(there, stock.getOnHand());
            assertEquals(there == 0 ? 0 : 1, stock.getSequence());
        }
    }

    @Test
    void expectedSequenceDecidesOnlyWhereTheSkuStillStandsThere() {
        ledger.applied(Mutations.receive("expected", 5).setExpectedSequence(0));
        Refusal moved = ledger.refused(Mutations.receive("expected", 5).setExpectedSequence(0));
        assertEquals(RefusalReason.REFUSAL_REASON_SEQUENCE_MISMATCH, moved.getReason());
        assertEquals(1, moved.getSequence());
        Mutation.Builder sale = Mutations.sell("expected", 1).setExpectedSequence(1);
        assertFalse(ledger.applied(sale).getReplayed());
        // A resend is the first outcome, wherever the SKU stands by now.
        assertTrue(ledger.applied(sale).getReplayed());
    }

    @Test
    void aReadReflectsEveryMutationAnsweredBefore() {
        for (int i = 1; i <= 50; i++) {
            Applied applied = ledger.applied(Mutations.receive("fresh", 1));
            Stock stock = ledger.stock("fresh");
            assertEquals(i, stock.getOnHand());
            assertEquals(applied.getSequence(), stock.getSequence());
            assertEquals(applied.getBalancesList(), stock.getBalancesList());
            assertEquals(i, ledger.entries("fresh").size());
        }
    }

    @Test
    void whatBecameOfAMutationIsTold() {
        Mutation.Builder receive = Mutations.receive("became", 1).setReference("PO 7").setOccurredAt(ledger.now());
        Applied applied = ledger.applied(receive);
        var found = ledger.mutation("became", receive.getMutationId());
        assertEquals(MutationState.MUTATION_STATE_APPLIED, found.getState());
        Entry entry = found.getEntry();
        assertEquals(applied.getSequence(), entry.getSequence());
        assertEquals(applied.getRecordedAt(), entry.getRecordedAt());
        assertEquals("PO 7", entry.getReference());
        Timestamp occurred = receive.getOccurredAt();
        assertEquals(occurred, entry.getOccurredAt());
        assertEquals(entry, ledger.entries("became").get(0));
        assertEquals(MutationState.MUTATION_STATE_NOT_APPLIED, ledger.mutation("became", "other").getState());
        // A refusal leaves nothing behind.
        Mutation.Builder sale = Mutations.sell("became", 9);
        ledger.refused(sale);
        assertEquals(MutationState.MUTATION_STATE_NOT_APPLIED, ledger.mutation("became", sale.getMutationId()).getState());
    }
}
