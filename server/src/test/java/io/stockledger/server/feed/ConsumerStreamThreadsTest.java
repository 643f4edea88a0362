package io.stockledger.server.feed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.stockledger.server.Interleavings;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.SlotLeases.Held;
import io.stockledger.server.journal.SlotLeases.Mark;
import io.stockledger.server.journal.SlotLeases.Stream;
import io.stockledger.server.journal.TestJournalWriter;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.Entry;
import io.stockledger.v1.SubscribeResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Consumers' streams over a real feed, to which its threads, the consumers and the node's coordinator come at once. */
class ConsumerStreamThreadsTest {
    private static final int SLOTS = 4;
    private static final int SKUS = 12;
    private static final int ROWS = 900;
    private static final int UNACKNOWLEDGED_MAX = 4;
    private static final int ENDINGS = 200;
    private static final long LEASE_NANOS = TimeUnit.MINUTES.toNanos(10);

    private Database database;
    private Feed feed;
    private final TestJournalWriter writer = new TestJournalWriter();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();

    @BeforeEach
    void open() throws Exception {
        database = TestPostgresql.database();
        feed = Feed.start(database, new JournalReader(database, TestPostgresql.JOURNAL), TestPostgresql.JOURNAL,
                TestPostgresql.FEED, Clock.systemUTC(), new Pace(1), new CompositeMeterRegistry());
    }

    @AfterEach
    void close() {
        feed.close();
        database.close();
    }

    @Test
    void whileSlotsMoveEachEntryIsSentOnceAndInOrder() {
        new Consumers(false).followToTheEnd();
    }

    @Test
    void whatAConsumerThatGoesHadNotAcknowledgedIsSentToTheNext() {
        new Consumers(true).followToTheEnd();
    }

    @Test
    void aStreamEndsOnceSendsNothingMoreAndKeepsNothingOfTheFeed() {
        write(40);
        for (int round = 0; round < ENDINGS; round++) {
            Ended sink = new Ended();
            ConsumerStream stream = stream("consumer", sink);
            Map<Held, Cursor> all = new HashMap<>();
            for (int slot = 0; slot < SLOTS; slot++) {
                all.put(new Held(stream.id(), slot, 1), Cursor.START);
            }
            Interleavings.together(() -> {
                stream.change(all, 0, System.nanoTime() + LEASE_NANOS);
                stream.change(Map.of(), 1, System.nanoTime() + LEASE_NANOS);
            }, () -> {
                stream.wake();
                stream.end(FeedSink.End.TAKEN_OVER);
            }, () -> stream.acknowledge(new Acknowledgement(stream.id().stream(), 0, Cursor.START), true),
                    () -> stream.checkTimes(System.nanoTime() + 2 * LEASE_NANOS, LEASE_NANOS));
            List<Mark> marks = stream.marks(0);
            assertTrue(marks.stream().allMatch(Mark::release), "it still holds on to a slot");
            stream.marked(marks, Set.of(), 0);
            assertTrue(stream.isGone());
            assertEquals(1, sink.ends);
        }
        await("each has given its subscription up", () -> feed.subscriptionCount() == 0);
        assertEquals(List.of(), List.copyOf(faults));
    }

    private ConsumerStream stream(String consumer, FeedSink sink) {
        return new ConsumerStream(feed, sink, new ConsumerStream.Terms(new Stream("name", consumer, UUID.randomUUID()), true,
                Selection.ALL, Duration.ofSeconds(1), SLOTS, 0, 0, UNACKNOWLEDGED_MAX));
    }

    private void write(int rows) {
        try (Connection connection = database.connect()) {
            connection.setAutoCommit(false);
            for (int i = 0; i < rows; i++) {
                writer.write(connection, "SKU-" + i % SKUS, TestJournalWriter.receipts(1 + i % 3, "main"));
                if (i % 5 == 4 || i == rows - 1) {
                    connection.commit();
                    feed.committed();
                }
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    /** Two consumers of a name, and what the store would know of it. */
    private final class Consumers {
        private final boolean someGo;
        private final List<Consumer> consumers = new ArrayList<>();
        private final Random random = new Random(7);
        private final Map<Integer, Cursor> free = new TreeMap<>();
        private final long[] generations = new long[SLOTS];
        /** By SKU, how far it was sent, to whomever, and how far it was applied. */
        private final Map<String, Long> sent = new ConcurrentHashMap<>();
        private final Map<String, Long> applied = new ConcurrentHashMap<>();
        private final AtomicLong progress = new AtomicLong();
        private volatile boolean over;

        Consumers(boolean someGo) {
            this.someGo = someGo;
            for (int slot = 0; slot < SLOTS; slot++) {
                free.put(slot, Cursor.START);
            }
            consumers.add(new Consumer("one"));
            consumers.add(new Consumer("two"));
        }

        void followToTheEnd() {
            try {
                Interleavings.together(() -> ConsumerStreamThreadsTest.this.write(ROWS), this::coordinate);
                assertEquals(List.of(), List.copyOf(faults));
                for (int sku = 0; sku < SKUS; sku++) {
                    assertEquals(writer.sequence("SKU-" + sku), applied.get("SKU-" + sku));
                }
            } finally {
                over = true;
                consumers.forEach(consumer -> consumer.stream.cancel());
            }
        }

        private boolean isAllApplied() {
            long all = 0;
            for (int i = 0; i < ROWS; i++) {
                all += 1 + i % 3;
            }
            return applied.values().stream().mapToLong(Long::longValue).sum() == all;
        }

        /** As the node's coordinator does it, but that it never leaves the slots where they are for long. */
        private void coordinate() {
            int share = SLOTS / 2;
            long since = 0;
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (!isAllApplied() && faults.isEmpty()) {
                assertTrue(System.nanoTime() - deadline < 0, () -> "not all was applied: " + applied);
                consumers.forEach(this::write);
                boolean settled = true;
                for (Consumer consumer : consumers) {
                    settled &= divide(consumer, consumer == consumers.get(0) ? share : SLOTS - share);
                }
                if (settled && progress.get() - since > 5) {
                    since = progress.get();
                    share = random.nextInt(SLOTS + 1);
                    if (someGo && random.nextBoolean()) {
                        replace(random.nextInt(2));
                    }
                }
                pause();
            }
        }

        private void write(Consumer consumer) {
            List<Mark> marks = consumer.stream.marks(System.nanoTime() + LEASE_NANOS * 3 / 4);
            Set<Held> present = new HashSet<>();
            for (Mark mark : marks) {
                present.add(mark.held());
                if (mark.release()) {
                    free.put(mark.held().slot(), mark.cursor());
                }
            }
            consumer.stream.marked(marks, present, System.nanoTime() + LEASE_NANOS);
        }

        /** Whether it has its share. */
        private boolean divide(Consumer consumer, int share) {
            int has = consumer.stream.staying();
            if (has > share) {
                consumer.stream.change(Map.of(), has - share, System.nanoTime() + LEASE_NANOS);
            } else if (has < share && !free.isEmpty() || !consumer.stream.hasBegun()) {
                Map<Held, Cursor> gained = new HashMap<>();
                for (int slot : List.copyOf(free.keySet()).subList(0, Math.min(free.size(), share - has))) {
                    gained.put(new Held(consumer.stream.id(), slot, ++generations[slot]), free.remove(slot));
                }
                consumer.stream.change(gained, 0, System.nanoTime() + LEASE_NANOS);
            }
            return has == share;
        }

        /** Its connection breaks, and another comes. */
        private void replace(int place) {
            Consumer gone = consumers.get(place);
            gone.stream.cancel();
            while (!gone.stream.isGone()) {
                write(gone);
            }
            consumers.set(place, new Consumer(gone.stream.id().consumer()));
        }

        /** Applies and acknowledges on a thread of its own. */
        private final class Consumer implements FeedSink {
            private final LinkedBlockingQueue<SubscribeResponse> messages = new LinkedBlockingQueue<>();
            private final ConsumerStream stream;

            Consumer(String name) {
                stream = stream(name, this);
                Thread thread = new Thread(this::apply, "consumer-" + name);
                thread.setDaemon(true);
                thread.start();
            }

            @Override
            public boolean isReady() {
                return true;
            }

            @Override
            public void send(FeedMessage message) {
                SubscribeResponse told = parse(message);
                if (!someGo) {
                    for (Entry entry : told.getEntriesList()) {
                        long before = Optional.ofNullable(sent.put(entry.getSku(), entry.getSequence())).orElse(0L);
                        if (entry.getSequence() != before + 1) {
                            faults.add(entry.getSku() + ": sent " + entry.getSequence() + " after " + before);
                        }
                    }
                }
                messages.add(told);
            }

            @Override
            public void end(End why) {
                faults.add("ended: " + why);
            }

            private void apply() {
                try {
                    Optional<SubscribeResponse> inHand = Optional.empty();
                    while (!over && !stream.isOver()) {
                        // A message behind: the one in hand is lost when it goes, though those before it are acknowledged.
                        Optional<SubscribeResponse> next = Optional.ofNullable(messages.poll(2, TimeUnit.MILLISECONDS));
                        if (stream.isOver()) {
                            return;
                        }
                        inHand.ifPresent(message -> {
                            message.getEntriesList().forEach(this::apply);
                            // A word for a later one speaks for it too.
                            if (next.isEmpty() || message.getEntriesCount() % 2 == 0) {
                                acknowledge(message);
                            }
                        });
                        inHand = next;
                    }
                } catch (InterruptedException | RuntimeException e) {
                    faults.add("a consumer failed: " + e);
                }
            }

            private void apply(Entry entry) {
                synchronized (applied) {
                    long before = applied.getOrDefault(entry.getSku(), 0L);
                    if (entry.getSequence() > before + 1 || !someGo && entry.getSequence() <= before) {
                        faults.add(entry.getSku() + ": applied " + entry.getSequence() + " after " + before);
                    }
                    applied.put(entry.getSku(), Math.max(before, entry.getSequence()));
                }
                progress.incrementAndGet();
            }

            private void acknowledge(SubscribeResponse message) {
                Acknowledgement what = Acknowledgement.parse(message.getAcknowledgement().toByteArray(), feed.identity()).orElseThrow();
                ConsumerStream.Acknowledged became = stream.acknowledge(what, false);
                if (became != ConsumerStream.Acknowledged.DONE && !(became == ConsumerStream.Acknowledged.MOVED && stream.isOver())) {
                    faults.add("an acknowledgement was " + became);
                }
            }
        }
    }

    /** A consumer who only looks at how it ends. */
    private final class Ended implements FeedSink {
        private int ends;

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public synchronized void send(FeedMessage message) {
            if (ends > 0) {
                faults.add("sent after the end");
            }
        }

        @Override
        public synchronized void end(End why) {
            ends++;
        }
    }

    private static SubscribeResponse parse(FeedMessage message) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(message.length());
        try {
            message.writeTo(bytes);
            return SubscribeResponse.parseFrom(bytes.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void pause() {
        try {
            TimeUnit.MICROSECONDS.sleep(200);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, what);
            pause();
        }
    }
}
