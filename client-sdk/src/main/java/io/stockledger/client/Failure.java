package io.stockledger.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;

/**
 * One attempt that brought no outcome, read once: what the ledger or the transport said, and what follows from it.
 *
 * @param code the status code
 * @param reason the ledger's ErrorInfo reason; empty where the ledger itself did not speak
 * @param description what it said, in words
 * @param retryAfter how long the ledger asks to wait
 * @param unsent true where no connection came about, so nothing was sent
 * @param cause what was thrown, where something was
 */
record Failure(
        Status.Code code,
        String reason,
        String description,
        Optional<Duration> retryAfter,
        boolean unsent,
        Optional<Throwable> cause) {

    private static final String LEDGER_DOMAIN = "stockledger.io";

    /** What follows for a mutation. */
    enum Verdict {
        /** The ledger did not apply it, and may do so later. */
        TRY_LATER,
        /** Nobody answered: it may or may not have been applied; the same bytes again are safe. */
        NO_ANSWER,
        /** Sending it again would bring the same. */
        FINAL
    }

    static Failure of(Throwable thrown) {
        Status status = Status.fromThrowable(thrown);
        Metadata trailers = Status.trailersFromThrowable(thrown);
        return of(status, trailers == null ? new Metadata() : trailers, Optional.of(thrown));
    }

    static Failure of(Status status, Metadata trailers) {
        return of(status, trailers, Optional.ofNullable(status.getCause()));
    }

    /** The error of one mutation within a batch. */
    static Failure of(com.google.rpc.Status status) {
        return of(Status.fromCodeValue(status.getCode()), status.getMessage(), status, false, Optional.empty());
    }

    private static Failure of(Status status, Metadata trailers, Optional<Throwable> cause) {
        com.google.rpc.Status details = StatusProto.fromStatusAndTrailers(status, trailers);
        String description = status.getDescription() == null ? "" : status.getDescription();
        return of(status, description, details, neverConnected(status.getCause()), cause);
    }

    private static Failure of(
            Status status,
            String description,
            com.google.rpc.Status details,
            boolean unsent,
            Optional<Throwable> cause) {
        String reason = "";
        Optional<Duration> retryAfter = Optional.empty();
        for (Any detail : details.getDetailsList()) {
            try {
                if (detail.is(ErrorInfo.class)) {
                    ErrorInfo info = detail.unpack(ErrorInfo.class);
                    // A proxy's reasons are not the ledger's, and promise nothing about the mutation.
                    if (info.getDomain().equals(LEDGER_DOMAIN)) {
                        reason = info.getReason();
                    }
                } else if (detail.is(RetryInfo.class)) {
                    retryAfter = Optional.of(Times.duration(detail.unpack(RetryInfo.class).getRetryDelay()));
                }
            } catch (InvalidProtocolBufferException unreadable) {
                // A detail that cannot be read says nothing; the code still does.
            }
        }
        return new Failure(
                status.getCode(), reason, description, retryAfter, unsent && reason.isEmpty(), cause);
    }

    Verdict verdict() {
        if (unsent) {
            return Verdict.TRY_LATER;
        }
        return switch (code) {
            case UNAVAILABLE -> reason.equals("NOT_STARTED") ? Verdict.TRY_LATER : Verdict.NO_ANSWER;
            case RESOURCE_EXHAUSTED -> !reason.isEmpty() && retryAfter.isPresent() ? Verdict.TRY_LATER : Verdict.FINAL;
            // CANCELLED is never ours here: it is what a call sees whose server is shut down under it, or breaks it off
            // since its answers are not read.
            case DEADLINE_EXCEEDED, CANCELLED -> Verdict.NO_ANSWER;
            // The ledger never answers with these: they tell of a transport that broke under the call.
            case UNKNOWN, INTERNAL -> reason.isEmpty() ? Verdict.NO_ANSWER : Verdict.FINAL;
            case OK,
                    INVALID_ARGUMENT,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    PERMISSION_DENIED,
                    FAILED_PRECONDITION,
                    ABORTED,
                    OUT_OF_RANGE,
                    UNIMPLEMENTED,
                    DATA_LOSS,
                    UNAUTHENTICATED -> Verdict.FINAL;
        };
    }

    /** Whether a mutation that met this may have been applied all the same. */
    boolean mayBeApplied() {
        return switch (verdict()) {
            case TRY_LATER -> false;
            case NO_ANSWER -> true;
            case FINAL -> reason.isEmpty()
                    && switch (code) {
                        // From something between us and the ledger.
                        case DATA_LOSS, RESOURCE_EXHAUSTED, ABORTED, OK -> true;
                        case CANCELLED,
                                UNKNOWN,
                                INTERNAL,
                                INVALID_ARGUMENT,
                                DEADLINE_EXCEEDED,
                                NOT_FOUND,
                                ALREADY_EXISTS,
                                PERMISSION_DENIED,
                                FAILED_PRECONDITION,
                                OUT_OF_RANGE,
                                UNIMPLEMENTED,
                                UNAVAILABLE,
                                UNAUTHENTICATED -> false;
                    };
        };
    }

    /** Whether the ledger spoke, however unwillingly. */
    boolean ledgerAnswered() {
        return !reason.isEmpty();
    }

    /** The reason to branch on, as {@link LedgerException#reason()} has it. */
    String reasonOrCode() {
        return reason.isEmpty() ? code.name() : reason;
    }

    /** One line for a person: what is wrong at that target, and what to do. */
    String line(String target) {
        if (unsent) {
            return nobodyListens(target);
        }
        if (!reason.isEmpty()) {
            return description.isEmpty() ? reason : reason + ": " + description;
        }
        return switch (code) {
            case UNAVAILABLE, CANCELLED, UNKNOWN, INTERNAL -> "the connection to the ledger at " + target + " broke"
                    + (description.isEmpty() ? "" : " (" + description + ")");
            case DEADLINE_EXCEEDED -> "the ledger at " + target + " did not answer in time";
            case UNIMPLEMENTED -> "what answers at " + target + " is not a ledger of this version"
                    + (description.isEmpty() ? "" : " (" + description + ")");
            case OK,
                    INVALID_ARGUMENT,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    PERMISSION_DENIED,
                    RESOURCE_EXHAUSTED,
                    FAILED_PRECONDITION,
                    ABORTED,
                    OUT_OF_RANGE,
                    DATA_LOSS,
                    UNAUTHENTICATED -> description.isEmpty() ? code.name() : code + ": " + description;
        };
    }

    /** What to say where no connection comes about. */
    static String nobodyListens(String target) {
        return "no ledger answers at " + target + "; start one with ./stockledger serve";
    }

    /** As what a read or a subscription throws. */
    LedgerException exception(String target) {
        return LedgerException.of(code, reasonOrCode(), line(target), cause.orElse(null));
    }

    private static boolean neverConnected(Throwable cause) {
        for (Throwable at = cause; at != null; at = at.getCause()) {
            if (at instanceof ConnectException || at instanceof UnknownHostException) {
                return true;
            }
        }
        return false;
    }
}
