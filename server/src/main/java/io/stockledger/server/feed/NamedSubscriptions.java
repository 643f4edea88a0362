package io.stockledger.server.feed;

import com.typesafe.config.Config;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.SlotLeases;
import io.stockledger.server.journal.SlotLeases.Held;
import io.stockledger.server.journal.SlotLeases.Mark;
import io.stockledger.server.journal.SlotLeases.Retry;
import io.stockledger.server.journal.SlotLeases.Seen;
import io.stockledger.server.journal.SlotLeases.Stream;
import io.stockledger.server.journal.SubscriptionStore.Named;
import io.stockledger.v1.Entry;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node's streams of named subscriptions: divides the slots of each name among its consumers, on this node and on
 * others, and tells the store what was acknowledged. One thread, a few times a second; between, all is in memory.
 *
 * <p>Nobody leads. Each node sees in the store who a name's consumers are, works out how many slots each should have,
 * gives up what its own have beyond that, and claims for them what is free.
 */
public final class NamedSubscriptions implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NamedSubscriptions.class);
    private static final long TICK_MS = 20;
    /** Parked entries that one look reads and sends once more: a look must not make a lease late. */
    private static final int RETRIES_A_LOOK = 10;
    /** Of one name one look sees so many that are to be sent once more. */
    private static final int RETRIES_SEEN = 100;

    private final Feed feed;
    private final SlotLeases leases;
    private final Pacing writing;
    private final Pacing looking;
    private final long leaseNanos;
    private final long acknowledgeWithinNanos;
    private final int unacknowledgedMax;
    private final ScheduledExecutorService thread = thread("subscriptions");
    /** Looks at the time, also while the other waits for the store. */
    private final ScheduledExecutorService watch = thread("subscription-times");
    private final Map<UUID, ConsumerStream> streams = new ConcurrentHashMap<>();
    private volatile boolean lookIsAsked;

    // On its own thread only.
    private final Set<UUID> joined = ConcurrentHashMap.newKeySet();
    private long renewedNanos = System.nanoTime();
    private boolean storeIsAway;
    /** By name: the last retry that was looked at; the next look goes on after it, so that none waits behind others. */
    private final Map<String, Retry> lookedAt = new HashMap<>();

    private NamedSubscriptions(Feed feed, SlotLeases leases, Config config) {
        this.feed = feed;
        this.leases = leases;
        this.leaseNanos = config.getDuration("lease").toNanos();
        this.writing = new Pacing(config.getDuration("write-interval"), leaseNanos / 8);
        this.looking = new Pacing(config.getDuration("look-interval"), leaseNanos / 8);
        this.acknowledgeWithinNanos = config.getDuration("acknowledge-within").toNanos();
        this.unacknowledgedMax = config.getInt("unacknowledged-max");
    }

    private static ScheduledExecutorService thread(String name) {
        return Executors.newSingleThreadScheduledExecutor(task -> {
            Thread made = new Thread(task, name);
            made.setDaemon(true);
            return made;
        });
    }

    /** {@code config}: stockledger.subscriptions. */
    public static NamedSubscriptions start(Feed feed, Database database, Config config) {
        NamedSubscriptions started = new NamedSubscriptions(feed, new SlotLeases(database, config.getDuration("lease")), config);
        started.thread.scheduleWithFixedDelay(started::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
        started.watch.scheduleWithFixedDelay(started::checkTimes, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
        return started;
    }

    /** At most a tenth of the time goes into what has this pace, unless leases would be renewed late for it. */
    private static final class Pacing {
        private final long intervalNanos;
        private final long restNanosMax;
        private long nextNanos = System.nanoTime();

        Pacing(Duration interval, long restNanosMax) {
            this.intervalNanos = interval.toNanos();
            this.restNanosMax = restNanosMax;
        }

        boolean isDue(long nowNanos) {
            return nowNanos - nextNanos >= 0;
        }

        void done(long begunNanos) {
            long now = System.nanoTime();
            nextNanos = now + Math.max(intervalNanos, Math.min(restNanosMax, 9 * (now - begunNanos)));
        }
    }

    // ---- For the API ----

    /**
     * Begins a consumer's stream, in place of one that bears its name. The sink is told of all that follows.
     *
     * @param consumer empty: it gets a name that is nobody else's, and need not give it
     */
    public ConsumerStream open(Named named, String consumer, Selection selection, Duration heartbeatInterval, FeedSink sink) {
        UUID stream = UUID.randomUUID();
        Stream id = new Stream(named.name(), consumer.isEmpty() ? "unnamed-" + stream : consumer, stream);
        ConsumerStream opened = new ConsumerStream(feed, sink, new ConsumerStream.Terms(id, !consumer.isEmpty(), selection,
                heartbeatInterval, named.cursors().size(), named.rewinds(), named.createdAt().toEpochMilli() + named.rewinds(), unacknowledgedMax));
        for (ConsumerStream other : streams.values()) {
            if (other.id().name().equals(named.name()) && other.id().consumer().equals(id.consumer())) {
                other.end(FeedSink.End.TAKEN_OVER);
            }
        }
        streams.put(stream, opened);
        lookSoon();
        return opened;
    }

    /** Takes a consumer's word that it has applied a message; in memory, so cheap, from any thread. */
    public ConsumerStream.Acknowledged acknowledge(String name, String consumer, byte[] acknowledgement, boolean allowRewind) {
        Optional<Acknowledgement> what = Acknowledgement.parse(acknowledgement, feed.identity());
        if (what.isEmpty()) {
            return ConsumerStream.Acknowledged.INVALID;
        }
        ConsumerStream stream = streams.get(what.get().stream());
        boolean its = stream != null && stream.id().name().equals(name) && stream.isOf(consumer);
        return its ? stream.acknowledge(what.get(), allowRewind) : ConsumerStream.Acknowledged.MOVED;
    }

    /** Something has changed in the store. */
    public void lookSoon() {
        lookIsAsked = true;
        try {
            thread.execute(this::tick);
        } catch (RejectedExecutionException closing) {
            // Then the streams end anyway.
        }
    }

    // ---- On its own thread ----

    private void tick() {
        if (streams.isEmpty()) {
            return;
        }
        try {
            long now = System.nanoTime();
            boolean look = lookIsAsked || looking.isDue(now);
            if (look || writing.isDue(now)) {
                write(now);
                writing.done(now);
            }
            if (look) {
                lookIsAsked = false;
                long begun = System.nanoTime();
                try {
                    join();
                    look(begun);
                } finally {
                    looking.done(begun);
                }
            }
            if (storeIsAway) {
                LOG.info("The store of named subscriptions is back");
                storeIsAway = false;
            }
        } catch (SQLException e) {
            if (!storeIsAway) {
                LOG.warn("The store of named subscriptions can't be reached, trying on: {}", e.getMessage());
            }
            storeIsAway = true;
            long begun = System.nanoTime();
            writing.done(begun);
            looking.done(begun);
        } catch (RuntimeException e) {
            LOG.error("Named subscriptions met a failure, going on", e);
        }
    }

    private void checkTimes() {
        long now = System.nanoTime();
        for (ConsumerStream stream : streams.values()) {
            try {
                stream.checkTimes(now, acknowledgeWithinNanos);
            } catch (RuntimeException e) {
                LOG.error("A named subscription's stream met a failure, going on", e);
            }
        }
    }

    /** One statement for all that was acknowledged and all leases that are due. */
    private void write(long now) throws SQLException {
        Map<ConsumerStream, List<Mark>> marks = new LinkedHashMap<>();
        List<Mark> all = new ArrayList<>();
        List<Retry> retried = new ArrayList<>();
        for (ConsumerStream stream : streams.values()) {
            List<Mark> of = stream.marks(now + leaseNanos * 3 / 4);
            retried.addAll(stream.takeRetried());
            if (!of.isEmpty()) {
                marks.put(stream, of);
                all.addAll(of);
            }
        }
        if (!all.isEmpty()) {
            Set<Held> present;
            try {
                present = leases.mark(all);
            } catch (SQLException e) {
                marks.forEach(ConsumerStream::notMarked);
                throw e;
            }
            marks.forEach((stream, of) -> stream.marked(of, present, now + leaseNanos));
        }
        if (!retried.isEmpty()) {
            leases.retried(retried);
        }
        letGo();
        if (now - renewedNanos > leaseNanos / 4) {
            renew(now);
        }
    }

    private void letGo() throws SQLException {
        List<Stream> gone = new ArrayList<>();
        for (ConsumerStream stream : streams.values()) {
            if (stream.isGone()) {
                gone.add(stream.id());
            }
        }
        if (!gone.isEmpty()) {
            leases.leave(gone);
            gone.forEach(id -> {
                streams.remove(id.stream());
                joined.remove(id.stream());
            });
            // What they had is free for others.
            lookIsAsked = true;
        }
    }

    private void renew(long now) throws SQLException {
        List<Stream> open = streams.values().stream().filter(stream -> !stream.isOver() && joined.contains(stream.id().stream()))
                .map(ConsumerStream::id).toList();
        if (!open.isEmpty()) {
            leases.renew(open);
        }
        renewedNanos = now;
    }

    private void join() throws SQLException {
        for (ConsumerStream stream : streams.values()) {
            if (!stream.isOver() && !joined.contains(stream.id().stream())) {
                leases.join(stream.id());
                joined.add(stream.id().stream());
            }
        }
    }

    private void look(long begun) throws SQLException {
        Map<String, List<ConsumerStream>> byName = new TreeMap<>();
        for (ConsumerStream stream : streams.values()) {
            if (!stream.isOver() && joined.contains(stream.id().stream())) {
                byName.computeIfAbsent(stream.id().name(), name -> new ArrayList<>()).add(stream);
            }
        }
        if (byName.isEmpty()) {
            return;
        }
        Map<String, Seen> seen = leases.look(byName.keySet());
        List<Held> wanted = new ArrayList<>();
        Map<ConsumerStream, Integer> leaving = new LinkedHashMap<>();
        byName.forEach((name, ours) -> {
            if (seen.containsKey(name)) {
                divide(seen.get(name), ours, wanted, leaving);
            } else {
                ours.forEach(stream -> stream.end(FeedSink.End.DELETED));
            }
        });
        Map<UUID, Map<Held, Cursor>> claimed = new HashMap<>();
        if (!wanted.isEmpty()) {
            leases.claim(wanted).forEach((held, cursor) ->
                    claimed.computeIfAbsent(held.stream().stream(), stream -> new LinkedHashMap<>()).put(held, cursor));
        }
        byName.values().forEach(ours -> ours.forEach(stream -> {
            Map<Held, Cursor> gained = claimed.getOrDefault(stream.id().stream(), Map.of());
            int gives = leaving.getOrDefault(stream, 0);
            if (!gained.isEmpty() || gives > 0 || !stream.hasBegun() && !stream.isOver()) {
                stream.change(gained, gives, begun + leaseNanos);
            }
        }));
        retry(byName, seen);
    }

    /** What each of our consumers of a name is to claim, and how many slots it is to give up. */
    private static void divide(Seen seen, List<ConsumerStream> ours, List<Held> wanted, Map<ConsumerStream, Integer> leaving) {
        Deque<SlotLeases.Slot> free = new ArrayDeque<>();
        seen.slots().stream().filter(slot -> slot.stream().isEmpty()).forEach(free::add);
        int slots = seen.slots().size();
        int consumers = seen.consumers().size();
        for (ConsumerStream stream : ours) {
            int place = seen.consumers().indexOf(stream.id());
            if (seen.rewinds() != stream.rewinds()) {
                stream.end(FeedSink.End.REWOUND);
            } else if (place < 0) {
                boolean takenOver = seen.consumers().stream().anyMatch(other -> other.consumer().equals(stream.id().consumer()));
                stream.end(takenOver ? FeedSink.End.TAKEN_OVER : FeedSink.End.MOVED);
            } else {
                int share = slots / consumers + (place < slots % consumers ? 1 : 0);
                int has = stream.staying();
                if (has > share) {
                    leaving.put(stream, has - share);
                }
                for (int missing = share - has; missing > 0 && !free.isEmpty(); missing--) {
                    SlotLeases.Slot slot = free.remove();
                    wanted.add(new Held(stream.id(), slot.slot(), slot.generation()));
                }
            }
        }
    }

    private void retry(Map<String, List<ConsumerStream>> byName, Map<String, Seen> seen) throws SQLException {
        List<String> names = new ArrayList<>(byName.keySet());
        names.removeIf(name -> !seen.containsKey(name) || byName.get(name).stream().noneMatch(ConsumerStream::mayRetry));
        lookedAt.keySet().retainAll(names);
        // Where a look does not get to all, each name has its turn.
        Collections.shuffle(names);
        Map<String, List<Retry>> found = names.isEmpty() ? Map.of() : leases.retries(names, lookedAt, RETRIES_SEEN);
        int left = RETRIES_A_LOOK;
        Map<ConsumerStream, List<Retry>> retries = new LinkedHashMap<>();
        for (String name : names) {
            List<Retry> of = found.getOrDefault(name, List.of());
            int i = 0;
            for (; i < of.size() && left > 0; i++) {
                Retry retry = of.get(i);
                int slot = Selection.shareOf(retry.sku(), seen.get(name).slots().size());
                Optional<ConsumerStream> its = byName.get(name).stream()
                        .filter(stream -> stream.has(slot) && stream.mayRetry() && !stream.isRetrying(retry)).findFirst();
                if (its.isPresent()) {
                    retries.computeIfAbsent(its.get(), stream -> new ArrayList<>()).add(retry);
                    left--;
                }
            }
            if (i == of.size() && i < RETRIES_SEEN) {
                lookedAt.remove(name);
            } else if (i > 0) {
                lookedAt.put(name, of.get(i - 1));
            }
        }
        List<Retry> unreadable = new ArrayList<>();
        for (Map.Entry<ConsumerStream, List<Retry>> one : retries.entrySet()) {
            List<Retry> sent = new ArrayList<>();
            List<Entry> entries = new ArrayList<>();
            for (Retry retry : one.getValue()) {
                try {
                    Optional<Entry> entry = entry(retry);
                    entry.ifPresent(entries::add);
                    (entry.isPresent() ? sent : unreadable).add(retry);
                } catch (GroupRow.DamagedException e) {
                    LOG.error("{} sequence {} stays parked: {}", retry.sku(), retry.sequence(), e.getMessage());
                    unreadable.add(retry);
                }
            }
            if (!entries.isEmpty()) {
                one.getKey().retry(sent, entries);
            }
        }
        if (!unreadable.isEmpty()) {
            leases.notRetried(unreadable);
        }
    }

    private Optional<Entry> entry(Retry retry) throws SQLException {
        Optional<JournalRow> row = feed.reader().rowContaining(retry.sku(), retry.sequence());
        if (row.isEmpty()) {
            return Optional.empty();
        }
        GroupRow group = row.get().group();
        StoredEntries entries = new StoredEntries(group);
        for (long sequence = group.firstSequence(); entries.next(); sequence++) {
            if (sequence == retry.sequence()) {
                return Optional.of(entries.entry());
            }
        }
        return Optional.empty();
    }

    /** Gives everything up, so that others go on at once. After the feed has ended its subscriptions. */
    @Override
    public void close() {
        streams.values().forEach(stream -> stream.end(FeedSink.End.CLOSING));
        watch.shutdown();
        thread.shutdown();
        try {
            if (thread.awaitTermination(5, TimeUnit.SECONDS) && !streams.isEmpty()) {
                write(System.nanoTime());
            }
        } catch (SQLException e) {
            LOG.warn("What was acknowledged last could not be written; it is sent again: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            leases.close();
        }
    }
}
