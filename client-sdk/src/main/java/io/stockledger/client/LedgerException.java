package io.stockledger.client;

import io.grpc.Status;
import java.util.Optional;

/**
 * The ledger gave no outcome: the call was malformed, forbidden, put off for too long, or no answer came. The message
 * is one line that says what is wrong and what to do.
 *
 * <p>Ask {@link #outcomeUnknown()} before anything else. False: the mutation was not applied, and no copy of it is
 * under way. True: it may have been applied, or may still be until its {@code not_after}; past that time
 * {@link LedgerClient#mutation} tells for good, and sending the same {@link #mutationId()} again is always safe.
 */
public final class LedgerException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final Status.Code code;
    private final String reason;
    private final boolean outcomeUnknown;
    private final String mutationId;

    LedgerException(
            Status.Code code,
            String reason,
            boolean outcomeUnknown,
            String mutationId,
            String message,
            Throwable cause) {
        super(message.replaceAll("\\s*\\R\\s*", " "), cause);
        this.code = code;
        this.reason = reason;
        this.outcomeUnknown = outcomeUnknown;
        this.mutationId = mutationId;
    }

    /** An error of no mutation. */
    static LedgerException of(Status.Code code, String reason, String message, Throwable cause) {
        return new LedgerException(code, reason, false, "", message, cause);
    }

    /**
     * Why, to branch on: the ErrorInfo reason that the ledger gave (listed at LedgerService and FeedService), else the
     * status code's name, or one of the client's own: {@code CLIENT_FULL} (more than maxInFlight mutations are under
     * way; not sent), {@code CLIENT_CLOSED}, {@code INTERRUPTED}, {@code OUTCOME_UNKNOWN} (not_after passed without an
     * answer), {@code FEED_GAP} and {@code LISTENER_FAILED} (what ends a subscription), {@code VIEW_FULL} (what ends a
     * stock view).
     */
    public String reason() {
        return reason;
    }

    /** The gRPC status code. */
    public Status.Code code() {
        return code;
    }

    /** True where the mutation may have been applied all the same; always false for reads. */
    public boolean outcomeUnknown() {
        return outcomeUnknown;
    }

    /** The mutation, where there was one: what to ask {@link LedgerClient#mutation} for, or to send again. */
    public Optional<String> mutationId() {
        return mutationId.isEmpty() ? Optional.empty() : Optional.of(mutationId);
    }
}
