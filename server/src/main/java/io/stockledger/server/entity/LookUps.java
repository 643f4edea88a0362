package io.stockledger.server.entity;

import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.History;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks into the journal for mutations that can't be decided from memory: one whose id was applied, or may have been
 * long ago, and a count of a shelf that was read a while ago. Off the decision path, on a few threads of its own, with
 * bounded queues. SKUs take turns, and one SKU never has all threads: however many look-ups it
 * needs, those of its neighbours go on. Waiting for the writes under way in the store has a thread beside them.
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
    private final ThreadPoolExecutor settling;
    private final int waitingMax;
    private final int skuWaitingMax;
    private final int skuUnderWayMax;

    // Guarded by this.
    private final Map<String, OfSku> bySku = new HashMap<>();
    private final ArrayDeque<OfSku> turns = new ArrayDeque<>();
    private int waiting;
    /** Who waits for the writes under way; the next one to settle answers them all. */
    private List<Unsettled> unsettled = List.of();

    /** A SKU whose write failed, or whose journal could not be read. */
    private record Unsettled(String sku, Consumer<Boolean> whenDone) {}

    /**
     * None under way yet.
     *
     * @param waitingMax look-ups that may wait; of one SKU a quarter of them
     */
    LookUps(History history, Duration window, InstantSource clock, int threads, int waitingMax,
            EntityMeasurements measurements) {
        this.history = history;
        this.window = window;
        this.clock = clock;
        this.measurements = measurements;
        this.waitingMax = waitingMax;
        this.skuWaitingMax = Math.max(1, waitingMax / 4);
        this.skuUnderWayMax = Math.max(1, threads - 1);
        // No more wait there than SKUs have a turn.
        this.threads = threads(threads, "look-up");
        this.settling = threads(1, "settle");
        measurements.watch(this, waitingMax);
    }

    private static ThreadPoolExecutor threads(int count, String name) {
        ThreadPoolExecutor threads = new ThreadPoolExecutor(count, count, 1, TimeUnit.MINUTES,
                new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, name);
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
        return threads;
    }

    /**
     * Begins a look-up for a mutation of which the SKU has told where it may stand; all of those entries are
     * committed.
     *
     * @return false: as many wait as may
     */
    boolean begin(Waiting.ForDecision told, Consumer<Finding> whenDone) {
        long sinceNanos = System.nanoTime();
        Mutation mutation = told.mutation;
        long[] foundAt = told.foundAt;
        long forgottenThrough = told.forgottenThrough;
        long toldAt = told.toldAt;
        return queue(mutation.sku(), () -> {
            Finding finding = find(mutation, foundAt, forgottenThrough, toldAt);
            measurements.lookedUp(sinceNanos);
            whenDone.accept(finding);
        });
    }

    /**
     * Waits until every write that is under way in the store has ended. After a failure of the store all SKUs ask at once:
     * one wait answers everyone who asked before it began. No more wait than there are SKUs in memory, one each.
     *
     * @param whenDone told false where the store can't tell
     * @return false: this is closed
     */
    synchronized boolean settle(String sku, Consumer<Boolean> whenDone) {
        if (settling.isShutdown()) {
            return false;
        }
        if (unsettled.isEmpty()) {
            unsettled = new ArrayList<>();
            settling.execute(this::settleAll);
        }
        unsettled.add(new Unsettled(sku, whenDone));
        return true;
    }

    private void settleAll() {
        List<Unsettled> asked;
        synchronized (this) {
            asked = unsettled;
            // Who asks from here on may have a write that this wait does not see.
            unsettled = List.of();
        }
        boolean settled = hasSettled();
        for (Unsettled one : asked) {
            try {
                one.whenDone().accept(settled);
            } catch (RuntimeException e) {
                LOG.warn("{} could not be told whether the journal has settled", one.sku(), e);
            }
        }
    }

    /** What waits for one SKU. */
    private static final class OfSku {
        private final String sku;
        private final ArrayDeque<Runnable> waiting = new ArrayDeque<>(2);
        private int underWay;
        private boolean hasTurn;

        OfSku(String sku) {
            this.sku = sku;
        }
    }

    private synchronized boolean queue(String sku, Runnable task) {
        OfSku ofSku = bySku.computeIfAbsent(sku, OfSku::new);
        if (waiting >= waitingMax || ofSku.waiting.size() >= skuWaitingMax || threads.isShutdown()) {
            forgetIfIdle(ofSku);
            return false;
        }
        ofSku.waiting.add(task);
        waiting++;
        giveTurn(ofSku);
        return true;
    }

    /** For each SKU that has a turn, one thread will come. */
    private void giveTurn(OfSku ofSku) {
        if (!ofSku.hasTurn && !ofSku.waiting.isEmpty() && ofSku.underWay < skuUnderWayMax && !threads.isShutdown()) {
            ofSku.hasTurn = true;
            turns.add(ofSku);
            threads.execute(this::takeTurn);
        }
    }

    private void takeTurn() {
        OfSku ofSku;
        Runnable task;
        synchronized (this) {
            ofSku = turns.remove();
            ofSku.hasTurn = false;
            task = ofSku.waiting.remove();
            waiting--;
            ofSku.underWay++;
            giveTurn(ofSku);
        }
        try {
            task.run();
        } finally {
            synchronized (this) {
                ofSku.underWay--;
                giveTurn(ofSku);
                forgetIfIdle(ofSku);
            }
        }
    }

    private void forgetIfIdle(OfSku ofSku) {
        if (ofSku.waiting.isEmpty() && ofSku.underWay == 0) {
            bySku.remove(ofSku.sku);
        }
    }

    synchronized int waiting() {
        return waiting;
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

    private Finding find(Mutation mutation, long[] foundAt, long forgottenThrough, long toldAt) {
        try {
            long sinceMs = clock.millis() - window.toMillis();
            Optional<Entry> first = history.entryOf(mutation.sku(), mutation.mutationId(), foundAt, forgottenThrough, sinceMs);
            if (first.isPresent()) {
                boolean same = first.get().contentFingerprint() == mutation.contentFingerprint();
                return new Answered(same ? new Outcome.Applied(first.get(), true)
                        : new Outcome.Failed(Outcome.Failure.MUTATION_ID_REUSED));
            }
            return new Cleared(withHistory(mutation), toldAt);
        } catch (GroupRow.DamagedException e) {
            LOG.error("A look-up met a damaged journal: {}", e.getMessage());
            return new Answered(new Outcome.Failed(Outcome.Failure.JOURNAL_DAMAGED));
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
    public synchronized void close() {
        threads.shutdownNow();
        settling.shutdownNow();
    }
}
