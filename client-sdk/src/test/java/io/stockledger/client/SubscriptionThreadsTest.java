package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.stockledger.v1.Entry;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A subscription, where its owner, the transport and the timer meet. */
class SubscriptionThreadsTest {
    private static final int ROUNDS = 1_500;
    private static final SubscribeRequest ALL =
            SubscribeRequest.newBuilder().setFromBeginning(true).build();

    @Test
    void onceItIsClosedItsListenerIsCalledNoMoreAndNoStreamIsOpen() {
        Interleavings.ofThreads(ROUNDS, () -> {
            Subscribed subscribed = new Subscribed(ALL);
            Interleavings.together(
                    () -> {
                        subscribed.feed.send(entry("A", 1));
                        subscribed.feed.breakOff(Status.UNAVAILABLE);
                        subscribed.feed.timerFires();
                    },
                    () -> {
                        subscribed.feed.send(entry("B", 1));
                        subscribed.feed.timerFires();
                    },
                    subscribed::close);
            subscribed.assertOver();
            assertEquals(Subscription.State.CLOSED, subscribed.subscription.state());
        });
    }

    @Test
    void anErrorThatEndsItIsToldBeforeItIsClosedOrNotAtAll() {
        Interleavings.ofThreads(ROUNDS, () -> {
            Subscribed subscribed = new Subscribed(ALL);
            Interleavings.together(
                    () -> {
                        subscribed.feed.send(entry("A", 1));
                        subscribed.feed.send(entry("A", 3));
                    },
                    () -> subscribed.feed.breakOff(Status.PERMISSION_DENIED),
                    subscribed::close);
            subscribed.assertOver();
            boolean failed = subscribed.subscription.state() == Subscription.State.FAILED;
            assertEquals(failed ? 1 : 0, subscribed.failures.get());
            assertEquals(failed, subscribed.subscription.failure().isPresent());
        });
    }

    @Test
    void whoeverClosesItNobodyReturnsWhileItsListenerIsCalled() {
        Interleavings.ofThreads(ROUNDS, () -> {
            Subscribed subscribed = new Subscribed(ALL);
            Interleavings.together(
                    () -> {
                        subscribed.feed.send(entry("A", 1));
                        subscribed.feed.send(entry("A", 2));
                    },
                    subscribed::close,
                    subscribed::close);
            subscribed.assertOver();
        });
    }

    @Test
    void closingLeavesNothingUnacknowledgedThatItsListenerWasDoneWith() {
        SubscribeRequest named =
                SubscribeRequest.newBuilder().setName("erp").setConsumer("one").build();
        Interleavings.ofThreads(ROUNDS, () -> {
            Subscribed subscribed = new Subscribed(named);
            Interleavings.together(
                    () -> {
                        for (int n = 1; n <= 4; n++) {
                            subscribed.feed.send(entry("A", n));
                        }
                    },
                    subscribed::close);
            subscribed.assertOver();
            assertEquals(last(subscribed.done), last(subscribed.feed.acknowledged));
            assertEquals(0, subscribed.feed.acknowledgedTooLate.get(), "acknowledged when the stream was over");
        });
    }

    private static SubscribeResponse entry(String sku, int n) {
        return SubscribeResponse.newBuilder()
                .addEntries(Entry.newBuilder().setSku(sku).setSequence(n))
                .setCursor(ScriptedLedger.cursor(n))
                .setAcknowledgement(ScriptedLedger.cursor(n))
                .build();
    }

    private static Optional<ByteString> last(List<ByteString> all) {
        return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
    }

    /** A subscription whose listener notes calls that it should not get. */
    private static final class Subscribed implements EntryListener {
        final StandInFeed feed = new StandInFeed();
        final Subscription subscription;
        final List<ByteString> done = Collections.synchronizedList(new ArrayList<>());
        final AtomicInteger failures = new AtomicInteger();
        private final AtomicInteger ends = new AtomicInteger();
        private final AtomicInteger faults = new AtomicInteger();
        private final AtomicBoolean called = new AtomicBoolean();
        private volatile boolean closed;

        Subscribed(SubscribeRequest request) {
            subscription = Subscription.open(
                    feed.link(), feed.timer, request, this, Optional.empty(), ended -> ends.incrementAndGet());
        }

        void close() {
            subscription.close();
            closed = true;
            if (called.get()) {
                faults.incrementAndGet();
            }
        }

        void assertOver() {
            assertEquals(0, faults.get(), "the listener was called after close, or by two threads");
            assertEquals(1, ends.get());
            assertTrue(feed.streams.stream().allMatch(stream -> stream.over), "a stream stays open");
            assertFalse(feed.timerFires() && feed.streams.stream().anyMatch(stream -> !stream.over), "it came back");
        }

        private void call(Runnable what) {
            if (closed || called.getAndSet(true)) {
                faults.incrementAndGet();
            }
            // Others have their turn while the listener is at work.
            Thread.yield();
            what.run();
            called.set(false);
        }

        @Override
        public void onEntries(List<Entry> entries, FeedProgress progress) {
            call(() -> done.add(progress.cursor()));
        }

        @Override
        public void onFallenBehind() {
            call(() -> {});
        }

        @Override
        public void onFailed(LedgerException error) {
            call(failures::incrementAndGet);
        }
    }
}
