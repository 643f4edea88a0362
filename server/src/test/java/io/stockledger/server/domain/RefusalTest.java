package io.stockledger.server.domain;

import static io.stockledger.server.domain.OneSku.MAIN;
import static io.stockledger.server.domain.OneSku.all;
import static io.stockledger.server.domain.OneSku.units;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.stockledger.server.domain.Refusal.Reason;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Every limit refuses what passes it and nothing else; of several refusals the first in the stated order is given. */
class RefusalTest {
    private static final long MINUTE_MS = 60_000;
    private static final Limits ONE_OF_EACH = new Limits(1, 1, 1, 1);

    @Test
    void orderIsTheStatedOne() {
        assertEquals(List.of(Reason.values()), NaiveLedger.ORDER);
    }

    @Test
    void mutationIsDecidedOnlyAtTheSequenceThatItExpects() {
        OneSku sku = new OneSku();
        sku.ask(new Operation.Receive(1, false)).expecting(0).accepted();
        assertEquals(new Refusal(Reason.SEQUENCE_MISMATCH, 0, 1),
                sku.ask(new Operation.Receive(1, false)).expecting(0).refused());
        assertEquals(Reason.SEQUENCE_MISMATCH,
                sku.ask(new Operation.Receive(1, false)).expecting(2).refused().reason());
        sku.ask(new Operation.Receive(1, false)).expecting(1).accepted();
    }

    @Test
    void countOfASequenceNotReachedIsRefused() {
        OneSku sku = new OneSku();
        sku.accepted(new Operation.Receive(1, false));
        assertEquals(Reason.SEQUENCE_MISMATCH,
                sku.refused(new Operation.Count(1, 2, 0, OptionalLong.empty())).reason());
        sku.accepted(new Operation.Count(1, 1, 0, OptionalLong.empty()));
    }

    @Test
    void countWhoseHistoryWasNotLookedUpIsNeverGuessed() {
        OneSku sku = new OneSku();
        sku.accepted(new Operation.Receive(1, false));
        sku.accepted(new Operation.Receive(1, false));
        Mutation count = new Mutation("count", OneSku.NAME, MAIN, "", "", "", 0, 0, 0, Mutation.ANY_SEQUENCE, 1,
                new Operation.Count(1, 1, 0, OptionalLong.empty()));
        assertThrows(IllegalArgumentException.class,
                () -> new Decider(Limits.DEFAULT).decide(sku.stock, count, sku.nowMs));
    }

    @Test
    void locationBeyondTheLimitIsRefusedAndAKnownOneIsNot() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.accepted(new Operation.Receive(1, false));
        assertEquals(Reason.TOO_MANY_LOCATIONS,
                sku.ask(new Operation.Receive(1, false)).at("store").refused().reason());
        assertEquals(Reason.TOO_MANY_LOCATIONS,
                sku.ask(new Operation.ShipTransfer(1, "store")).under("T-1").refused().reason());
        sku.accepted(new Operation.Receive(1, false));
    }

    @Test
    void reservationBeyondTheLimitIsRefusedUntilOneCloses() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.accepted(new Operation.Receive(9, false));
        sku.ask(new Operation.Reserve(1, MINUTE_MS)).as("cart-1").accepted();
        sku.accepted(new Operation.Commit("cart-1", all()));
        assertEquals(Reason.TOO_MANY_RESERVATIONS, sku.refused(new Operation.Reserve(1, MINUTE_MS)).reason());
        sku.accepted(new Operation.Fulfill("cart-1", all()));
        sku.accepted(new Operation.Reserve(1, MINUTE_MS));
    }

    @Test
    void referenceBeyondTheLimitIsRefusedAndAnOpenOneIsNot() {
        OneSku sku = new OneSku(new Limits(2, 1, 1, 1));
        sku.accepted(new Operation.Receive(9, false));
        sku.ask(new Operation.Expect(1)).under("PO-1").accepted();
        assertEquals(Reason.TOO_MANY_EXPECTED, sku.ask(new Operation.Expect(1)).under("PO-2").refused().reason());
        assertEquals(Reason.TOO_MANY_EXPECTED,
                sku.ask(new Operation.ShipTransfer(1, "store")).under("PO-1").refused().reason());
        sku.ask(new Operation.Expect(1)).under("PO-1").accepted();
        sku.ask(new Operation.Receive(2, true)).under("PO-1").accepted();
        sku.ask(new Operation.Expect(1)).under("PO-2").accepted();
    }

    @Test
    void channelBeyondTheLimitIsRefusedAndOneThatHasAnAllocationIsNot() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.ask(new Operation.SetChannelAllocation(1, 2)).on("web").accepted();
        assertEquals(Reason.TOO_MANY_CHANNELS,
                sku.ask(new Operation.SetChannelAllocation(1, 2)).on("till").refused().reason());
        sku.ask(new Operation.SetChannelAllocation(2, 2)).on("web").accepted();
        sku.ask(new Operation.SetChannelAllocation(0, Allocation.UNBOUNDED)).on("till").accepted();
        sku.ask(new Operation.SetChannelAllocation(0, Allocation.UNBOUNDED)).on("web").accepted();
        sku.ask(new Operation.SetChannelAllocation(1, 2)).on("till").accepted();
    }

    @Test
    void bucketIsFilledToItsLimitAndNotBeyond() {
        OneSku sku = holding(Limits.BALANCE_MAX - 5, 0);
        assertEquals(Reason.BALANCE_LIMIT, sku.refused(new Operation.Receive(6, false)).reason());
        sku.accepted(new Operation.Receive(5, false));
        assertEquals(Limits.BALANCE_MAX, sku.main().available());
        sku.accepted(new Operation.Sell(Limits.QUANTITY_MAX, false));
    }

    @Test
    void availableStopsAtItsLimitBelowZeroToo() {
        OneSku sku = holding(-Limits.BALANCE_MAX, 0);
        assertEquals(Reason.BALANCE_LIMIT, sku.refused(new Operation.Sell(1, true)).reason());
        sku.accepted(new Operation.Receive(1, false));
    }

    // Of each two refusals that can hold at once, the first in the order is given.

    @Test
    void sequenceMismatchComesBeforeReservationNotFound() {
        assertEquals(Reason.SEQUENCE_MISMATCH,
                new OneSku().ask(new Operation.Release("never", all())).expecting(7).refused().reason());
    }

    @Test
    void sequenceMismatchComesBeforeReservationClosed() {
        OneSku sku = withCart();
        sku.accepted(new Operation.Release("cart-1", all()));
        assertEquals(Reason.SEQUENCE_MISMATCH,
                sku.ask(new Operation.Release("cart-1", all())).expecting(7).refused().reason());
    }

    @Test
    void sequenceMismatchComesBeforeTooManyLocations() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.accepted(new Operation.Receive(1, false));
        assertEquals(Reason.SEQUENCE_MISMATCH,
                sku.ask(new Operation.Receive(1, false)).at("store").expecting(7).refused().reason());
        assertEquals(Reason.SEQUENCE_MISMATCH,
                sku.ask(new Operation.Count(1, 7, 0, OptionalLong.empty())).at("store").refused().reason());
    }

    @Test
    void reservationNotFoundComesBeforeExceedsReservation() {
        OneSku sku = withCart();
        assertEquals(Reason.RESERVATION_NOT_FOUND,
                sku.ask(new Operation.Release("cart-1", units(99))).at("store").refused().reason());
    }

    @Test
    void reservationClosedComesBeforeExceedsReservation() {
        OneSku sku = withCart();
        sku.accepted(new Operation.Release("cart-1", all()));
        assertEquals(Reason.RESERVATION_CLOSED, sku.refused(new Operation.Release("cart-1", units(99))).reason());
    }

    @Test
    void closedReservationIsToldWhateverLocationIsNamed() {
        OneSku sku = withCart();
        sku.accepted(new Operation.Release("cart-1", all()));
        assertEquals(Reason.RESERVATION_CLOSED,
                sku.ask(new Operation.Release("cart-1", all())).at("store").refused().reason());
    }

    @Test
    void tooManyLocationsComesBeforeTooManyReservations() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.accepted(new Operation.Receive(1, false));
        sku.accepted(new Operation.Reserve(1, MINUTE_MS));
        assertEquals(Reason.TOO_MANY_LOCATIONS,
                sku.ask(new Operation.Reserve(1, MINUTE_MS)).at("store").refused().reason());
    }

    @Test
    void tooManyLocationsComesBeforeTooManyExpected() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.ask(new Operation.Expect(1)).under("PO-1").accepted();
        assertEquals(Reason.TOO_MANY_LOCATIONS,
                sku.ask(new Operation.Expect(1)).at("store").under("PO-2").refused().reason());
        assertEquals(Reason.TOO_MANY_LOCATIONS,
                sku.ask(new Operation.ShipTransfer(1, "store")).under("T-1").refused().reason());
    }

    @Test
    void tooManyLocationsComesBeforeInsufficientStock() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.accepted(new Operation.Receive(1, false));
        assertEquals(Reason.TOO_MANY_LOCATIONS,
                sku.ask(new Operation.Sell(1, false)).at("store").refused().reason());
    }

    @Test
    void tooManyReservationsComesBeforeInsufficientStock() {
        OneSku sku = new OneSku(ONE_OF_EACH);
        sku.accepted(new Operation.Receive(1, false));
        sku.accepted(new Operation.Reserve(1, MINUTE_MS));
        assertEquals(Reason.TOO_MANY_RESERVATIONS, sku.refused(new Operation.Reserve(99, MINUTE_MS)).reason());
    }

    @Test
    void tooManyExpectedComesBeforeInsufficientStock() {
        OneSku sku = new OneSku(new Limits(2, 1, 1, 1));
        sku.ask(new Operation.Expect(1)).under("PO-1").accepted();
        assertEquals(Reason.TOO_MANY_EXPECTED,
                sku.ask(new Operation.ShipTransfer(99, "store")).under("T-1").refused().reason());
    }

    @Test
    void tooManyExpectedComesBeforeBalanceLimit() {
        OneSku sku = new OneSku(new Limits(2, 1, 1, 1));
        Balance full = new Balance(MAIN, 0, 0, 0, 0, 0, 0, Limits.BALANCE_MAX, 0, List.of());
        sku.stock.restore(0, 0, List.of(full), List.of(),
                Map.of(new Stock.Incoming(MAIN, "PO-1"), Limits.BALANCE_MAX));
        assertEquals(Reason.TOO_MANY_EXPECTED, sku.ask(new Operation.Expect(1)).under("PO-2").refused().reason());
        assertEquals(Reason.BALANCE_LIMIT, sku.ask(new Operation.Expect(1)).under("PO-1").refused().reason());
    }

    @Test
    void exceedsReservationComesBeforeBalanceLimit() {
        OneSku sku = new OneSku();
        Balance full = new Balance(MAIN, Limits.BALANCE_MAX, 2, 0, 0, 0, 0, 0, 0, List.of());
        Reservation cart = new Reservation("cart-1", MAIN, "", "", 2, 2, 0, 0, 0, 0, 0,
                OneSku.START_MS + MINUTE_MS, 1);
        sku.stock.restore(1, OneSku.START_MS, List.of(full), List.of(cart), Map.of());
        assertEquals(Reason.EXCEEDS_RESERVATION, sku.refused(new Operation.Release("cart-1", units(3))).reason());
        assertEquals(Reason.BALANCE_LIMIT, sku.refused(new Operation.Release("cart-1", units(2))).reason());
    }

    @Test
    void insufficientStockComesBeforeBalanceLimit() {
        OneSku sku = holding(2, Limits.BALANCE_MAX);
        assertEquals(Reason.INSUFFICIENT_STOCK,
                sku.refused(new Operation.SetAside(3, UnavailableReason.OTHER)).reason());
        assertEquals(Reason.BALANCE_LIMIT, sku.refused(new Operation.SetAside(2, UnavailableReason.OTHER)).reason());
    }

    private static OneSku withCart() {
        OneSku sku = new OneSku();
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        return sku;
    }

    private static OneSku holding(long available, long damaged) {
        OneSku sku = new OneSku();
        sku.stock.restore(0, 0, List.of(new Balance(MAIN, available, 0, 0, damaged, 0, 0, 0, 0, List.of())),
                List.of(), Map.of());
        return sku;
    }
}
