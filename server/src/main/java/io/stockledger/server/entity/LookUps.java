package io.stockledger.server.entity;

import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.journal.History;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks into the journal for mutations that can't be decided from memory: one whose id was applied, or may have been
 * long ago, and a count of a shelf that was read a while ago. Off the decision path, on a few threads of its own, with
 * a bounded queue.
 */
final class LookUps implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LookUps.class);

    /** What was found. */
    sealed interface Finding {}

    /** The mutation has its outcome. */
    record Answered(Outcome outcome) implements Finding {}

    /** The mutation can be decided: its id stands in no entry up to a sequence, and its past is filled in. */
    record Cleared(Mutation mutation, long throughSequence) implements Finding {}

    private final History history;
    private final Duration window;
    private final InstantSource clock;
    private final EntityMeasurements measurements;
    private final ThreadPoolExecutor threads;

    LookUps(History history, Duration window, InstantSource clock, int threads, int waitingMax,
            EntityMeasurements measurements) {
        this.history = history;
        this.window = window;
        this.clock = clock;
        this.measurements = measurements;
        this.threads = new ThreadPoolExecutor(threads, threads, 1, TimeUnit.MINUTES,
                new LinkedBlockingQueue<>(waitingMax), task -> {
                    Thread thread = new Thread(task, "look-up");
                    thread.setDaemon(true);
                    return thread;
                });
        this.threads.allowCoreThreadTimeOut(true);
        measurements.watch(this, waitingMax);
    }

    /**
     * Begins a look-up.
     *
     * @param foundAt an entry that seems to be this mutation's; 0: none does
     * @param committedSequence where the SKU stands: entries beyond are not looked at
     * @return false: as many wait as may
     */
    boolean begin(Mutation mutation, long foundAt, long committedSequence, Consumer<Finding> whenDone) {
        long sinceNanos = System.nanoTime();
        try {
            threads.execute(() -> {
                Finding finding = find(mutation, foundAt, committedSequence);
                measurements.lookedUp(sinceNanos);
                whenDone.accept(finding);
            });
            return true;
        } catch (RejectedExecutionException full) {
            return false;
        }
    }

    /**
     * Waits until every write that is under way in the store has ended.
     *
     * @param whenDone told false where the store can't tell
     * @return false: as many wait as may
     */
    boolean settle(Consumer<Boolean> whenDone) {
        try {
            threads.execute(() -> whenDone.accept(hasSettled()));
            return true;
        } catch (RejectedExecutionException full) {
            return false;
        }
    }

    int waiting() {
        return threads.getQueue().size();
    }

    private boolean hasSettled() {
        try {
            history.settle();
            return true;
        } catch (RuntimeException e) {
            LOG.warn("The journal can't be read: {}", e.toString());
            return false;
        }
    }

    private Finding find(Mutation mutation, long foundAt, long committedSequence) {
        try {
            long sinceMs = clock.millis() - window.toMillis();
            Optional<Entry> first = history.entryOf(mutation.sku(), mutation.mutationId(), foundAt, sinceMs);
            if (first.isPresent()) {
                boolean same = first.get().contentFingerprint() == mutation.contentFingerprint();
                return new Answered(same ? new Outcome.Applied(first.get(), true)
                        : new Outcome.Failed(Outcome.Failure.MUTATION_ID_REUSED));
            }
            return new Cleared(withHistory(mutation), committedSequence);
        } catch (RuntimeException e) {
            LOG.warn("The journal could not be looked at for a mutation of {}: {}", mutation.sku(), e.toString());
            return new Answered(new Outcome.Failed(Outcome.Failure.NOT_STARTED));
        }
    }

    private Mutation withHistory(Mutation mutation) {
        if (!(mutation.operation() instanceof Operation.Count count) || count.onHandThen().isPresent()) {
            return mutation;
        }
        if (count.atTimeMs() > 0) {
            return mutation.withOperation(count.withOnHandThen(
                    history.onHandAtTime(mutation.sku(), mutation.location(), count.atTimeMs())));
        }
        return count.atSequence() == 0 ? mutation : mutation.withOperation(count.withOnHandThen(
                history.onHandAtSequence(mutation.sku(), mutation.location(), count.atSequence())));
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
