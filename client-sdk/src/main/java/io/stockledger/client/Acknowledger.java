package io.stockledger.client;

import com.google.protobuf.ByteString;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.AcknowledgeCursorResponse;
import io.stockledger.v1.FeedServiceGrpc;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Tells the ledger what a named subscription has applied, on its stream's connection. One call is under way at a time;
 * what comes meanwhile is one call after it, since each speaks for all before. One that gets no answer is made again; one
 * that is refused was of a stream that has ended, and what it spoke of comes again.
 */
final class Acknowledger {

    private static final long CALL_SECONDS = 5;

    private final Link link;
    private final ScheduledThreadPoolExecutor timer;
    private final AcknowledgeCursorRequest request;

    // Guarded by this.
    private Optional<ByteString> next = Optional.empty();
    private boolean underWay;
    private boolean closed;
    private int failures;

    /** @param request whose subscription and consumer it is */
    Acknowledger(Link link, ScheduledThreadPoolExecutor timer, AcknowledgeCursorRequest request) {
        this.link = link;
        this.timer = timer;
        this.request = request;
    }

    synchronized void acknowledge(ByteString acknowledgement) {
        if (closed) {
            return;
        }
        next = Optional.of(acknowledgement);
        send();
    }

    /** Its subscription has ended: what was not told by now is told no more. */
    synchronized void close() {
        closed = true;
        next = Optional.empty();
        notifyAll();
    }

    /** Waits until all is told, at most so long. */
    synchronized void flush(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (underWay || next.isPresent()) {
            long leftMs = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (leftMs <= 0) {
                return;
            }
            try {
                wait(leftMs);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void send() {
        if (underWay || next.isEmpty()) {
            notifyAll();
            return;
        }
        underWay = true;
        ByteString acknowledgement = next.get();
        next = Optional.empty();
        AcknowledgeCursorRequest message =
                request.toBuilder().setAcknowledgement(acknowledgement).build();
        FeedServiceGrpc.newStub(link.channel())
                .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
                .acknowledgeCursor(message, new StreamObserver<>() {
                    @Override
                    public void onNext(AcknowledgeCursorResponse answer) {
                        told();
                    }

                    @Override
                    public void onError(Throwable thrown) {
                        notTold(acknowledgement, Failure.of(thrown));
                    }

                    @Override
                    public void onCompleted() {}
                });
    }

    private synchronized void told() {
        underWay = false;
        failures = 0;
        send();
    }

    private synchronized void notTold(ByteString acknowledgement, Failure failure) {
        if (closed || failure.verdict() == Failure.Verdict.FINAL) {
            told();
            return;
        }
        if (next.isEmpty()) {
            next = Optional.of(acknowledgement);
        }
        failures++;
        try {
            timer.schedule(this::again, Backoff.delay(failures, failure).toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException clientClosed) {
            next = Optional.empty();
            told();
        }
    }

    private synchronized void again() {
        underWay = false;
        send();
    }
}
