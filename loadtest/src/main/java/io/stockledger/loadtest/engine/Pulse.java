package io.stockledger.loadtest.engine;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/** Between the engine and a running load: whether to go on, and what was done so far. Any thread may use it. */
public final class Pulse {
    private final LongAdder answered = new LongAdder();
    private final CountDownLatch stop = new CountDownLatch(1);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    public boolean running() {
        return stop.getCount() > 0;
    }

    /** So many units of the figure are done: mutations, calls, entries. */
    public void answered(long count) {
        answered.add(count);
    }

    /** A figure with failures in it is none: the load is stopped and the first failure told. */
    public void failed(Throwable reason) {
        failure.compareAndSet(null, reason);
        stop.countDown();
    }

    public long answeredSoFar() {
        return answered.sum();
    }

    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure.get());
    }

    void stop() {
        stop.countDown();
    }

    /** Waits that long, or until somebody stops or fails the load. */
    void await(long nanos) throws InterruptedException {
        stop.await(nanos, TimeUnit.NANOSECONDS);
    }
}
