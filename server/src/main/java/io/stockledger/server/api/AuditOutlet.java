package io.stockledger.server.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.stockledger.server.entity.Outcome;
import io.stockledger.v1.AuditResponse;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Where an audit's messages go: no faster than its caller reads, and no longer than he does. */
final class AuditOutlet {
    private static final long NOT_READ_MAX_MS = 30_000;

    private final ServerCallStreamObserver<AuditResponse> answers;
    private final long notReadMaxMs;

    AuditOutlet(ServerCallStreamObserver<AuditResponse> answers) {
        this(answers, NOT_READ_MAX_MS);
    }

    /** @param notReadMaxMs a caller who does not take a message for so long has the thread that others wait for */
    AuditOutlet(ServerCallStreamObserver<AuditResponse> answers, long notReadMaxMs) {
        this.answers = answers;
        this.notReadMaxMs = notReadMaxMs;
        answers.setOnReadyHandler(this::changed);
        answers.setOnCancelHandler(this::changed);
    }

    private synchronized void changed() {
        notifyAll();
    }

    boolean isOpen() {
        return !answers.isCancelled();
    }

    /** Waits for the caller to read; whether it went out. Where not, the call is over. */
    synchronized boolean send(AuditResponse message) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(notReadMaxMs);
        while (!answers.isReady()) {
            long leftMs = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (!isOpen()) {
                return false;
            }
            if (leftMs <= 0) {
                answers.onError(Errors.exception(Errors.tooMany("AUDIT_NOT_READ",
                        "the audit's messages were not read for " + notReadMaxMs / 1_000 + " s; others may wait for its place", Duration.ofSeconds(5))));
                return false;
            }
            try {
                wait(leftMs);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                answers.onError(Errors.exception(Errors.of(Outcome.Failure.NOT_STARTED)));
                return false;
            }
        }
        answers.onNext(message);
        return true;
    }
}
