package io.stockledger.server.api;

import com.google.protobuf.Any;
import com.google.protobuf.util.Durations;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.stockledger.server.entity.Outcome.Failure;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Every gRPC status that the ledger answers is made here, after AIP-193: a code, one clear line, an ErrorInfo with a
 * reason that the contract lists, and what helps: the field that is wrong, when to come back.
 */
final class Errors {
    static final String DOMAIN = "stockledger.io";
    /** As all clients of gRPC know it. */
    private static final Metadata.Key<Status> DETAILS = Metadata.Key.of("grpc-status-details-bin",
            ProtoUtils.metadataMarshaller(Status.getDefaultInstance()));
    /** Made once: in an overload they are what most are told. */
    private static final Map<Failure, Status> FAILURES =
            Arrays.stream(Failure.values()).collect(Collectors.toUnmodifiableMap(failure -> failure, Errors::make));

    private Errors() {}

    static Status status(Code code, String reason, String message) {
        return builder(code, reason, message).build();
    }

    static Status field(String field, String description) {
        return field("INVALID_FIELD", field, description);
    }

    static Status field(String reason, String field, String description) {
        BadRequest details = BadRequest.newBuilder()
                .addFieldViolations(BadRequest.FieldViolation.newBuilder().setField(field).setDescription(description))
                .build();
        return builder(Code.INVALID_ARGUMENT, reason, field + ": " + description)
                .addDetails(Any.pack(details)).build();
    }

    static Status tooMany(String reason, String message, Duration retryAfter) {
        RetryInfo retry = RetryInfo.newBuilder().setRetryDelay(Durations.fromMillis(retryAfter.toMillis())).build();
        return builder(Code.RESOURCE_EXHAUSTED, reason, message).addDetails(Any.pack(retry)).build();
    }

    /** Not RESOURCE_EXHAUSTED, which says that nothing was applied: the answers that were not read may say otherwise. */
    static Status answersNotRead() {
        return status(Code.UNAVAILABLE, "ANSWERS_NOT_READ", "the stream's answers were not read, and the node holds as many"
                + " bytes of such as it may; what was not answered may or may not be in the journal: send it again");
    }

    static Status damaged() {
        return of(Failure.JOURNAL_DAMAGED);
    }

    /** @param bytesMax that an answer may have */
    static Status stockTooLarge(int bytesMax) {
        return status(Code.FAILED_PRECONDITION, "ANSWER_TOO_LARGE", "the stock asked for takes more than "
                + bytesMax / 1024 + " KiB: ask for one location, or for fewer SKUs at a time");
    }

    /** The status of a mutation or look that was not decided. */
    static Status of(Failure failure) {
        return FAILURES.get(failure);
    }

    private static Status make(Failure failure) {
        return switch (failure) {
            case MUTATION_ID_REUSED -> status(Code.ALREADY_EXISTS, failure.name(),
                    "mutation_id was applied before with other content; a new mutation needs a new id");
            case MUTATION_EXPIRED -> status(Code.FAILED_PRECONDITION, failure.name(),
                    "created_at is older than the ledger recognises ids for; not applied by this call");
            case NOT_AFTER_PASSED -> status(Code.FAILED_PRECONDITION, failure.name(),
                    "the mutation came after its not_after; not applied, and never will be");
            case DEADLINE_PASSED -> status(Code.DEADLINE_EXCEEDED, failure.name(),
                    "the deadline passed before the mutation's turn; not applied by this call");
            case TOO_MANY_WAITING -> tooMany(failure.name(),
                    "too many mutations wait; not applied, send it again after the delay", Duration.ofMillis(50));
            case TOO_MANY_LOOKUPS -> tooMany(failure.name(),
                    "too many look-ups in the journal wait; not applied, send it again after the delay",
                    Duration.ofMillis(500));
            case NOT_STARTED -> status(Code.UNAVAILABLE, failure.name(),
                    "the ledger is starting, stopping or without its store; not applied, send it again");
            case OUTCOME_UNKNOWN -> status(Code.UNAVAILABLE, failure.name(),
                    "the write may or may not be in the journal; send the same mutation again to learn its outcome");
            case JOURNAL_DAMAGED -> status(Code.DATA_LOSS, failure.name(),
                    "a stored row is not what was written: nothing is decided or told on it; the ledger's log names it");
        };
    }

    static StatusRuntimeException exception(Status status) {
        Metadata trailers = new Metadata();
        trailers.put(DETAILS, status);
        return new Told(io.grpc.Status.fromCodeValue(status.getCode()).withDescription(status.getMessage()), trailers);
    }

    /** An answer, not a fault: where it was made is of no use, and to find that out takes longer than the answer. */
    private static final class Told extends StatusRuntimeException {
        private static final long serialVersionUID = 1L;

        Told(io.grpc.Status status, Metadata trailers) {
            super(status, trailers);
        }

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    private static Status.Builder builder(Code code, String reason, String message) {
        ErrorInfo info = ErrorInfo.newBuilder().setDomain(DOMAIN).setReason(reason).build();
        return Status.newBuilder().setCode(code.value()).setMessage(message).addDetails(Any.pack(info));
    }
}
