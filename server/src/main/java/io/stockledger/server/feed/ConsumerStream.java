package io.stockledger.server.feed;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.SlotLeases.Held;
import io.stockledger.server.journal.SlotLeases.Mark;
import io.stockledger.server.journal.SlotLeases.Retry;
import io.stockledger.server.journal.SlotLeases.Stream;
import io.stockledger.v1.Entry;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * One consumer's stream of a named subscription: the entries of the slots that it has, and what it has acknowledged.
 *
 * <p>It sends in passes. A pass is a plain subscription with a set of slots that does not change: when slots come or go
 * a new one begins at the lowest cursor of its slots, and leaves out what each slot has been sent before. So a SKU's
 * entries go out in order and once, however its consumer's other slots come and go. A slot that is to go is in no pass
 * any more, and is given up once what was sent of it has been acknowledged.
 */
public final class ConsumerStream {
    /** What became of an acknowledgement. */
    public enum Acknowledged {
        DONE,
        /** None of this ledger, or of more than was sent. */
        INVALID,
        /** Of a stream that has ended, or is not this consumer's. */
        MOVED,
        /** More has been acknowledged. */
        BEHIND
    }

    /**
     * What a consumer asks for, and the settings.
     *
     * @param rewindsTold grows with each rewind, and where a name is made anew
     */
    record Terms(Stream id, boolean namedConsumer, Selection selection, Duration heartbeatInterval, int slots, long rewinds,
            long rewindsTold, int unacknowledgedMax) {}

    /** A message with entries that waits to be acknowledged: then every slot of its pass stands at {@code upTo}. */
    private static final class Sent {
        private final long number;
        private final Pass pass;
        private final long sentNanos = System.nanoTime();
        private final List<Retry> retries;
        /** Moves on with heartbeats: what was passed over needs no acknowledgement. */
        private Cursor upTo;

        Sent(long number, Pass pass, Cursor upTo, List<Retry> retries) {
            this.number = number;
            this.pass = pass;
            this.upTo = upTo;
            this.retries = retries;
        }
    }

    private static final class Slot {
        private final Held held;
        /** Where it stood when this stream got it: what came before was another's. */
        private final Cursor from;
        private Cursor acknowledged;
        private long leaseEndNanos;
        /** The store does not know yet how far it has come; and that the consumer said so. */
        private boolean moved;
        private boolean said;
        private boolean leaving;
        /** Leaves once this message has been acknowledged. */
        private long leavesAfter;

        Slot(Held held, Cursor acknowledged, long leaseEndNanos) {
            this.held = held;
            this.from = acknowledged;
            this.acknowledged = acknowledged;
            this.leaseEndNanos = leaseEndNanos;
        }

        void moveTo(Cursor cursor, boolean byConsumer) {
            if (cursor.compareTo(acknowledged) > 0) {
                acknowledged = cursor;
                moved = true;
            }
            said |= byConsumer;
        }
    }

    private final Feed feed;
    private final FeedSink sink;
    private final Terms terms;

    // All guarded by this.
    private final Map<Integer, Slot> held = new TreeMap<>();
    private final Deque<Sent> window = new ArrayDeque<>();
    private final Set<Retry> retrying = new HashSet<>();
    private final List<Retry> retried = new ArrayList<>();
    private Optional<Pass> pass = Optional.empty();
    private long sentNumber;
    private long acknowledgedNumber;
    /** When an acknowledgement last spoke for a message that had none. */
    private long acknowledgedNanos = System.nanoTime();
    private boolean ended;

    ConsumerStream(Feed feed, FeedSink sink, Terms terms) {
        this.feed = feed;
        this.sink = sink;
        this.terms = terms;
    }

    // ---- For the one who opened it ----

    /** The sink is ready again. Any thread; never blocks. */
    public void wake() {
        current().flatMap(it -> it.subscription).ifPresent(Subscription::wake);
    }

    /** The consumer has gone. */
    public synchronized void cancel() {
        ended = true;
        pass.ifPresent(Pass::stop);
    }

    private synchronized Optional<Pass> current() {
        return pass;
    }

    // ---- What the consumer says ----

    Acknowledged acknowledge(Acknowledgement what, boolean allowRewind) {
        synchronized (this) {
            if (leaseIsOver(System.nanoTime())) {
                end(FeedSink.End.MOVED);
            }
            if (ended) {
                return Acknowledged.MOVED;
            }
            if (what.number() > sentNumber) {
                return Acknowledged.INVALID;
            }
            if (what.number() < acknowledgedNumber) {
                if (!allowRewind) {
                    return Acknowledged.BEHIND;
                }
                goBackTo(what.cursor());
                return Acknowledged.DONE;
            }
            acknowledgedNumber = what.number();
            while (!window.isEmpty() && window.peek().number <= acknowledgedNumber) {
                Sent sent = window.remove();
                acknowledgedNanos = System.nanoTime();
                moveSlots(sent.pass, sent.upTo, true);
                retrying.removeAll(sent.retries);
                retried.addAll(sent.retries);
            }
            if (window.isEmpty()) {
                pass.ifPresent(it -> moveSlots(it, it.sent, false));
            }
        }
        wake();
        return Acknowledged.DONE;
    }

    private void moveSlots(Pass of, Cursor upTo, boolean byConsumer) {
        for (Slot slot : held.values()) {
            Cursor floor = of.floors[slot.held.slot()];
            if (floor != null) {
                slot.moveTo(later(floor, upTo), byConsumer);
            }
        }
    }

    private void goBackTo(Cursor cursor) {
        Cursor[] floors = new Cursor[terms.slots()];
        for (Slot slot : held.values()) {
            Cursor to = later(slot.from, cursor);
            if (to.compareTo(slot.acknowledged) < 0) {
                slot.acknowledged = to;
                slot.moved = true;
            }
            if (!slot.leaving) {
                floors[slot.held.slot()] = slot.acknowledged;
            }
        }
        window.clear();
        retrying.clear();
        acknowledgedNumber = sentNumber;
        begin(floors);
    }

    // ---- For the node's coordinator ----

    Stream id() {
        return terms.id();
    }

    boolean isOf(String consumer) {
        return consumer.equals(terms.namedConsumer() ? terms.id().consumer() : "");
    }

    long rewinds() {
        return terms.rewinds();
    }

    synchronized boolean isOver() {
        return ended;
    }

    /** It is over, and has given up all that it had. */
    synchronized boolean isGone() {
        return ended && held.isEmpty();
    }

    synchronized boolean hasBegun() {
        return pass.isPresent();
    }

    /** Slots that it has and keeps. */
    synchronized int staying() {
        return (int) held.values().stream().filter(slot -> !slot.leaving).count();
    }

    synchronized boolean has(int slot) {
        return held.containsKey(slot) && !held.get(slot).leaving && !ended;
    }

    /** Slots have been claimed for it, so many others are to leave; the next pass begins. */
    synchronized void change(Map<Held, Cursor> gained, int leaving, long leaseEndNanos) {
        gained.forEach((slot, cursor) -> held.put(slot.slot(), new Slot(slot, cursor, leaseEndNanos)));
        if (ended) {
            return;
        }
        int left = leaving;
        List<Slot> newestFirst = new ArrayList<>(held.values());
        for (int i = newestFirst.size() - 1; i >= 0 && left > 0; i--) {
            Slot slot = newestFirst.get(i);
            if (!slot.leaving) {
                slot.leaving = true;
                slot.leavesAfter = sentNumber;
                left--;
            }
        }
        Cursor[] floors = new Cursor[terms.slots()];
        for (Slot slot : held.values()) {
            if (!slot.leaving) {
                floors[slot.held.slot()] = pass.filter(it -> it.floors[slot.held.slot()] != null && !gained.containsKey(slot.held))
                        .map(it -> later(it.floors[slot.held.slot()], it.sent))
                        .orElse(slot.acknowledged);
            }
        }
        begin(floors);
    }

    private void begin(Cursor[] floors) {
        pass.ifPresent(Pass::stop);
        Pass next = new Pass(floors);
        pass = Optional.of(next);
        next.subscription = feed.subscribe(
                new FeedRequest(terms.selection(), next.start(), false, terms.heartbeatInterval(), false, next), next);
        if (next.subscription.isEmpty()) {
            end(feed.isClosed() ? FeedSink.End.CLOSING : FeedSink.End.TOO_MANY);
        }
    }

    /** What the store is to be told of its slots now: each that has moved, is to be given up, or whose lease is due. */
    synchronized List<Mark> marks(long renewBeforeNanos) {
        List<Mark> marks = new ArrayList<>();
        for (Slot slot : held.values()) {
            boolean release = ended || slot.leaving && acknowledgedNumber >= slot.leavesAfter;
            if (slot.moved || release || slot.leaseEndNanos - renewBeforeNanos < 0) {
                marks.add(new Mark(slot.held, slot.acknowledged, slot.said, release));
                slot.moved = false;
                slot.said = false;
            }
        }
        return marks;
    }

    /** The store has been told; it knew {@code present} as ours. */
    synchronized void marked(Collection<Mark> marks, Set<Held> present, long leaseEndNanos) {
        for (Mark mark : marks) {
            Slot slot = held.get(mark.held().slot());
            if (slot == null || !slot.held.equals(mark.held())) {
                continue;
            }
            if (mark.release()) {
                held.remove(mark.held().slot());
            } else if (present.contains(mark.held())) {
                slot.leaseEndNanos = leaseEndNanos;
            } else {
                held.remove(mark.held().slot());
                end(FeedSink.End.MOVED);
            }
        }
    }

    /** The store could not be told. */
    synchronized void notMarked(Collection<Mark> marks) {
        for (Mark mark : marks) {
            Slot slot = held.get(mark.held().slot());
            if (slot != null && slot.held.equals(mark.held())) {
                slot.moved = true;
                slot.said |= mark.acknowledgedMore();
            }
        }
    }

    /** Ends it where a lease of its is over, or nothing that waits to be acknowledged was for so long. */
    synchronized void checkTimes(long nowNanos, long acknowledgeWithinNanos) {
        if (leaseIsOver(nowNanos)) {
            end(FeedSink.End.MOVED);
        } else if (!window.isEmpty()
                && Math.min(nowNanos - window.peek().sentNanos, nowNanos - acknowledgedNanos) > acknowledgeWithinNanos) {
            end(FeedSink.End.NOT_ACKNOWLEDGED);
        }
    }

    synchronized boolean mayRetry() {
        return !ended && pass.isPresent() && mayBeSent();
    }

    synchronized boolean isRetrying(Retry retry) {
        return retrying.contains(retry);
    }

    /** Sends parked entries once more, if it may send now. */
    synchronized void retry(List<Retry> retries, List<Entry> entries) {
        if (!mayRetry()) {
            return;
        }
        Pass now = pass.get();
        sentNumber++;
        window.add(new Sent(sentNumber, now, now.sent, retries));
        retrying.addAll(retries);
        sink.send(FeedMessage.ofRetried(entries, now.sent, feed.identity(), feed.clock().millis())
                .with(acknowledgement(now.sent), terms.rewindsTold()));
    }

    /** Retries that were acknowledged since this was asked last. */
    synchronized List<Retry> takeRetried() {
        List<Retry> taken = List.copyOf(retried);
        retried.clear();
        return taken;
    }

    synchronized void end(FeedSink.End why) {
        if (!ended) {
            ended = true;
            pass.ifPresent(Pass::stop);
            sink.end(why);
        }
    }

    private boolean mayBeSent() {
        return sink.isReady() && window.size() < terms.unacknowledgedMax() && !leaseIsOver(System.nanoTime());
    }

    /** Another may have a slot of its by now: nothing is sent or acknowledged any more. */
    private boolean leaseIsOver(long nowNanos) {
        return held.values().stream().anyMatch(slot -> slot.leaseEndNanos - nowNanos < 0);
    }

    private ByteString acknowledgement(Cursor at) {
        return UnsafeByteOperations.unsafeWrap(new Acknowledgement(terms.id().stream(), sentNumber, at).toBytes(feed.identity()));
    }

    private static Cursor later(Cursor one, Cursor other) {
        return one.compareTo(other) >= 0 ? one : other;
    }

    /** A subscription to a set of slots. */
    private final class Pass implements FeedSink, FeedRequest.Had {
        /** By slot: after which it begins; null: not of this pass. Never changed. */
        private final Cursor[] floors;
        private Optional<Subscription> subscription = Optional.empty();
        /** Everything of its slots after the floors and up to here has been sent. */
        private Cursor sent;

        Pass(Cursor[] floors) {
            this.floors = floors;
            this.sent = lowest().orElse(Cursor.START);
        }

        private Optional<Cursor> lowest() {
            return Arrays.stream(floors).filter(Objects::nonNull).min(Cursor::compareTo);
        }

        FeedRequest.Start start() {
            // Without a slot there is nothing to send but heartbeats.
            return lowest().<FeedRequest.Start>map(FeedRequest.Start.After::new).orElse(new FeedRequest.Start.Now());
        }

        void stop() {
            subscription.ifPresent(Subscription::cancel);
        }

        @Override
        public int of(JournalRow row) {
            Cursor floor = floors[Selection.shareOf(row.sku(), floors.length)];
            if (floor == null) {
                return Cursor.WHOLE_ROW;
            }
            int order = row.position().compareTo(floor.position());
            return order > 0 ? 0 : order < 0 ? Cursor.WHOLE_ROW : floor.taken();
        }

        @Override
        public boolean isReady() {
            synchronized (ConsumerStream.this) {
                return mayBeSent();
            }
        }

        @Override
        public void send(FeedMessage message) {
            synchronized (ConsumerStream.this) {
                // A step of a pass that has been left may still be under way.
                if (ended || pass.filter(it -> it == this).isEmpty()) {
                    return;
                }
                if (leaseIsOver(System.nanoTime())) {
                    ConsumerStream.this.end(End.MOVED);
                    return;
                }
                sent = message.cursor();
                if (message.hasEntries()) {
                    sentNumber++;
                    window.add(new Sent(sentNumber, this, sent, List.of()));
                } else if (window.isEmpty()) {
                    moveSlots(this, sent, false);
                } else if (window.getLast().pass == this) {
                    window.getLast().upTo = sent;
                }
                sink.send(message.with(acknowledgement(sent), terms.rewindsTold()));
            }
        }

        @Override
        public void end(End why) {
            synchronized (ConsumerStream.this) {
                if (pass.filter(it -> it == this).isPresent()) {
                    ConsumerStream.this.end(why);
                }
            }
        }
    }
}
