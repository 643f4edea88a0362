package io.stockledger.server.domain;

import static io.stockledger.server.domain.OneSku.all;
import static io.stockledger.server.domain.OneSku.units;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.stockledger.server.domain.Refusal.Reason;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Safety stock and channels' shares: what may be sold where, and what counts as used. */
class AvailableToSellTest {
    private final OneSku sku = new OneSku();

    @Test
    void safetyStockIsKeptBackFromEveryChannel() {
        sku.accepted(new Operation.Receive(10, false));
        Entry set = sku.accepted(new Operation.SetSafetyStock(4));
        assertEquals(List.of(), set.movements());
        assertEquals(6, sku.availableToSell("web"));
        assertEquals(6, sku.availableToSell(""));
        assertEquals(6, sku.ask(new Operation.Sell(7, false)).on("web").refused().available());
        sku.ask(new Operation.Reserve(6, 1_000)).on("web").accepted();
        assertEquals(0, sku.availableToSell("web"));
    }

    @Test
    void safetyStockAboveWhatIsAvailableLeavesNothingNotLess() {
        sku.accepted(new Operation.Receive(3, false));
        sku.accepted(new Operation.SetSafetyStock(5));
        assertEquals(0, sku.availableToSell("web"));
        assertEquals(new Refusal(Reason.INSUFFICIENT_STOCK, 0, 2), sku.refused(new Operation.Sell(1, false)));
    }

    @Test
    void guaranteedUnitsAreKeptForTheirChannelUntilItHasUsedThem() {
        sku.accepted(new Operation.Receive(10, false));
        allocate("market", 4, Allocation.UNBOUNDED);
        assertEquals(10, sku.availableToSell("market"));
        assertEquals(6, sku.availableToSell("web"));
        assertEquals(6, sku.availableToSell(""));
        sku.ask(new Operation.Sell(3, false)).on("market").accepted();
        assertEquals(6, sku.availableToSell("web"));
        sku.ask(new Operation.Sell(3, false)).on("market").accepted();
        assertEquals(4, sku.availableToSell("web"));
        assertEquals(4, sku.availableToSell("market"));
    }

    @Test
    void maximumCapsWhatAChannelHoldsAndHasSold() {
        sku.accepted(new Operation.Receive(10, false));
        allocate("market", 0, 5);
        assertEquals(5, sku.availableToSell("market"));
        sku.ask(new Operation.Sell(2, false)).on("market").accepted();
        sku.ask(new Operation.Reserve(2, 60_000)).as("cart-1").on("market").accepted();
        assertEquals(1, sku.availableToSell("market"));
        sku.accepted(new Operation.Commit("cart-1", all()));
        sku.accepted(new Operation.Fulfill("cart-1", all()));
        assertEquals(1, sku.availableToSell("market"));
        assertEquals(6, sku.availableToSell("web"));
    }

    @Test
    void maximumPassedByASaleThatHadHappenedLeavesNothing() {
        sku.accepted(new Operation.Receive(10, false));
        allocate("till", 0, 1);
        sku.ask(new Operation.Sell(3, true)).on("till").accepted();
        assertEquals(0, sku.availableToSell("till"));
        assertEquals(3, used("till"));
    }

    @Test
    void releaseExpiryAndCancellationGiveTheUseBackAndAReturnDoesNot() {
        sku.accepted(new Operation.Receive(10, false));
        allocate("web", 0, 6);
        sku.ask(new Operation.Reserve(6, 1_000)).as("cart-1").on("web").accepted();
        assertEquals(6, used("web"));
        sku.accepted(new Operation.Release("cart-1", units(1)));
        assertEquals(5, used("web"));
        sku.accepted(new Operation.Commit("cart-1", units(3)));
        sku.accepted(new Operation.CancelCommitted("cart-1", units(1)));
        assertEquals(4, used("web"));
        sku.nowMs += 1_000;
        sku.expireOverdue();
        assertEquals(2, used("web"));
        sku.accepted(new Operation.Fulfill("cart-1", all()));
        sku.ask(new Operation.Return(2, UnavailableReason.NONE)).on("web").accepted();
        assertEquals(2, used("web"));
    }

    @Test
    void holdMadeBeforeTheAllocationWasSetDoesNotCount() {
        sku.accepted(new Operation.Receive(10, false));
        sku.ask(new Operation.Reserve(3, 60_000)).as("before").on("web").accepted();
        allocate("web", 0, 4);
        sku.ask(new Operation.Reserve(2, 60_000)).as("after").on("web").accepted();
        assertEquals(2, used("web"));
        sku.accepted(new Operation.Release("before", all()));
        assertEquals(2, used("web"));
        sku.accepted(new Operation.Release("after", all()));
        assertEquals(0, used("web"));
    }

    @Test
    void allocationSetAgainCountsItsUseFromZeroAndOneTakenAwayKeepsNothing() {
        sku.accepted(new Operation.Receive(10, false));
        allocate("web", 5, 5);
        sku.ask(new Operation.Sell(5, false)).on("web").accepted();
        assertEquals(0, sku.availableToSell("web"));
        allocate("web", 2, 3);
        assertEquals(3, sku.availableToSell("web"));
        assertEquals(3, sku.availableToSell("till"));
        allocate("web", 0, Allocation.UNBOUNDED);
        assertEquals(List.of(), sku.main().allocations());
        assertEquals(5, sku.availableToSell("web"));
    }

    @Test
    void sharesAreOfOneLocationOnly() {
        sku.accepted(new Operation.Receive(10, false));
        sku.ask(new Operation.Receive(10, false)).at("store").accepted();
        allocate("web", 4, Allocation.UNBOUNDED);
        assertEquals(10, sku.stock.balance("store").availableToSell("till"));
    }

    private void allocate(String channel, long guaranteed, long maximum) {
        sku.ask(new Operation.SetChannelAllocation(guaranteed, maximum)).on(channel).accepted();
    }

    private long used(String channel) {
        return sku.main().allocation(channel).orElseThrow().used();
    }
}
