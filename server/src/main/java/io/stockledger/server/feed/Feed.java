package io.stockledger.server.feed;

import com.typesafe.config.Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.LedgerIdentity;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.Position;
import io.stockledger.server.journal.Tail;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One tail, fanned out to this node's subscribers. Each catches up from the journal, then follows
 * the ring that holds the newest rows; one that falls off the ring's end goes back to the journal.
 * A subscriber costs one message and its place, however slow it is, and delays nobody else.
 */
public final class Feed implements AutoCloseable {
    private static final Duration TICK = Duration.ofMillis(20);

    private final JournalReader reader;
    private final LedgerIdentity identity;
    private final Clock clock;
    private final Pace pace;
    private final FeedMeasurements measurements;
    private final Ring ring;
    private final Tail tail;
    private final int messageBytes;
    private final int subscriptionsMax;
    private final Duration chainHeadsInterval;
    private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
    private final AtomicInteger count = new AtomicInteger();
    private final ExecutorService live;
    private final ExecutorService catchUp;
    private final ScheduledExecutorService ticker;
    private final Growth growth = new Growth();
    private volatile boolean closed;

    private Feed(Database database, JournalReader reader, Config journal, Config feed, Clock clock, Pace pace,
            FeedMeasurements measurements) throws SQLException {
        this.reader = reader;
        this.identity = LedgerIdentity.read(database);
        this.clock = clock;
        this.pace = pace;
        this.measurements = measurements;
        this.messageBytes = Math.toIntExact(feed.getBytes("message-bytes"));
        this.subscriptionsMax = feed.getInt("subscriptions-max");
        this.chainHeadsInterval = feed.getDuration("chain-heads-interval");
        this.live = Executors.newFixedThreadPool(feed.getInt("live-threads"), threads("feed-live"));
        this.catchUp = Executors.newFixedThreadPool(feed.getInt("catch-up-threads"), threads("feed-catch-up"));
        this.ticker = Executors.newSingleThreadScheduledExecutor(threads("feed-tick"));
        var start = reader.watermark();
        this.ring = new Ring(feed.getInt("ring-rows"), feed.getBytes("ring-bytes"), start);
        this.tail = new Tail(database, journal, clock, start, new Tail.Listener() {
            @Override
            public void tailed(List<JournalRow> rows, long completeTimeMs) {
                Feed.this.tailed(rows, completeTimeMs);
            }

            @Override
            public boolean wantsRows() {
                return count.get() > 0;
            }

            @Override
            public void passed(Position position, long completeTimeMs) {
                ring.passed(position, completeTimeMs);
            }

            @Override
            public void lagged(long nanos) {
                measurements.lagged(nanos);
            }
        });
    }

    /**
     * Follows the database's journal from now on. {@code journal}, {@code feed}: the sections of the settings.
     *
     * @param pace at which subscribers catch up
     */
    public static Feed start(Database database, JournalReader reader, Config journal, Config feed, Clock clock, Pace pace,
            MeterRegistry registry) throws SQLException {
        FeedMeasurements measurements = new FeedMeasurements(registry);
        Feed started = new Feed(database, reader, journal, feed, clock, pace, measurements);
        measurements.watch(started);
        started.tail.start();
        started.ticker.scheduleWithFixedDelay(started::tick, TICK.toMillis(), TICK.toMillis(), TimeUnit.MILLISECONDS);
        return started;
    }

    /** This node has committed something: what follows the feed should hear of it at once. Any thread; cheap. */
    public void committed() {
        pace.committed();
        if (count.get() > 0) {
            tail.committed();
        }
    }

    /** Another node has. Any thread; cheap. */
    public void committedElsewhere() {
        if (count.get() > 0) {
            tail.wake();
        }
    }

    /** Begins a subscription; empty where there are as many as may be. */
    public Optional<Subscription> subscribe(FeedRequest request, FeedSink sink) {
        if (count.incrementAndGet() > subscriptionsMax || closed) {
            count.decrementAndGet();
            return Optional.empty();
        }
        Subscription subscription = new Subscription(this, request, sink);
        subscriptions.add(subscription);
        tail.wake();
        subscription.wake();
        return Optional.of(subscription);
    }

    /** What bytes that claim to be a cursor are. */
    public Cursor.Parsed parseCursor(byte[] bytes) {
        return Cursor.parse(bytes, identity);
    }

    /** A cursor as clients know it. */
    public byte[] bytesOf(Cursor cursor) {
        return cursor.toBytes(identity);
    }

    /** Where the feed stands on this node; a look of a tenth of a second ago, where nobody subscribes. */
    public Reached reached() {
        return ring.reached();
    }

    public int subscriptionCount() {
        return count.get();
    }

    boolean isClosed() {
        return closed;
    }

    int subscriptionsMax() {
        return subscriptionsMax;
    }

    int liveCount() {
        return (int) subscriptions.stream().filter(Subscription::isLive).count();
    }

    /** How long the subscriber that is behind for the longest has been so; 0: none is. */
    long longestBehindNanos() {
        return subscriptions.stream().mapToLong(Subscription::behindNanos).max().orElse(0);
    }

    /** Everything that was committed until so long ago has been told; not a number before the first look. */
    double completenessAgeMs() {
        long completeTimeMs = ring.completeTimeMs();
        return completeTimeMs == 0 ? Double.NaN : Math.max(0, clock.millis() - completeTimeMs);
    }

    /** See {@link Tail#watermarkAge}. */
    public Duration watermarkAge() {
        return tail.watermarkAge();
    }

    /** Ends every subscription, then stops. */
    @Override
    public void close() {
        closed = true;
        subscriptions.forEach(Subscription::endByClosing);
        tail.close();
        // The ticker first: who rests is told of the end by the pools behind it.
        for (ExecutorService pool : List.of(ticker, live, catchUp)) {
            pool.shutdown();
            try {
                if (!pool.awaitTermination(5, TimeUnit.SECONDS)) {
                    pool.shutdownNow();
                }
            } catch (InterruptedException e) {
                pool.shutdownNow();
                Thread.currentThread().interrupt();
            }
        }
    }

    private void tailed(List<JournalRow> rows, long completeTimeMs) {
        growth.add(rows);
        ring.append(rows, completeTimeMs);
        for (Subscription subscription : subscriptions) {
            subscription.tailed(rows);
        }
    }

    private void tick() {
        boolean someoneWaits = false;
        long now = System.nanoTime();
        for (Subscription subscription : subscriptions) {
            someoneWaits |= subscription.tick(now);
        }
        // Caught up is said after a look that began later than the subscription did.
        if (someoneWaits) {
            tail.wake();
        }
    }

    // ---- What a subscription uses ----

    JournalReader reader() {
        return reader;
    }

    public LedgerIdentity identity() {
        return identity;
    }

    FeedMeasurements measurements() {
        return measurements;
    }

    Clock clock() {
        return clock;
    }

    Ring ring() {
        return ring;
    }

    int messageBytes() {
        return messageBytes;
    }

    Duration chainHeadsInterval() {
        return chainHeadsInterval;
    }

    ExecutorService live() {
        return live;
    }

    ExecutorService catchUp() {
        return catchUp;
    }

    /** How long a subscription rests after it has read for so long. */
    long restNanos(long workedNanos) {
        return pace.restNanos(workedNanos);
    }

    /**
     * How long a subscription rests after it has caught up by so many bytes in so long. Never so long that the journal
     * would grow by more than half of that meanwhile: who catches up must come closer.
     */
    long catchUpRestNanos(long workedNanos, long bytes) {
        double bytesANano = growth.bytesANano();
        long rest = restNanos(workedNanos);
        return bytesANano == 0 ? rest : Math.max(0, Math.min(rest, (long) (bytes / (2 * bytesANano)) - workedNanos));
    }

    /** Runs a task on the threads that catch up, after a rest. */
    void catchUpAfter(long restNanos, Runnable task) {
        if (restNanos > 0 && !closed) {
            try {
                ticker.schedule(() -> catchUp.execute(task), restNanos, TimeUnit.NANOSECONDS);
                return;
            } catch (RejectedExecutionException closing) {
                // Then there is no time to rest.
            }
        }
        catchUp.execute(task);
    }

    /** How fast the journal grows, over the last second or two. */
    private static final class Growth {
        private static final long SPAN_NANOS = TimeUnit.SECONDS.toNanos(1);
        private long sinceNanos = System.nanoTime();
        private long bytes;
        private volatile double bytesANano;

        /** From the tail's thread only. */
        void add(List<JournalRow> rows) {
            for (JournalRow row : rows) {
                bytes += row.payload().length;
            }
            long span = System.nanoTime() - sinceNanos;
            if (span >= SPAN_NANOS) {
                bytesANano = (double) bytes / span;
                bytes = 0;
                sinceNanos += span;
            }
        }

        double bytesANano() {
            return bytesANano;
        }
    }

    void ended(Subscription subscription) {
        if (subscriptions.remove(subscription)) {
            count.decrementAndGet();
        }
    }

    private static ThreadFactory threads(String name) {
        AtomicInteger number = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }
}
