package io.stockledger.server.domain;

import static io.stockledger.server.domain.OneSku.all;
import static io.stockledger.server.domain.OneSku.units;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.domain.Refusal.Reason;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A reservation's life: it expires on time, is used up in parts, and once closed stays closed. */
class ReservationTest {
    private static final long MINUTE_MS = 60_000;
    private final OneSku sku = new OneSku();

    @Test
    void holdExpiresAtItsInstantAndNotBefore() {
        sku.accepted(new Operation.Receive(1, false));
        sku.ask(new Operation.Reserve(1, MINUTE_MS)).as("cart-1").accepted();
        sku.nowMs += MINUTE_MS - 1;
        sku.refused(new Operation.Sell(1, false));
        sku.nowMs += 1;
        sku.accepted(new Operation.Sell(1, false));
        Entry expired = sku.entries.get(2);
        assertEquals(EntryKind.EXPIRE, expired.kind());
        assertEquals("cart-1", expired.reservationId());
        assertEquals("", expired.mutationId());
        assertEquals(Reason.RESERVATION_CLOSED, sku.refused(new Operation.Commit("cart-1", all())).reason());
    }

    @Test
    void overdueHoldsExpireOneByOneTheOldestFirst() {
        sku.accepted(new Operation.Receive(9, false));
        sku.ask(new Operation.Reserve(1, 3 * MINUTE_MS)).as("latest").accepted();
        sku.ask(new Operation.Reserve(2, MINUTE_MS)).as("older").accepted();
        sku.ask(new Operation.Reserve(3, MINUTE_MS)).as("newer").accepted();
        sku.nowMs += 10 * MINUTE_MS;
        sku.expireOverdue();
        List<Entry> expired = sku.entries.subList(4, 7);
        assertEquals(List.of("older", "newer", "latest"), expired.stream().map(Entry::reservationId).toList());
        assertEquals(List.of(5L, 6L, 7L), expired.stream().map(Entry::sequence).toList());
        assertEquals(OneSku.START_MS + MINUTE_MS, expired.get(0).occurredAtMs());
        assertEquals(sku.nowMs, expired.get(0).recordedAtMs());
        assertEquals(9, sku.main().available());
        assertEquals(0, sku.stock.nextDueMs());
    }

    @Test
    void whatIsCommittedStaysAndTheRestExpires() {
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        sku.accepted(new Operation.Commit("cart-1", units(2)));
        sku.nowMs += MINUTE_MS;
        sku.expireOverdue();
        assertEquals(3, sku.main().available());
        assertEquals(2, sku.main().committed());
        assertEquals(0, sku.refused(new Operation.Commit("cart-1", all())).available());
        sku.accepted(new Operation.Fulfill("cart-1", all()));
        Reservation told = Reservation.from(
                sku.entries.stream().filter(entry -> entry.reservationId().equals("cart-1")).toList());
        assertEquals(5, told.quantity());
        assertEquals(3, told.expired());
        assertEquals(2, told.fulfilled());
        assertTrue(!told.open());
    }

    @Test
    void extendMovesTheExpiryEitherWayCountedFromNow() {
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        sku.nowMs += MINUTE_MS / 2;
        assertEquals(sku.nowMs + MINUTE_MS, sku.accepted(new Operation.Extend("cart-1", MINUTE_MS)).expiresAtMs());
        sku.nowMs += MINUTE_MS / 2;
        sku.expireOverdue();
        assertEquals(5, sku.main().reserved());
        sku.accepted(new Operation.Extend("cart-1", 1_000));
        sku.nowMs += 1_000;
        sku.expireOverdue();
        assertEquals(0, sku.main().reserved());
    }

    @Test
    void extendOfWhatIsWhollyCommittedIsRefused() {
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        sku.accepted(new Operation.Commit("cart-1", all()));
        assertEquals(Reason.EXCEEDS_RESERVATION, sku.refused(new Operation.Extend("cart-1", MINUTE_MS)).reason());
    }

    @Test
    void moreThanIsHeldOrCommittedIsRefusedWithWhatThereIs() {
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        sku.accepted(new Operation.Commit("cart-1", units(2)));
        assertEquals(new Refusal(Reason.EXCEEDS_RESERVATION, 3, 3),
                sku.refused(new Operation.Release("cart-1", units(4))));
        assertEquals(new Refusal(Reason.EXCEEDS_RESERVATION, 2, 3),
                sku.refused(new Operation.Fulfill("cart-1", units(3))));
    }

    @Test
    void secondReleaseFindsTheReservationClosed() {
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        sku.accepted(new Operation.Release("cart-1", all()));
        assertEquals(Reason.RESERVATION_CLOSED, sku.refused(new Operation.Release("cart-1", all())).reason());
    }

    @Test
    void idOfAMutationThatMadeNoReservationIsNoClosedReservation() {
        sku.ask(new Operation.Receive(5, false)).as("receipt").accepted();
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        sku.ask(new Operation.Commit("cart-1", all())).as("order-1").accepted();
        // Whoever takes the order's id for the reservation's must not be told that it was released or expired.
        assertEquals(Reason.RESERVATION_NOT_FOUND, sku.refused(new Operation.Fulfill("order-1", all())).reason());
        assertEquals(Reason.RESERVATION_NOT_FOUND, sku.refused(new Operation.Fulfill("receipt", all())).reason());
    }

    @Test
    void idOfAnOpenReservationIsKnownHoweverManyCameAfter() {
        OneSku small = new OneSku(Limits.DEFAULT, 4);
        small.accepted(new Operation.Receive(9, false));
        small.ask(new Operation.Reserve(2, MINUTE_MS)).as("cart-1").accepted();
        small.accepted(new Operation.Commit("cart-1", all()));
        for (int i = 0; i < 8; i++) {
            small.ask(new Operation.Receive(1, false)).as("receipt-" + i).accepted();
        }
        assertArrayEquals(new long[] {2}, small.stock.appliedAs("cart-1", 0, 0));
        assertArrayEquals(new long[0], small.stock.appliedAs("receipt-0", 0, 0));
        assertArrayEquals(new long[] {11}, small.stock.appliedAs("receipt-7", 0, 0));
        // Decided anew, it would take the place of the first, whose units nobody could then fulfil.
        assertThrows(IllegalArgumentException.class,
                () -> small.ask(new Operation.Reserve(1, MINUTE_MS)).as("cart-1").decided());
    }

    @Test
    void reservationNamedAtAnotherLocationIsNotFound() {
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, MINUTE_MS)).as("cart-1").accepted();
        assertEquals(Reason.RESERVATION_NOT_FOUND,
                sku.ask(new Operation.Release("cart-1", all())).at("store").refused().reason());
        sku.ask(new Operation.Release("cart-1", all())).at(OneSku.MAIN).accepted();
    }
}
