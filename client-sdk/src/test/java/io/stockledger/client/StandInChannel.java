package io.stockledger.client;

import io.grpc.ManagedChannel;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** A connection without a network, and the client's timer beside it: things happen when a test says so. */
abstract class StandInChannel extends ManagedChannel {

    final ScheduledThreadPoolExecutor timer = new Timer();
    private final ConcurrentLinkedQueue<Runnable> timed = new ConcurrentLinkedQueue<>();

    /** A link over it that has been answered on: else what breaks might look like a wrong address. */
    final Link link() {
        Link link = new Link("test", this);
        link.answered();
        return link;
    }

    /** What was to happen first after a while happens now, if there is something. */
    final boolean timerFires() {
        Runnable due = timed.poll();
        if (due == null) {
            return false;
        }
        due.run();
        return true;
    }

    @Override
    public String authority() {
        return "test";
    }

    @Override
    public ManagedChannel shutdown() {
        return this;
    }

    @Override
    public ManagedChannel shutdownNow() {
        return this;
    }

    @Override
    public boolean isShutdown() {
        return false;
    }

    @Override
    public boolean isTerminated() {
        return false;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return true;
    }

    @Override
    public void resetConnectBackoff() {}

    /** Keeps what it is given until the test lets it run; starts no thread, and never repeats. */
    private final class Timer extends ScheduledThreadPoolExecutor {
        Timer() {
            super(1);
        }

        @Override
        public ScheduledFuture<?> schedule(Runnable task, long delay, TimeUnit unit) {
            timed.add(task);
            return new Scheduled();
        }

        @Override
        public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, long first, long delay, TimeUnit unit) {
            return new Scheduled();
        }
    }

    private static final class Scheduled extends FutureTask<Void> implements ScheduledFuture<Void> {
        Scheduled() {
            super(() -> null);
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return 0;
        }

        @Override
        public int compareTo(Delayed other) {
            return 0;
        }
    }
}
