package io.stockledger.server.domain;

import static io.stockledger.server.domain.Bucket.AVAILABLE;
import static io.stockledger.server.domain.Bucket.COMMITTED;
import static io.stockledger.server.domain.Bucket.CUSTOMER;
import static io.stockledger.server.domain.Bucket.INCOMING;
import static io.stockledger.server.domain.Bucket.RESERVED;
import static io.stockledger.server.domain.Bucket.SHRINKAGE;
import static io.stockledger.server.domain.Bucket.SUPPLIER;
import static io.stockledger.server.domain.Bucket.UNAVAILABLE;
import static io.stockledger.server.domain.OneSku.MAIN;
import static io.stockledger.server.domain.OneSku.all;
import static io.stockledger.server.domain.OneSku.units;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What each verb moves, from where to where. */
class VerbsTest {
    private final OneSku sku = new OneSku();

    @Test
    void receiveBringsUnitsFromTheSupplierOntoTheShelf() {
        Entry entry = sku.accepted(new Operation.Receive(6, false));
        assertMoved(entry, SUPPLIER, AVAILABLE, 6);
        assertEquals(6, sku.main().available());
        assertEquals(1, entry.sequence());
    }

    @Test
    void secondClaimOnTheLastUnitIsRefused() {
        sku.accepted(new Operation.Receive(1, false));
        sku.ask(new Operation.Sell(1, false)).on("web").accepted();
        Refusal refusal = sku.ask(new Operation.Sell(1, false)).on("till").refused();
        assertEquals(new Refusal(Refusal.Reason.INSUFFICIENT_STOCK, 0, 2), refusal);
        assertEquals(Refusal.Reason.INSUFFICIENT_STOCK,
                sku.ask(new Operation.Reserve(1, 60_000)).on("web").refused().reason());
        assertEquals(0, sku.main().available());
    }

    @Test
    void expectedUnitsComeInUnderTheirReferenceAndNoMoreThanThose() {
        assertMoved(sku.ask(new Operation.Expect(5)).under("PO-1").accepted(), SUPPLIER, INCOMING, 5);
        assertEquals(5, sku.main().incoming());
        assertEquals(0, sku.main().onHand());
        assertMoved(sku.ask(new Operation.Receive(3, true)).under("PO-1").accepted(), INCOMING, AVAILABLE, 3);
        assertEquals(2, sku.ask(new Operation.Receive(3, true)).under("PO-1").refused().available());
        assertEquals(0, sku.ask(new Operation.Receive(1, true)).under("PO-2").refused().available());
        assertMoved(sku.ask(new Operation.CancelExpected(2)).under("PO-1").accepted(), INCOMING, SUPPLIER, 2);
        assertEquals(0, sku.ask(new Operation.CancelExpected(1)).under("PO-1").refused().available());
        assertEquals(0, sku.main().incoming());
        assertEquals(3, sku.main().available());
    }

    @Test
    void reservationGoesFromHoldToCommitmentToTheCustomer() {
        sku.accepted(new Operation.Receive(6, false));
        Entry reserved = sku.ask(new Operation.Reserve(4, 60_000)).as("cart-1").on("web").under("cart 1").accepted();
        assertMoved(reserved, AVAILABLE, RESERVED, 4);
        assertEquals("cart-1", reserved.reservationId());
        assertEquals(sku.nowMs + 60_000, reserved.expiresAtMs());
        Entry committed = sku.ask(new Operation.Commit("cart-1", all())).under("order 1").accepted();
        assertMoved(committed, RESERVED, COMMITTED, 4);
        assertEquals("web", committed.channel());
        assertEquals("order 1", committed.reference());
        assertMoved(sku.accepted(new Operation.Fulfill("cart-1", units(3))), COMMITTED, CUSTOMER, 3);
        Entry cancelled = sku.accepted(new Operation.CancelCommitted("cart-1", all()));
        assertMoved(cancelled, COMMITTED, AVAILABLE, 1);
        assertEquals("cart 1", cancelled.reference());
        assertTrue(sku.stock.reservation("cart-1").isEmpty());
        assertEquals(3, sku.main().available());
        assertEquals(3, sku.main().onHand());
    }

    @Test
    void releaseGivesHeldUnitsBack() {
        sku.accepted(new Operation.Receive(6, false));
        sku.ask(new Operation.Reserve(4, 60_000)).as("cart-1").accepted();
        assertMoved(sku.accepted(new Operation.Release("cart-1", units(1))), RESERVED, AVAILABLE, 1);
        assertMoved(sku.accepted(new Operation.Release("cart-1", all())), RESERVED, AVAILABLE, 3);
        assertEquals(6, sku.main().available());
    }

    @Test
    void saleThatHasHappenedIsRecordedBelowZeroAndTheEntrySaysSo() {
        sku.accepted(new Operation.Receive(1, false));
        Entry last = sku.accepted(new Operation.Sell(1, true));
        assertMoved(last, AVAILABLE, CUSTOMER, 1);
        assertFalse(last.belowZero());
        Entry oversold = sku.accepted(new Operation.Sell(2, true));
        assertTrue(oversold.belowZero());
        assertEquals(-2, sku.main().available());
        assertEquals(0, sku.availableToSell("web"));
        assertEquals(0, sku.refused(new Operation.SetAside(1, UnavailableReason.OTHER)).available());
        assertEquals(0, sku.refused(new Operation.Adjust(-1, AdjustReason.OTHER)).available());
    }

    @Test
    void returnGoesBackOnSaleOrAsideForAReason() {
        assertMoved(sku.accepted(new Operation.Return(2, UnavailableReason.NONE)), CUSTOMER, AVAILABLE, 2);
        Entry damaged = sku.accepted(new Operation.Return(1, UnavailableReason.DAMAGED));
        assertMoved(damaged, CUSTOMER, UNAVAILABLE, 1);
        assertEquals(UnavailableReason.DAMAGED, damaged.unavailableReason());
        assertEquals(1, sku.main().damaged());
        assertEquals(2, sku.availableToSell(""));
        assertEquals(3, sku.main().onHand());
    }

    @Test
    void unitsSetAsideComeBackOnlyForTheReasonTheyWereSetAsideFor() {
        sku.accepted(new Operation.Receive(6, false));
        assertMoved(sku.accepted(new Operation.SetAside(4, UnavailableReason.QUALITY_CONTROL)),
                AVAILABLE, UNAVAILABLE, 4);
        assertEquals(4, sku.main().qualityControl());
        assertEquals(2, sku.refused(new Operation.SetAside(3, UnavailableReason.OTHER)).available());
        assertEquals(0, sku.refused(new Operation.PutBack(1, UnavailableReason.DAMAGED)).available());
        assertMoved(sku.accepted(new Operation.PutBack(4, UnavailableReason.QUALITY_CONTROL)),
                UNAVAILABLE, AVAILABLE, 4);
        assertEquals(6, sku.main().available());
    }

    @Test
    void unitsCannotBeUnavailableForNoReason() {
        sku.accepted(new Operation.Return(2, UnavailableReason.OTHER));
        assertThrows(IllegalArgumentException.class,
                () -> sku.ask(new Operation.PutBack(1, UnavailableReason.NONE)).decided());
    }

    @Test
    void transferLeavesOneLocationAndArrivesAtTheOther() {
        sku.accepted(new Operation.Receive(6, false));
        Entry shipped = sku.ask(new Operation.ShipTransfer(4, "store")).under("T-1").accepted();
        assertEquals(List.of(new Movement(AVAILABLE, INCOMING, 4, MAIN, "store")), shipped.movements());
        assertEquals(List.of(sku.main(), sku.stock.balance("store")), shipped.balances());
        assertEquals(2, sku.main().onHand());
        assertEquals(4, sku.stock.balance("store").incoming());
        Entry arrived = sku.ask(new Operation.ReceiveTransfer(4)).at("store").under("T-1").accepted();
        assertEquals(List.of(new Movement(INCOMING, AVAILABLE, 4, "store", "store")), arrived.movements());
        assertEquals(4, sku.stock.balance("store").available());
        assertEquals(2, sku.ask(new Operation.ShipTransfer(3, "store")).under("T-2").refused().available());
    }

    @Test
    void adjustMovesBetweenShelfAndShrinkage() {
        Entry found = sku.accepted(new Operation.Adjust(3, AdjustReason.FOUND));
        assertMoved(found, SHRINKAGE, AVAILABLE, 3);
        assertEquals(AdjustReason.FOUND, found.adjustReason());
        assertMoved(sku.accepted(new Operation.Adjust(-2, AdjustReason.SHRINKAGE)), AVAILABLE, SHRINKAGE, 2);
        assertEquals(1, sku.refused(new Operation.Adjust(-2, AdjustReason.SHRINKAGE)).available());
    }

    @Test
    void countOfTheShelfAsItWasBreaksNoHold() {
        sku.accepted(new Operation.Receive(10, false));
        long whenRead = sku.stock.sequence();
        sku.ask(new Operation.Reserve(4, 60_000)).as("cart-1").accepted();
        sku.accepted(new Operation.Sell(3, false));
        // Nine were on the shelf where the ledger had ten; the three sold since are not missing.
        Entry counted = sku.accepted(new Operation.Count(9, whenRead, 0, OptionalLong.empty()));
        assertMoved(counted, AVAILABLE, SHRINKAGE, 1);
        assertEquals(2, sku.main().available());
        assertEquals(4, sku.main().reserved());
        assertEquals(6, sku.main().onHand());
    }

    @Test
    void countBelowWhatIsHeldDrivesAvailableBelowZeroAndTheHoldStands() {
        sku.accepted(new Operation.Receive(5, false));
        sku.ask(new Operation.Reserve(5, 60_000)).as("cart-1").accepted();
        Entry counted = sku.accepted(new Operation.Count(3, 0, 0, OptionalLong.empty()));
        assertTrue(counted.belowZero());
        assertEquals(-2, sku.main().available());
        assertEquals(3, sku.main().onHand());
        sku.accepted(new Operation.Commit("cart-1", units(5)));
    }

    @Test
    void countAtATimeIsHeldAgainstWhatWasRecordedByThen() {
        sku.accepted(new Operation.Receive(10, false));
        long readAtMs = sku.nowMs;
        sku.nowMs += 1;
        sku.accepted(new Operation.Sell(3, false));
        Entry counted = sku.accepted(new Operation.Count(10, 0, readAtMs, OptionalLong.empty()));
        assertEquals(List.of(), counted.movements());
        assertEquals(7, sku.main().onHand());
    }

    @Test
    void countOfHeldAndSetAsideUnitsIncludesThem() {
        sku.accepted(new Operation.Receive(5, false));
        sku.accepted(new Operation.SetAside(1, UnavailableReason.OTHER));
        sku.ask(new Operation.Reserve(2, 60_000)).as("cart-1").accepted();
        assertEquals(List.of(), sku.accepted(new Operation.Count(5, 0, 0, OptionalLong.empty())).movements());
    }

    @Test
    void recordedTimeStandsStillWhileTheClockGoesBack() {
        Entry first = sku.accepted(new Operation.Receive(1, false));
        sku.nowMs -= 5_000;
        Entry second = sku.accepted(new Operation.Reserve(1, 1_000));
        assertEquals(first.recordedAtMs(), second.recordedAtMs());
        assertEquals(second.recordedAtMs() + 1_000, second.expiresAtMs());
    }

    private static void assertMoved(Entry entry, Bucket from, Bucket to, long quantity) {
        assertEquals(List.of(new Movement(from, to, quantity, MAIN, MAIN)), entry.movements());
    }
}
