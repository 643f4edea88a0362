package io.stockledger.client;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.AcknowledgeCursorResponse;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.SubscribeResponse;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/** A subscription's connection with a ledger behind it that sends what a test says, and answers acknowledgements at once. */
final class StandInFeed extends StandInChannel {

    /** All that were ever opened. */
    final List<Stream> streams = new CopyOnWriteArrayList<>();
    /** In the order in which the ledger heard of them. */
    final List<ByteString> acknowledged = Collections.synchronizedList(new ArrayList<>());
    /** Acknowledgements that came when their stream was over. */
    final AtomicInteger acknowledgedTooLate = new AtomicInteger();

    /** The newest stream's next message, if one is open. */
    void send(SubscribeResponse message) {
        newest(stream -> stream.listener.onMessage(message));
    }

    /** The newest stream ends, if one is open. */
    void breakOff(Status why) {
        newest(stream -> stream.close(why));
    }

    private void newest(java.util.function.Consumer<Stream> what) {
        if (!streams.isEmpty()) {
            Stream stream = streams.get(streams.size() - 1);
            stream.callbacks.execute(() -> {
                if (!stream.over) {
                    what.accept(stream);
                }
            });
        }
    }

    @Override
    @SuppressWarnings("unchecked")
    public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
        return (ClientCall<Q, A>) (method.getFullMethodName().equals(FeedServiceGrpc.getSubscribeMethod().getFullMethodName())
                ? new Stream(options.getExecutor())
                : new Acknowledgement());
    }

    /** One connection's stream; its listener is called on the executor that it was opened with, as gRPC does. */
    final class Stream extends ClientCall<Object, SubscribeResponse> {
        private final Executor callbacks;
        private volatile Listener<SubscribeResponse> listener;
        /** Cancelled by the client, or ended by the ledger. */
        volatile boolean over;

        private Stream(Executor callbacks) {
            this.callbacks = callbacks;
        }

        @Override
        public void start(Listener<SubscribeResponse> answers, Metadata headers) {
            listener = answers;
            streams.add(this);
        }

        private void close(Status why) {
            over = true;
            listener.onClose(why, new Metadata());
        }

        @Override
        public void request(int count) {}

        @Override
        public void cancel(String message, Throwable cause) {
            if (!over) {
                over = true;
                callbacks.execute(() -> listener.onClose(Status.CANCELLED, new Metadata()));
            }
        }

        @Override
        public void halfClose() {}

        @Override
        public void sendMessage(Object request) {}
    }

    private final class Acknowledgement extends ClientCall<AcknowledgeCursorRequest, AcknowledgeCursorResponse> {
        private Listener<AcknowledgeCursorResponse> listener;

        @Override
        public void start(Listener<AcknowledgeCursorResponse> answers, Metadata headers) {
            listener = answers;
        }

        @Override
        public void request(int count) {}

        @Override
        public void cancel(String message, Throwable cause) {}

        @Override
        public void sendMessage(AcknowledgeCursorRequest request) {
            acknowledged.add(request.getAcknowledgement());
            if (streams.get(streams.size() - 1).over) {
                acknowledgedTooLate.incrementAndGet();
            }
        }

        @Override
        public void halfClose() {
            listener.onMessage(AcknowledgeCursorResponse.getDefaultInstance());
            listener.onClose(Status.OK, new Metadata());
        }
    }
}
