package io.stockledger.server.api;

import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayList;
import java.util.List;

/** A caller who keeps what is answered, and notes what gRPC forbids: two threads at once, more after the end. */
final class KeptAnswers<T> extends ServerCallStreamObserver<T> {
    final List<T> answers = new ArrayList<>();
    int errors;
    int completions;
    int faults;
    private volatile boolean ready;
    private volatile boolean readyForOne;
    private volatile boolean inCall;
    private volatile boolean cancelled;
    private Runnable onReady = () -> { };
    private Runnable onCancel = () -> { };
    private Runnable onClose = () -> { };

    KeptAnswers(boolean ready) {
        this.ready = ready;
    }

    void becomeReady() {
        ready = true;
        onReady.run();
    }

    /** Takes one answer at once, and is ready for no other. */
    void becomeReadyForOne() {
        readyForOne = true;
        ready = true;
        onReady.run();
    }

    /** All of it is sent, its end too. */
    void close() {
        onClose.run();
    }

    void hangUp() {
        cancelled = true;
        onCancel.run();
    }

    private void called(Runnable what) {
        if (inCall || errors + completions > 0) {
            faults++;
        }
        inCall = true;
        what.run();
        inCall = false;
    }

    @Override
    public void onNext(T answer) {
        called(() -> answers.add(answer));
        ready &= !readyForOne;
    }

    @Override
    public void onError(Throwable error) {
        called(() -> errors++);
    }

    @Override
    public void onCompleted() {
        called(() -> completions++);
    }

    @Override
    public boolean isReady() {
        return ready;
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
        onReady = handler;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
        onCancel = handler;
    }

    @Override
    public void setOnCloseHandler(Runnable handler) {
        onClose = handler;
    }

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void disableAutoRequest() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}

    @Override
    public void setCompression(String compression) {}
}
