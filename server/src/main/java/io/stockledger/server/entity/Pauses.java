package io.stockledger.server.entity;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Waits for fractions of a millisecond, which Akka's own timers, of 10 ms, can't. One thread a node. */
final class Pauses implements AutoCloseable {
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "pauses");
        thread.setDaemon(true);
        return thread;
    });

    void after(long nanos, Runnable task) {
        if (!thread.isShutdown()) {
            thread.schedule(task, nanos, TimeUnit.NANOSECONDS);
        }
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
