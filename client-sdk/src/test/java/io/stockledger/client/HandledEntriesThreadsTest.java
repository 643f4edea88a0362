package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.Status;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedServiceGrpc.FeedServiceBlockingStub;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** A handler's entries, which its subscription's thread parks through an outage until its owner closes it. */
class HandledEntriesThreadsTest {
    private static final int SUBSCRIPTIONS = 100;

    @Test
    void parkingThroughAnOutageEndsWhenItsSubscriptionIsClosed() throws InterruptedException {
        AtomicInteger parking = new AtomicInteger();
        Semaphore tried = new Semaphore(0);
        NamedSubscriptions away = new NamedSubscriptions(new NamedSubscriptions.Caller() {
            @Override
            public <T> T call(Function<FeedServiceBlockingStub, T> call) {
                tried.release();
                throw LedgerException.of(Status.Code.UNAVAILABLE, "UNAVAILABLE", "away", null);
            }
        });
        // All at once: each rests between its attempts.
        Runnable[] owners = new Runnable[SUBSCRIPTIONS];
        for (int i = 0; i < SUBSCRIPTIONS; i++) {
            // Some are closed before anything came, some in between, most while an entry is parked.
            boolean afterATry = i % 4 > 0;
            owners[i] = () -> {
                StandInFeed feed = new StandInFeed();
                HandledEntries entries = new HandledEntries(away, "erp", entry -> {
                    throw new ParkException("no article for it");
                });
                EntryListener listener = (some, progress) -> {
                    parking.incrementAndGet();
                    try {
                        entries.onEntries(some, progress);
                    } finally {
                        parking.decrementAndGet();
                    }
                };
                Subscription subscription = entries.of(Subscription.open(
                        feed.link(),
                        feed.timer,
                        SubscribeRequest.newBuilder().setName("erp").build(),
                        listener,
                        Optional.empty(),
                        ended -> {}));
                while (feed.streams.isEmpty()) {
                    Thread.onSpinWait();
                }
                feed.send(SubscribeResponse.newBuilder()
                        .addEntries(Entry.newBuilder().setSku("A").setSequence(1))
                        .build());
                if (afterATry) {
                    acquire(tried);
                }
                subscription.close();
            };
        }
        Interleavings.together(owners);
        assertEquals(0, parking.get(), "closed, and its thread still parks");
    }

    private static void acquire(Semaphore tried) {
        try {
            if (!tried.tryAcquire(20, TimeUnit.SECONDS)) {
                throw new AssertionError("nobody parks");
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
