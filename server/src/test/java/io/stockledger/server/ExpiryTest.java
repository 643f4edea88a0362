package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Mutations;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.ReservationState;
import io.stockledger.v1.Stock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A hold expires when it is due: whoever looks, whoever doesn't, and wherever the ledger was meanwhile. */
class ExpiryTest {
    /** Nobody wakes a SKU but its own timer and who calls it. */
    private static final String NO_SWEEPER = "stockledger.entity.sweep-interval = 1 hour";

    private static boolean hasExpired(RunningLedger ledger, String sku) {
        List<Entry> entries = ledger.entries(sku);
        return entries.get(entries.size() - 1).getKind() == EntryKind.ENTRY_KIND_EXPIRE;
    }

    @Test
    void aHoldThatFellDueWhileTheLedgerWasDownIsExpiredAtTheFirstLook() {
        try (RunningLedger ledger = RunningLedger.start(NO_SWEEPER)) {
            ledger.applied(Mutations.receive("down", 1));
            ledger.applied(Mutations.reserve("down", 1, Duration.ofMinutes(10)).setMutationId("cart"));
            ledger.stop();
            ledger.clock.forward(Duration.ofMinutes(20));
            ledger.startAgain();

            Stock stock = ledger.stock("down");
            assertEquals(1, stock.getAvailableToSell());
            assertEquals(0, stock.getBalances(0).getReserved());
            assertEquals(3, stock.getSequence());
            assertEquals(RefusalReason.REFUSAL_REASON_RESERVATION_CLOSED,
                    ledger.refused(Mutations.commit("down", "cart")).getReason());
            Entry expiry = ledger.entries("down").get(2);
            assertEquals(EntryKind.ENTRY_KIND_EXPIRE, expiry.getKind());
            assertEquals("cart", expiry.getReservationId());
            assertEquals("", expiry.getMutationId());
        }
    }

    @Test
    void aHoldThatFellDueWhileTheLedgerWasDownExpiresByItselfWhereNobodyLooks() {
        try (RunningLedger ledger = RunningLedger.start("stockledger.entity.sweep-interval = 100 ms")) {
            ledger.applied(Mutations.receive("alone", 1));
            ledger.applied(Mutations.reserve("alone", 1, Duration.ofMinutes(10)));
            ledger.stop();
            ledger.clock.forward(Duration.ofMinutes(20));
            ledger.startAgain();
            // Read from the journal, which wakes nobody.
            await("the hold has expired", Duration.ofSeconds(5), () -> hasExpired(ledger, "alone"));
        }
    }

    @Test
    void aSkuInMemoryExpiresItsHoldByItsOwnTimer() {
        try (RunningLedger ledger = RunningLedger.start(NO_SWEEPER)) {
            ledger.applied(Mutations.receive("timer", 2));
            ledger.applied(Mutations.reserve("timer", 1, Duration.ofSeconds(1)));
            ledger.applied(Mutations.reserve("timer", 1, Duration.ofSeconds(2)));
            await("both holds have expired", Duration.ofSeconds(6), () -> ledger.entries("timer").size() == 5);
            for (Entry expiry : ledger.entries("timer").subList(3, 5)) {
                assertEquals(EntryKind.ENTRY_KIND_EXPIRE, expiry.getKind());
                long lateMs = com.google.protobuf.util.Timestamps.toMillis(expiry.getRecordedAt())
                        - com.google.protobuf.util.Timestamps.toMillis(expiry.getOccurredAt());
                assertTrue(lateMs >= 0 && lateMs < 2_000, "expired " + lateMs + " ms after it was due");
            }
        }
    }

    @Test
    void anExtendedHoldExpiresAtItsNewTime() {
        try (RunningLedger ledger = RunningLedger.start(NO_SWEEPER)) {
            ledger.applied(Mutations.receive("extended", 1));
            ledger.applied(Mutations.reserve("extended", 1, Duration.ofMinutes(10)).setMutationId("cart"));
            ledger.applied(Mutations.extend("extended", "cart", Duration.ofMinutes(30)));
            ledger.clock.forward(Duration.ofMinutes(20));
            assertEquals(1, ledger.stock("extended").getBalances(0).getReserved());
            ledger.restart();
            ledger.clock.forward(Duration.ofMinutes(11));
            assertEquals(0, ledger.stock("extended").getBalances(0).getReserved());
        }
    }

    @Test
    void tenThousandHoldsDueAtOnceExpireBeforeAnythingElseIsDecided() throws Exception {
        int holds = 10_000;
        try (RunningLedger ledger = RunningLedger.start(NO_SWEEPER + ", stockledger.entity.group-entries-max = 1500")) {
            ledger.applied(Mutations.receive("crowd", holds));
            StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
            for (int batch = 0; batch < holds / 1_000; batch++) {
                List<Mutation.Builder> reserves = new ArrayList<>();
                for (int i = 0; i < 1_000; i++) {
                    reserves.add(Mutations.reserve("crowd", 1, Duration.ofMinutes(10)));
                }
                stream.send(reserves);
            }
            assertTrue(stream.results(holds / 1_000).stream().allMatch(MutationResult::hasApplied));
            assertEquals(0, ledger.stock("crowd").getAvailableToSell());
            long rowsBefore = ledger.count("SELECT count(*) FROM event_journal WHERE persistence_id = 'crowd'");

            ledger.clock.forward(Duration.ofMinutes(20));
            // Sold at once, though the units come back over several rows.
            assertEquals(1 + 2 * holds + 1, ledger.applied(Mutations.sell("crowd", holds)).getSequence());
            List<Entry> entries = ledger.entries("crowd");
            assertEquals(2 + 2 * holds, entries.size());
            assertEquals(holds, entries.stream().filter(e -> e.getKind() == EntryKind.ENTRY_KIND_EXPIRE).count());
            long rows = ledger.count("SELECT count(*) FROM event_journal WHERE persistence_id = 'crowd'") - rowsBefore;
            assertTrue(rows >= holds / 1_500, "in " + rows + " rows");
            LocationBalance balance = ledger.stock("crowd").getBalances(0);
            assertEquals(0, balance.getReserved());
            assertEquals(0, balance.getAvailable());
        }
    }

    @Test
    void committedUnitsOutliveTheExpiryOfTheRest() {
        try (RunningLedger ledger = RunningLedger.start(NO_SWEEPER)) {
            ledger.applied(Mutations.receive("part", 5));
            ledger.applied(Mutations.reserve("part", 5, Duration.ofMinutes(10)).setMutationId("cart"));
            ledger.applied(Mutations.commit("part", "cart", 2));
            ledger.clock.forward(Duration.ofMinutes(20));
            LocationBalance balance = ledger.stock("part").getBalances(0);
            assertEquals(3, balance.getAvailable());
            assertEquals(0, balance.getReserved());
            assertEquals(2, balance.getCommitted());
            ledger.clock.forward(Duration.ofDays(40));
            ledger.restart();
            assertEquals(2, ledger.stock("part").getBalances(0).getCommitted());
            Reservation reservation = ledger.calls().getReservation(GetReservationRequest.newBuilder()
                    .setSku("part").setReservationId("cart").build()).getReservation();
            assertEquals(ReservationState.RESERVATION_STATE_OPEN, reservation.getState());
            assertEquals(3, reservation.getExpired());
            assertEquals(2, reservation.getCommitted());
            ledger.applied(Mutations.fulfill("part", "cart"));
            assertEquals(3, ledger.stock("part").getOnHand());
        }
    }
}
