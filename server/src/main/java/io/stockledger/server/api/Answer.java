package io.stockledger.server.api;

import com.google.rpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicBoolean;

/** The one answer of a unary call: given once, from any thread; later ones, and those nobody waits for, are dropped. */
final class Answer<T> {
    private final StreamObserver<T> observer;
    private final AtomicBoolean given = new AtomicBoolean();

    Answer(StreamObserver<T> observer) {
        this.observer = observer;
        // Without a handler an answer to a caller who hung up would throw.
        ((ServerCallStreamObserver<T>) observer).setOnCancelHandler(() -> given.set(true));
    }

    /** False once it is given, or its caller hung up. */
    boolean isAwaited() {
        return !given.get();
    }

    void give(T response) {
        if (given.compareAndSet(false, true)) {
            observer.onNext(response);
            observer.onCompleted();
        }
    }

    void fail(Status status) {
        if (given.compareAndSet(false, true)) {
            observer.onError(Errors.exception(status));
        }
    }
}
