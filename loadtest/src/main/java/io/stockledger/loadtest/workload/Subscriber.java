package io.stockledger.loadtest.workload;

import com.google.protobuf.ByteString;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** A subscriber as an integrator in any language is one: the bare stream, read as fast as it comes, or not at all. */
final class Subscriber implements ClientResponseObserver<SubscribeRequest, SubscribeResponse>, AutoCloseable {
    private final boolean stalled;
    private final Consumer<SubscribeResponse> onMessage;
    private final CountDownLatch caughtUp = new CountDownLatch(1);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile ByteString cursor = ByteString.EMPTY;
    private volatile boolean closed;
    private ClientCallStreamObserver<SubscribeRequest> call;

    private Subscriber(boolean stalled, Consumer<SubscribeResponse> onMessage) {
        this.stalled = stalled;
        this.onMessage = onMessage;
    }

    /** Reads everything; {@code onMessage} runs on the connection's thread, so it must not block. */
    static Subscriber reading(Channel channel, SubscribeRequest request, Consumer<SubscribeResponse> onMessage) {
        return open(channel, request, new Subscriber(false, onMessage));
    }

    /** Takes its first message and never another; the stream stays open. */
    static Subscriber stalled(Channel channel, SubscribeRequest request) {
        return open(channel, request, new Subscriber(true, message -> {}));
    }

    private static Subscriber open(Channel channel, SubscribeRequest request, Subscriber subscriber) {
        FeedServiceGrpc.newStub(channel).subscribe(request, subscriber);
        return subscriber;
    }

    /** Waits until it was told that it has caught up: from then on each entry comes as it commits. */
    void awaitCaughtUp() throws InterruptedException {
        if (!caughtUp.await(120, TimeUnit.SECONDS)) {
            throw new IllegalStateException("a subscription did not catch up within 120 s");
        }
        requireWell();
    }

    /** The cursor after the last message. */
    ByteString cursor() {
        return cursor;
    }

    /** Throws what ended the stream, where something did. */
    void requireWell() {
        if (failure.get() != null) {
            throw new IllegalStateException("a subscription ended: " + failure.get().getMessage(), failure.get());
        }
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<SubscribeRequest> stream) {
        call = stream;
        if (stalled) {
            stream.disableAutoRequestWithInitial(1);
        }
    }

    @Override
    public void onNext(SubscribeResponse message) {
        try {
            onMessage.accept(message);
        } catch (RuntimeException e) {
            failure.compareAndSet(null, e);
            caughtUp.countDown();
        }
        if (!message.getCursor().isEmpty()) {
            cursor = message.getCursor();
        }
        if (message.getCaughtUp()) {
            caughtUp.countDown();
        }
    }

    @Override
    public void onError(Throwable e) {
        if (!closed) {
            failure.compareAndSet(null, e);
        }
        caughtUp.countDown();
    }

    @Override
    public void onCompleted() {
        onError(new IllegalStateException("the ledger ended the stream"));
    }

    @Override
    public void close() {
        closed = true;
        call.cancel("the workload is over", null);
    }
}
