package io.stockledger.server.domain;

import java.util.OptionalLong;

/** What a {@link Mutation} asks for: one verb. An absent quantity means all there is. */
public sealed interface Operation {
    /** SUPPLIER to INCOMING, under the mutation's reference. */
    record Expect(long quantity) implements Operation {}

    /** INCOMING to SUPPLIER, under the mutation's reference. */
    record CancelExpected(long quantity) implements Operation {}

    /** To AVAILABLE, from INCOMING under the mutation's reference or straight from SUPPLIER. */
    record Receive(long quantity, boolean fromExpected) implements Operation {}

    /** AVAILABLE to RESERVED, until the time to live has passed. */
    record Reserve(long quantity, long timeToLiveMs) implements Operation {}

    /** Moves a reservation's expiry. */
    record Extend(String reservationId, long timeToLiveMs) implements OnReservation {}

    /** RESERVED to AVAILABLE. */
    record Release(String reservationId, OptionalLong quantity) implements OnReservation {}

    /** RESERVED to COMMITTED. */
    record Commit(String reservationId, OptionalLong quantity) implements OnReservation {}

    /** COMMITTED to CUSTOMER. */
    record Fulfill(String reservationId, OptionalLong quantity) implements OnReservation {}

    /** COMMITTED to AVAILABLE. */
    record CancelCommitted(String reservationId, OptionalLong quantity) implements OnReservation {}

    /** AVAILABLE to CUSTOMER; recorded whatever is available where it has already happened. */
    record Sell(long quantity, boolean alreadyHappened) implements Operation {}

    /** CUSTOMER to AVAILABLE, or to UNAVAILABLE where a reason is given. */
    record Return(long quantity, UnavailableReason reason) implements Operation {}

    /** AVAILABLE to UNAVAILABLE. */
    record SetAside(long quantity, UnavailableReason reason) implements Operation {}

    /** UNAVAILABLE to AVAILABLE. */
    record PutBack(long quantity, UnavailableReason reason) implements Operation {}

    /** AVAILABLE here to INCOMING there, under the mutation's reference. */
    record ShipTransfer(long quantity, String toLocation) implements Operation {}

    /** INCOMING to AVAILABLE, under the mutation's reference. */
    record ReceiveTransfer(long quantity) implements Operation {}

    /** Between AVAILABLE and SHRINKAGE; {@code delta} above zero adds. */
    record Adjust(long delta, AdjustReason reason) implements Operation {}

    /**
     * A cycle count. The shelf was read at {@code atSequence} or {@code atTimeMs} (both 0: now). What the ledger had
     * on hand then is history, which the caller of {@link Decider} looks up and puts into {@code onHandThen}.
     */
    record Count(long counted, long atSequence, long atTimeMs, OptionalLong onHandThen) implements Operation {
        /** Whether the shelf was read at a moment that the stock has moved on from, and the look-up is still due. */
        public boolean needsHistory(Stock stock) {
            boolean past = atTimeMs > 0 || (atSequence > 0 && atSequence < stock.sequence());
            return past && onHandThen.isEmpty();
        }

        public Count withOnHandThen(long onHand) {
            return new Count(counted, atSequence, atTimeMs, OptionalLong.of(onHand));
        }
    }

    /** Keeps units back from every channel. */
    record SetSafetyStock(long quantity) implements Operation {}

    /** Sets the share of the mutation's channel; neither guaranteed nor bounded takes it away. */
    record SetChannelAllocation(long guaranteed, long maximum) implements Operation {}

    /** An operation on a reservation, which brings location and channel. */
    sealed interface OnReservation extends Operation permits Extend, Release, Commit, Fulfill, CancelCommitted {
        String reservationId();
    }
}
