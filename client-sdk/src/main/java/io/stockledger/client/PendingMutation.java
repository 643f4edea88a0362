package io.stockledger.client;

import io.grpc.Status;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * One mutation on its way: the message that every attempt sends, unchanged, and what the attempts have shown so far.
 * Not thread-safe: one attempt at a time owns it.
 */
final class PendingMutation {

    private final Mutation mutation;
    private final long deadlineNanos;
    private int failures;
    private boolean mayBeApplied;
    private Optional<Failure> last = Optional.empty();

    private PendingMutation(Mutation mutation, long deadlineNanos) {
        this.mutation = mutation;
        this.deadlineNanos = deadlineNanos;
    }

    /** Fills in what the caller left to the client, once and for all attempts. */
    static PendingMutation prepare(Mutation asked, Duration mutationTimeout) {
        Instant now = Instant.now();
        Mutation.Builder filled = asked.toBuilder();
        if (asked.getMutationId().isEmpty()) {
            filled.setMutationId(UUID.randomUUID().toString());
            // Only for an id that was born here. An id of the caller's own (an order line's key) may have been sent
            // by an earlier process: to vouch that it is new would let the ledger apply it twice.
            if (!asked.hasCreatedAt()) {
                filled.setCreatedAt(Times.timestamp(now));
            }
        }
        Duration life = mutationTimeout;
        if (asked.hasNotAfter()) {
            life = Duration.between(now, Times.instant(asked.getNotAfter()));
        } else {
            filled.setNotAfter(Times.timestamp(now.plus(mutationTimeout)));
        }
        // A not_after in the far future must not overflow the clock's nanoseconds.
        Duration bounded = life.compareTo(Duration.ofDays(365)) > 0 ? Duration.ofDays(365) : life;
        // Passed already: one attempt all the same, for the ledger's clock decides and its answer says so.
        long left = Math.max(bounded.toNanos(), 1);
        return new PendingMutation(filled.build(), System.nanoTime() + left);
    }

    Mutation mutation() {
        return mutation;
    }

    String sku() {
        return mutation.getSku();
    }

    /** Time left until not_after, by this machine's clock; zero or less once it has passed. */
    Duration left() {
        return Duration.ofNanos(deadlineNanos - System.nanoTime());
    }

    /** Takes note of an attempt without an outcome, and says how long to wait before the next. */
    Duration failed(Failure failure) {
        failures++;
        mayBeApplied |= failure.mayBeApplied();
        last = Optional.of(failure);
        return Backoff.delay(failures, failure);
    }

    /** The end of a mutation whose last attempt is not worth repeating. */
    LedgerException refusedFinally(Failure failure, String target) {
        // A definite word of the ledger settles earlier attempts too: it knows every id that it applied.
        boolean unknown = failure.mayBeApplied();
        return new LedgerException(
                failure.code(),
                failure.reasonOrCode(),
                unknown,
                mutation.getMutationId(),
                unknown ? failure.line(target) + "; " + outcomeUnknown() : failure.line(target),
                failure.cause().orElse(null));
    }

    /** The end of a mutation whose not_after passed, or that cannot be sent at all. */
    LedgerException givenUp(String target) {
        String line = last.map(failure -> failure.line(target))
                .orElse("the ledger at " + target + " did not answer in time");
        String reason = last.map(Failure::reasonOrCode).orElse(Status.Code.DEADLINE_EXCEEDED.name());
        if (mayBeApplied) {
            return ended("OUTCOME_UNKNOWN", "no outcome until not_after: " + line);
        }
        boolean nobodyListens = last.filter(Failure::unsent).isPresent();
        return ended(reason, nobodyListens ? line : "no outcome until not_after: " + line + "; not applied");
    }

    /** The end of a mutation whose caller was interrupted. */
    LedgerException interrupted(String target) {
        return ended("INTERRUPTED", "interrupted while waiting for the ledger at " + target);
    }

    /** The end of a mutation whose client was closed. */
    LedgerException closed(String target) {
        return ended("CLIENT_CLOSED", "the client of " + target + " is closed");
    }

    /** Marks an attempt under way that nobody will wait for. */
    void abandonedUnderWay() {
        mayBeApplied = true;
    }

    private LedgerException ended(String reason, String line) {
        return new LedgerException(
                last.map(Failure::code).orElse(Status.Code.DEADLINE_EXCEEDED),
                reason,
                mayBeApplied,
                mutation.getMutationId(),
                mayBeApplied ? line + "; " + outcomeUnknown() : line,
                last.flatMap(Failure::cause).orElse(null));
    }

    private String outcomeUnknown() {
        return "the outcome of mutation " + mutation.getMutationId() + " is unknown: ask GetMutation for it after "
                + Times.instant(mutation.getNotAfter());
    }

    /** The result as an outcome; empty where it is an error. */
    static Optional<Outcome> outcome(MutationResult result) {
        return switch (result.getOutcomeCase()) {
            case APPLIED -> {
                io.stockledger.v1.Applied applied = result.getApplied();
                yield Optional.of(new Outcome.Applied(
                        result.getMutationId(),
                        applied.getSequence(),
                        Times.instant(applied.getRecordedAt()),
                        applied.getReplayed(),
                        applied.getBalancesList(),
                        applied.hasExpiresAt()
                                ? Optional.of(Times.instant(applied.getExpiresAt()))
                                : Optional.empty()));
            }
            case REFUSAL -> Optional.of(new Outcome.Refused(
                    result.getMutationId(),
                    result.getRefusal().getReason(),
                    result.getRefusal().getAvailable(),
                    result.getRefusal().getSequence()));
            case ERROR, OUTCOME_NOT_SET -> Optional.empty();
        };
    }
}
