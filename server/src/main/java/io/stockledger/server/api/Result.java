package io.stockledger.server.api;

import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.WireWriter;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.RefusalReason;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What a caller is told of one mutation: the contract's MutationResult. */
sealed interface Result {
    /** The status, if the mutation has no outcome. */
    Optional<Status> error();

    /** Writes the message's own fields. */
    void write(WireWriter out);

    /** The same outcome, told more briefly. */
    default Result withoutBalances() {
        return this;
    }

    /** Of a mutation that a SKU has answered. */
    static Result of(String mutationId, Outcome outcome) {
        if (outcome instanceof Outcome.Applied applied) {
            return new Applied(mutationId, applied, true);
        } else if (outcome instanceof Outcome.Refused refused) {
            return refused(mutationId, refused.refusal());
        } else if (outcome instanceof Outcome.Failed failed) {
            return new Failed(mutationId, Errors.of(failed.failure()));
        }
        throw new IllegalArgumentException("no such outcome: " + outcome);
    }

    /**
     * Of a mutation that no SKU was asked for. The id as far as it may go: one that is refused for its length must not
     * make the answer long too.
     */
    static Result failed(String mutationId, Status status) {
        String clipped = mutationId.length() <= Fields.MUTATION_ID_MAX ? mutationId
                : mutationId.substring(0, mutationId.offsetByCodePoints(0, Math.min(Fields.MUTATION_ID_MAX,
                        mutationId.codePointCount(0, mutationId.length()))));
        return new Failed(clipped, status);
    }

    /** A full SKU is an error of the contract, since it is a limit of the ledger's; every other refusal is an outcome. */
    private static Result refused(String mutationId, Refusal refusal) {
        return switch (refusal.reason()) {
            case TOO_MANY_RESERVATIONS, TOO_MANY_EXPECTED -> new Failed(mutationId, Errors.tooMany(
                    refusal.reason().name(), "the SKU holds as many open as the ledger's limits allow; not applied",
                    Duration.ofSeconds(1)));
            // A SKU keeps its locations for good, and its allocations until somebody takes one back.
            case TOO_MANY_LOCATIONS, TOO_MANY_CHANNELS -> new Failed(mutationId, Errors.status(Code.RESOURCE_EXHAUSTED,
                    refusal.reason().name(), "the SKU has as many as the ledger's limits allow; not applied"));
            case SEQUENCE_MISMATCH -> new Refused(mutationId, refusal, RefusalReason.REFUSAL_REASON_SEQUENCE_MISMATCH);
            case RESERVATION_NOT_FOUND ->
                    new Refused(mutationId, refusal, RefusalReason.REFUSAL_REASON_RESERVATION_NOT_FOUND);
            case RESERVATION_CLOSED ->
                    new Refused(mutationId, refusal, RefusalReason.REFUSAL_REASON_RESERVATION_CLOSED);
            case EXCEEDS_RESERVATION ->
                    new Refused(mutationId, refusal, RefusalReason.REFUSAL_REASON_EXCEEDS_RESERVATION);
            case INSUFFICIENT_STOCK ->
                    new Refused(mutationId, refusal, RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK);
            case BALANCE_LIMIT -> new Refused(mutationId, refusal, RefusalReason.REFUSAL_REASON_BALANCE_LIMIT);
        };
    }

    /** Written field by field: hundreds of thousands a second. */
    record Applied(String mutationId, Outcome.Applied applied, boolean withBalances) implements Result {
        @Override
        public Result withoutBalances() {
            return new Applied(mutationId, applied, false);
        }

        @Override
        public Optional<Status> error() {
            return Optional.empty();
        }

        @Override
        public void write(WireWriter out) {
            Entry entry = applied.entry();
            out.text(MutationResult.MUTATION_ID_FIELD_NUMBER, mutationId);
            int begun = out.begin(MutationResult.APPLIED_FIELD_NUMBER);
            out.int64(io.stockledger.v1.Applied.SEQUENCE_FIELD_NUMBER, entry.sequence());
            out.timestamp(io.stockledger.v1.Applied.RECORDED_AT_FIELD_NUMBER, entry.recordedAtMs());
            out.bool(io.stockledger.v1.Applied.REPLAYED_FIELD_NUMBER, applied.replayed());
            for (Balance balance : withBalances ? entry.balances() : List.<Balance>of()) {
                int balanceBegun = out.begin(io.stockledger.v1.Applied.BALANCES_FIELD_NUMBER);
                EntryCodec.write(balance, out);
                out.end(balanceBegun);
            }
            if (entry.expiresAtMs() > 0) {
                out.timestamp(io.stockledger.v1.Applied.EXPIRES_AT_FIELD_NUMBER, entry.expiresAtMs());
            }
            out.end(begun);
        }
    }

    record Refused(String mutationId, Refusal refusal, RefusalReason reason) implements Result {
        @Override
        public Optional<Status> error() {
            return Optional.empty();
        }

        @Override
        public void write(WireWriter out) {
            out.text(MutationResult.MUTATION_ID_FIELD_NUMBER, mutationId);
            int begun = out.begin(MutationResult.REFUSAL_FIELD_NUMBER);
            out.int64(io.stockledger.v1.Refusal.REASON_FIELD_NUMBER, reason.getNumber());
            out.int64(io.stockledger.v1.Refusal.AVAILABLE_FIELD_NUMBER, refusal.available());
            out.int64(io.stockledger.v1.Refusal.SEQUENCE_FIELD_NUMBER, refusal.sequence());
            out.end(begun);
        }
    }

    record Failed(String mutationId, Status status) implements Result {
        @Override
        public Optional<Status> error() {
            return Optional.of(status);
        }

        @Override
        public void write(WireWriter out) {
            out.text(MutationResult.MUTATION_ID_FIELD_NUMBER, mutationId);
            out.raw(MutationResult.ERROR_FIELD_NUMBER, status.toByteArray());
        }
    }
}
