package io.stockledger.server.domain;

/**
 * What a caller asks of one SKU.
 *
 * @param location where; empty for an {@link Operation.OnReservation} that names none
 * @param occurredAtMs the caller's clock; 0: when the ledger records it
 * @param createdAtMs the id did not exist before that time; 0: not told
 * @param notAfterMs never decided later than that; 0: no such bound
 * @param expectedSequence decided only if the SKU stands there; {@link #ANY_SEQUENCE}: wherever it stands
 * @param contentFingerprint of all that the caller said but the two times above: tells a resend from another
 *     mutation under the same id
 */
public record Mutation(
        String mutationId,
        String sku,
        String location,
        String channel,
        String reference,
        String principal,
        long occurredAtMs,
        long createdAtMs,
        long notAfterMs,
        long expectedSequence,
        long contentFingerprint,
        Operation operation) {
    public static final long ANY_SEQUENCE = -1;

    public Mutation withOperation(Operation other) {
        return new Mutation(mutationId, sku, location, channel, reference, principal, occurredAtMs, createdAtMs,
                notAfterMs, expectedSequence, contentFingerprint, other);
    }
}
