package io.stockledger.server.api;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;

/** Makes every error status that a caller gets: a code, a reason from the contract, and details. */
final class Errors {
    private static final String DOMAIN = "stockledger.io";

    private Errors() {
    }

    static StatusRuntimeException invalidField(String field, String description) {
        return make(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", field + ": " + description, Any.pack(BadRequest.newBuilder()
                .addFieldViolations(BadRequest.FieldViolation.newBuilder().setField(field).setDescription(description))
                .build()));
    }

    static StatusRuntimeException of(Status.Code code, String reason, String message) {
        return make(code, reason, message);
    }

    static StatusRuntimeException exhausted(String reason, String message, java.time.Duration retryAfter) {
        return make(Status.Code.RESOURCE_EXHAUSTED, reason, message, Any.pack(RetryInfo.newBuilder()
                .setRetryDelay(Duration.newBuilder().setSeconds(retryAfter.getSeconds()).setNanos(retryAfter.getNano()))
                .build()));
    }

    private static StatusRuntimeException make(Status.Code code, String reason, String message, Any... details) {
        com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .setMessage(message)
                .addDetails(Any.pack(ErrorInfo.newBuilder().setDomain(DOMAIN).setReason(reason).build()));
        for (Any detail : details) {
            status.addDetails(detail);
        }
        return StatusProto.toStatusRuntimeException(status.build());
    }
}
