package io.stockledger.server.domain;

import java.util.List;

/**
 * What the ledger writes: immutable, and whole in itself. The balances after it are absolute, so a stock evolves by
 * taking them over, and a reader who does not know its kind can still apply it.
 *
 * @param mutationId empty for {@link EntryKind#EXPIRE}
 * @param balances right after this entry, at each location that it touched
 * @param reservationId the reservation that it made, changed or expired; else empty
 * @param expiresAtMs of that reservation; Reserve and Extend only
 */
public record Entry(
        String sku,
        long sequence,
        EntryKind kind,
        List<Movement> movements,
        String mutationId,
        String location,
        String channel,
        String reference,
        String principal,
        long occurredAtMs,
        long recordedAtMs,
        long createdAtMs,
        List<Balance> balances,
        String reservationId,
        long expiresAtMs,
        UnavailableReason unavailableReason,
        AdjustReason adjustReason,
        long contentFingerprint) implements Decision {

    /** AVAILABLE stands below zero: after a sale that had already happened, or a count. */
    public boolean belowZero() {
        for (Balance balance : balances) {
            if (balance.available() < 0) {
                return true;
            }
        }
        return false;
    }

    /** Units moved in all. */
    public long quantity() {
        long sum = 0;
        for (Movement movement : movements) {
            sum += movement.quantity();
        }
        return sum;
    }
}
