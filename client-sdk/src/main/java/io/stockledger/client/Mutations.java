package io.stockledger.client;

import io.stockledger.v1.Adjust;
import io.stockledger.v1.AdjustReason;
import io.stockledger.v1.CancelCommitted;
import io.stockledger.v1.CancelExpected;
import io.stockledger.v1.Commit;
import io.stockledger.v1.Count;
import io.stockledger.v1.Expect;
import io.stockledger.v1.Extend;
import io.stockledger.v1.Fulfill;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.PutBack;
import io.stockledger.v1.Receive;
import io.stockledger.v1.ReceiveTransfer;
import io.stockledger.v1.Release;
import io.stockledger.v1.Reserve;
import io.stockledger.v1.Return;
import io.stockledger.v1.Sell;
import io.stockledger.v1.SetAside;
import io.stockledger.v1.SetChannelAllocation;
import io.stockledger.v1.SetSafetyStock;
import io.stockledger.v1.ShipTransfer;
import io.stockledger.v1.UnavailableReason;
import java.time.Duration;
import java.time.Instant;

/**
 * One method a verb of the ledger, with what the verb needs; the caller adds the rest to the builder that it gets:
 *
 * <pre>{@code Mutations.sell("MUG-BLUE", 2).setChannel("web").setReference("order-1001").build()}</pre>
 *
 * <p>What each verb moves, and what it is refused for, is said in {@code mutation.proto}. Nothing is checked here: the
 * ledger checks, so that every language meets the same rules. A mutation without an id gets one when it is sent; give
 * it your own ({@code setMutationId}, an order line's key, say) where a process may die between sending and hearing.
 */
public final class Mutations {

    private Mutations() {}

    /** Units are on order, under the purchase order {@code reference}. */
    public static Mutation.Builder expect(String sku, long quantity, String reference) {
        return of(sku).setReference(reference).setExpect(Expect.newBuilder().setQuantity(quantity));
    }

    /** Units on order under {@code reference} will not come. */
    public static Mutation.Builder cancelExpected(String sku, long quantity, String reference) {
        return of(sku).setReference(reference)
                .setCancelExpected(CancelExpected.newBuilder().setQuantity(quantity));
    }

    /** Units arrive straight from the supplier. */
    public static Mutation.Builder receive(String sku, long quantity) {
        return of(sku).setReceive(Receive.newBuilder().setQuantity(quantity));
    }

    /** Units arrive that were on order under {@code reference}. */
    public static Mutation.Builder receiveExpected(String sku, long quantity, String reference) {
        return of(sku).setReference(reference)
                .setReceive(Receive.newBuilder().setQuantity(quantity).setFromExpected(true));
    }

    /** Holds units for a checkout; the mutation's id is the reservation's id. */
    public static Mutation.Builder reserve(String sku, long quantity, Duration timeToLive) {
        return of(sku).setReserve(
                        Reserve.newBuilder().setQuantity(quantity).setTimeToLive(Times.duration(timeToLive)));
    }

    /** Holds what a reservation still holds until {@code timeToLive} from now. */
    public static Mutation.Builder extend(String sku, String reservationId, Duration timeToLive) {
        return of(sku).setExtend(
                        Extend.newBuilder().setReservationId(reservationId).setTimeToLive(Times.duration(timeToLive)));
    }

    /** Gives back all that a reservation holds. */
    public static Mutation.Builder release(String sku, String reservationId) {
        return of(sku).setRelease(Release.newBuilder().setReservationId(reservationId));
    }

    /** Gives back a part of what a reservation holds. */
    public static Mutation.Builder release(String sku, String reservationId, long quantity) {
        return of(sku).setRelease(
                        Release.newBuilder().setReservationId(reservationId).setQuantity(quantity));
    }

    /** The order is placed: commits all that a reservation holds. */
    public static Mutation.Builder commit(String sku, String reservationId) {
        return of(sku).setCommit(Commit.newBuilder().setReservationId(reservationId));
    }

    /** The order is placed for a part: what stays held still expires. */
    public static Mutation.Builder commit(String sku, String reservationId, long quantity) {
        return of(sku).setCommit(
                        Commit.newBuilder().setReservationId(reservationId).setQuantity(quantity));
    }

    /** All committed units of a reservation leave to the customer. */
    public static Mutation.Builder fulfill(String sku, String reservationId) {
        return of(sku).setFulfill(Fulfill.newBuilder().setReservationId(reservationId));
    }

    /** A part of the committed units of a reservation leaves to the customer. */
    public static Mutation.Builder fulfill(String sku, String reservationId, long quantity) {
        return of(sku).setFulfill(
                        Fulfill.newBuilder().setReservationId(reservationId).setQuantity(quantity));
    }

    /** The order is cancelled before the units left: gives back all that is committed. */
    public static Mutation.Builder cancelCommitted(String sku, String reservationId) {
        return of(sku).setCancelCommitted(CancelCommitted.newBuilder().setReservationId(reservationId));
    }

    /** A part of the order is cancelled before the units left. */
    public static Mutation.Builder cancelCommitted(String sku, String reservationId, long quantity) {
        return of(sku).setCancelCommitted(
                        CancelCommitted.newBuilder().setReservationId(reservationId).setQuantity(quantity));
    }

    /** A sale in one step. */
    public static Mutation.Builder sell(String sku, long quantity) {
        return of(sku).setSell(Sell.newBuilder().setQuantity(quantity));
    }

    /** A sale whose goods have left already: recorded even where it drives AVAILABLE below zero. */
    public static Mutation.Builder sellAlreadyHappened(String sku, long quantity) {
        return of(sku).setSell(Sell.newBuilder().setQuantity(quantity).setAlreadyHappened(true));
    }

    /** Units come back from a customer and may be sold again. */
    public static Mutation.Builder returned(String sku, long quantity) {
        return of(sku).setReturn(Return.newBuilder().setQuantity(quantity));
    }

    /** Units come back from a customer and may not be sold, for {@code reason}. */
    public static Mutation.Builder returned(String sku, long quantity, UnavailableReason reason) {
        return of(sku).setReturn(Return.newBuilder().setQuantity(quantity).setUnavailableReason(reason));
    }

    /** Units may not be sold. */
    public static Mutation.Builder setAside(String sku, long quantity, UnavailableReason reason) {
        return of(sku).setSetAside(SetAside.newBuilder().setQuantity(quantity).setReason(reason));
    }

    /** Units that were set aside for {@code reason} may be sold again. */
    public static Mutation.Builder putBack(String sku, long quantity, UnavailableReason reason) {
        return of(sku).setPutBack(PutBack.newBuilder().setQuantity(quantity).setReason(reason));
    }

    /** Units leave the mutation's location for another, under the transfer's {@code reference}. */
    public static Mutation.Builder shipTransfer(String sku, long quantity, String toLocation, String reference) {
        return of(sku).setReference(reference)
                .setShipTransfer(ShipTransfer.newBuilder().setQuantity(quantity).setToLocation(toLocation));
    }

    /** Units of the transfer {@code reference} arrive at the mutation's location. */
    public static Mutation.Builder receiveTransfer(String sku, long quantity, String reference) {
        return of(sku).setReference(reference)
                .setReceiveTransfer(ReceiveTransfer.newBuilder().setQuantity(quantity));
    }

    /** Units turned up (above zero) or vanished (below zero). */
    public static Mutation.Builder adjust(String sku, long quantityDelta, AdjustReason reason) {
        return of(sku).setAdjust(Adjust.newBuilder().setQuantityDelta(quantityDelta).setReason(reason));
    }

    /** Somebody counted the shelf just now. */
    public static Mutation.Builder count(String sku, long counted) {
        return of(sku).setCount(Count.newBuilder().setCounted(counted));
    }

    /** Somebody counted the shelf when the SKU stood at {@code sequence}. */
    public static Mutation.Builder countAtSequence(String sku, long counted, long sequence) {
        return of(sku).setCount(Count.newBuilder().setCounted(counted).setAtSequence(sequence));
    }

    /** Somebody counted the shelf at {@code time}. */
    public static Mutation.Builder countAtTime(String sku, long counted, Instant time) {
        return of(sku).setCount(Count.newBuilder().setCounted(counted).setAtTime(Times.timestamp(time)));
    }

    /** Keeps units back from every channel; 0 keeps none back. */
    public static Mutation.Builder setSafetyStock(String sku, long quantity) {
        return of(sku).setSetSafetyStock(SetSafetyStock.newBuilder().setQuantity(quantity));
    }

    /** Gives the channel units that no other may take, without a maximum; 0 takes its allocation away. */
    public static Mutation.Builder setChannelAllocation(String sku, String channel, long guaranteed) {
        return of(sku).setChannel(channel)
                .setSetChannelAllocation(SetChannelAllocation.newBuilder().setGuaranteed(guaranteed));
    }

    /** Gives the channel units that no other may take, and a maximum of its own. */
    public static Mutation.Builder setChannelAllocation(String sku, String channel, long guaranteed, long maximum) {
        return of(sku).setChannel(channel)
                .setSetChannelAllocation(SetChannelAllocation.newBuilder()
                        .setGuaranteed(guaranteed)
                        .setMaximum(maximum));
    }

    private static Mutation.Builder of(String sku) {
        return Mutation.newBuilder().setSku(sku);
    }
}
