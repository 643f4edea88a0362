package io.stockledger.loadtest.drill;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import java.time.Instant;
import java.util.concurrent.TimeUnit;

/** Calls without the client's resends, as a caller in another language makes them: one attempt, one answer. */
final class Bare implements AutoCloseable {
    private final ManagedChannel channel;

    Bare(String target) {
        this.channel = NettyChannelBuilder.forTarget(target).usePlaintext().disableRetry().build();
    }

    LedgerServiceGrpc.LedgerServiceFutureStub futures() {
        return LedgerServiceGrpc.newFutureStub(channel);
    }

    /** Calls that wait for no answer. */
    LedgerServiceGrpc.LedgerServiceStub calls() {
        return LedgerServiceGrpc.newStub(channel);
    }

    /** One attempt. */
    MutationResult apply(Mutation mutation, long deadlineMs) {
        return LedgerServiceGrpc.newBlockingStub(channel).withDeadlineAfter(deadlineMs, TimeUnit.MILLISECONDS)
                .applyMutation(ApplyMutationRequest.newBuilder().setMutation(mutation).build()).getResult();
    }

    /** The ErrorInfo reason of an error, else its status code. */
    static String reason(Throwable error) {
        com.google.rpc.Status status = StatusProto.fromThrowable(error);
        if (status != null) {
            for (Any detail : status.getDetailsList()) {
                try {
                    if (detail.is(ErrorInfo.class)) {
                        return detail.unpack(ErrorInfo.class).getReason();
                    }
                } catch (InvalidProtocolBufferException unreadable) {
                    return "unreadable details";
                }
            }
        }
        return error instanceof StatusRuntimeException e ? e.getStatus().getCode().name() : error.toString();
    }

    static Timestamp timestamp(Instant time) {
        return Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
    }

    static Instant instant(Timestamp time) {
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }
}
