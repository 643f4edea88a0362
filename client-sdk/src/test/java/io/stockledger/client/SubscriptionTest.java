package io.stockledger.client;

import static io.stockledger.client.Eventually.eventually;
import static io.stockledger.client.ScriptedLedger.cursor;
import static io.stockledger.client.ScriptedLedger.entry;
import static io.stockledger.client.ScriptedLedger.error;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a subscriber may rely on. */
@Timeout(20)
class SubscriptionTest {

    private static final SubscribeRequest ALL =
            SubscribeRequest.newBuilder().setFromBeginning(true).build();

    private final ScriptedLedger ledger = new ScriptedLedger();
    private final LedgerClient client = LedgerClient.connect(ledger.target());
    private final Recorder recorder = new Recorder();

    @AfterEach
    void close() {
        client.close();
        ledger.close();
    }

    @Test
    void aBrokenSubscriptionResumesAfterTheLastAppliedCursorAndDropsRepeats() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(entries(1, entry("A", 1), entry("B", 1)));
            subscriber.onNext(entries(2, entry("A", 2)));
            subscriber.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        ledger.feeds.add((request, subscriber) ->
                subscriber.onNext(entries(3, entry("A", 2), entry("B", 1), entry("A", 3), entry("B", 2))));
        try (Subscription subscription = client.subscribe(ALL, recorder)) {
            eventually("all came", () -> recorder.count("entry") >= 5);

            assertEquals(
                    List.of("entry A 1", "entry B 1", "entry A 2", "entry A 3", "entry B 2"), recorder.told);
            eventually("the cursor moved", () -> subscription.cursor().equals(Optional.of(cursor(3))));
            assertEquals(cursor(2), ledger.subscribed.get(1).getAfterCursor());
        }
    }

    @Test
    void itRidesThroughARestartOfTheLedger() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            int from = request.hasAfterCursor() ? 2 : 1;
            subscriber.onNext(entries(from, entry("A", from)).toBuilder().setCaughtUp(true).build());
        });
        try (Subscription subscription = client.subscribe(ALL, recorder)) {
            eventually("caught up", () -> subscription.state() == Subscription.State.CAUGHT_UP);
            ledger.kill();
            eventually("noticed", () -> recorder.told.contains("fallen behind"));
            ledger.start();
            eventually("back", () -> recorder.count("caught up") == 2);
            assertEquals(List.of("entry A 1", "caught up", "fallen behind", "entry A 2", "caught up"), recorder.told);
        }
    }

    @Test
    void aGapEndsTheSubscriptionLoudlyBeforeItsMessage() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(entries(1, entry("A", 1)));
            subscriber.onNext(entries(2, entry("A", 3)));
        });
        try (Subscription subscription = client.subscribe(ALL, recorder)) {
            eventually("it ended", () -> recorder.count("failed") == 1);

            assertEquals(List.of("entry A 1", "failed FEED_GAP"), recorder.told);
            assertEquals(Subscription.State.FAILED, subscription.state());
            assertEquals(Optional.of(cursor(1)), subscription.cursor());
        }
    }

    @Test
    void aSkuThatBeginsInItsMiddleIsAGapWhereTheFeedIsReadFromItsBeginning() throws Exception {
        ledger.feeds.add((request, subscriber) -> subscriber.onNext(entries(1, entry("A", 2))));
        try (Subscription subscription = client.subscribe(ALL, recorder)) {
            eventually("it ended", () -> subscription.state() == Subscription.State.FAILED);
        }
    }

    @Test
    void holesAreNormalWhereTheFilterPicksAmongTheEntriesOfASku() throws Exception {
        ledger.feeds.add((request, subscriber) -> subscriber.onNext(entries(1, entry("A", 2), entry("A", 7))));
        SubscribeRequest web = ALL.toBuilder()
                .setFilter(FeedFilter.newBuilder().addChannels("web"))
                .build();
        try (Subscription subscription = client.subscribe(web, recorder)) {
            eventually("both came", () -> recorder.count("entry") == 2);
            assertFalse(subscription.state() == Subscription.State.FAILED);
        }
    }

    @Test
    void aBreakWithinInitialStockBeginsItAgainAndAfterItTheCursorHolds() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stock("A", 5));
            subscriber.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stock("A", 6));
            subscriber.onNext(SubscribeResponse.newBuilder()
                    .setStockComplete(true)
                    .setCursor(cursor(9))
                    .build());
            subscriber.onNext(entries(10, entry("A", 6), entry("A", 7), entry("B", 1)));
            subscriber.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        ledger.feeds.add((request, subscriber) -> {});
        SubscribeRequest withStock = SubscribeRequest.newBuilder()
                .setFromNow(true)
                .setInitialStock(true)
                .build();
        try (Subscription subscription = client.subscribe(withStock, recorder)) {
            eventually("it came back twice", () -> ledger.subscribed.size() == 3);

            assertEquals(
                    List.of(
                            "stock begins",
                            "stock A 5",
                            "stock begins",
                            "stock A 6",
                            "stock complete",
                            "entry A 7",
                            "entry B 1"),
                    recorder.told);
            assertTrue(ledger.subscribed.get(1).getInitialStock());
            assertEquals(cursor(10), ledger.subscribed.get(2).getAfterCursor());
            assertFalse(ledger.subscribed.get(2).getInitialStock());
            assertEquals(Optional.of(cursor(10)), subscription.cursor());
        }
    }

    @Test
    void anExpiredCursorBeginsAgainWithInitialStockWhereItWasAskedFor() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(SubscribeResponse.newBuilder()
                    .setStockComplete(true)
                    .setCursor(cursor(1))
                    .build());
            subscriber.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        ledger.feeds.add((request, subscriber) -> subscriber.onError(
                StatusProto.toStatusRuntimeException(error(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED", 0))));
        ledger.feeds.add((request, subscriber) -> subscriber.onNext(stock("A", 1)));
        SubscribeRequest withStock = SubscribeRequest.newBuilder()
                .setFromNow(true)
                .setInitialStock(true)
                .build();
        try (Subscription subscription = client.subscribe(withStock, recorder)) {
            eventually("stock came again", () -> recorder.told.contains("stock A 1"));
            assertTrue(ledger.subscribed.get(2).getInitialStock());
            assertFalse(ledger.subscribed.get(2).hasAfterCursor());
            assertEquals(Optional.empty(), subscription.cursor());
        }
    }

    @Test
    void theRequestsOwnCursorIsNotSentAgainOnceItHasExpired() throws Exception {
        ledger.feeds.add((request, subscriber) -> subscriber.onError(
                StatusProto.toStatusRuntimeException(error(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED", 0))));
        ledger.feeds.add((request, subscriber) -> subscriber.onNext(stock("A", 1)));
        SubscribeRequest resumed = SubscribeRequest.newBuilder()
                .setAfterCursor(cursor(1))
                .setInitialStock(true)
                .build();
        try (Subscription subscription = client.subscribe(resumed, recorder)) {
            eventually("stock came", () -> recorder.told.contains("stock A 1"));
            assertEquals(cursor(1), ledger.subscribed.get(0).getAfterCursor());
            assertFalse(ledger.subscribed.get(1).hasAfterCursor());
            assertTrue(ledger.subscribed.get(1).getInitialStock());
        }
    }

    @Test
    void aNamedSubscriptionAcknowledgesWhatItHasAppliedAndDropsRepeats() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(named(1, entry("A", 1), entry("B", 7)));
            subscriber.onNext(named(2, entry("A", 2)));
            subscriber.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(named(3, entry("A", 2), entry("A", 5), entry("B", 7)));
            subscriber.onNext(named(4, entry("A", 2)).toBuilder().setRewinds(1).build());
        });
        SubscribeRequest request =
                SubscribeRequest.newBuilder().setName("erp").setConsumer("one").build();
        try (Subscription subscription = client.subscribe(request, recorder)) {
            eventually("all came", () -> recorder.told.contains("rewound"));
            eventually("all is acknowledged", () -> last(ledger.acknowledged).equals(cursor(4)));
        }
        assertEquals(List.of("entry A 1", "entry B 7", "entry A 2", "entry A 5", "rewound", "entry A 2"), recorder.told.stream()
                .filter(what -> !what.contains("heartbeat")).toList());
        assertEquals("erp one", ledger.acknowledged.get(0).getName() + " " + ledger.acknowledged.get(0).getConsumer());
        assertEquals(request, ledger.subscribed.get(1));
    }

    @Test
    void aHandlerParksWhatItCanNotApplyAndGoesOn() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(named(1, entry("A", 1), entry("B", 1), entry("C", 1)));
            subscriber.onNext(SubscribeResponse.newBuilder().addRetriedEntries(entry("A", 1)).setAcknowledgement(cursor(2)).build());
        });
        List<String> applied = new CopyOnWriteArrayList<>();
        try (Subscription subscription = client.subscribe("erp", entry -> {
            if (entry.getSku().equals("B")) {
                throw new ParkException("no article\nfor it");
            }
            applied.add(entry.getSku());
        })) {
            eventually("all is acknowledged", () -> !ledger.acknowledged.isEmpty() && last(ledger.acknowledged).equals(cursor(2)));
        }
        assertEquals(List.of("A", "C", "A"), applied);
        assertEquals("B 1 no article for it", ledger.parked.get(0).getSku() + " " + ledger.parked.get(0).getSequence() + " "
                + ledger.parked.get(0).getReason());
    }

    private static SubscribeResponse named(int at, Entry... entries) {
        return entries(at, entries).toBuilder().setAcknowledgement(cursor(at)).build();
    }

    private static ByteString last(List<AcknowledgeCursorRequest> acknowledged) {
        return acknowledged.get(acknowledged.size() - 1).getAcknowledgement();
    }

    @Test
    void aPlainNoOfTheLedgerEndsTheSubscription() throws Exception {
        ledger.feeds.add((request, subscriber) -> subscriber.onError(
                StatusProto.toStatusRuntimeException(error(Status.Code.INVALID_ARGUMENT, "INVALID_CURSOR", 0))));
        try (Subscription subscription = client.subscribe(ALL, recorder)) {
            eventually("it ended", () -> recorder.told.equals(List.of("failed INVALID_CURSOR")));
            assertEquals(1, ledger.subscribed.size());
            assertEquals(Subscription.State.FAILED, subscription.state());
        }
    }

    @Test
    void aListenerThatThrowsEndsTheSubscriptionAtTheCursorBeforeTheMessage() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(entries(1, entry("A", 1)));
            subscriber.onNext(entries(2, entry("A", 2)));
        });
        recorder.onEntries = entries -> {
            if (entries.get(0).getSequence() == 2) {
                throw new IllegalStateException("disk full");
            }
        };
        try (Subscription subscription = client.subscribe(ALL, recorder)) {
            eventually("it ended", () -> recorder.told.contains("failed LISTENER_FAILED"));
            assertEquals(Optional.of(cursor(1)), subscription.cursor());
        }
    }

    @Test
    void aSlowListenerStallsTheLedgersStreamAndNothingElse() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        AtomicInteger sent = new AtomicInteger();
        String large = "x".repeat(10_000);
        ledger.feeds.add((request, subscriber) -> new Thread(() -> {
            // As a server that heeds flow control: it sends only while there is room.
            while (!subscriber.isCancelled() && sent.get() < 2_000) {
                if (subscriber.isReady()) {
                    int n = sent.incrementAndGet();
                    subscriber.onNext(
                            entries(n, entry("A", n).toBuilder().setReference(large).build()));
                } else {
                    Thread.onSpinWait();
                }
            }
        }).start());
        recorder.onEntries = entries -> {
            try {
                go.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        try (Subscription subscription = client.subscribe(ALL, recorder)) {
            // 20 MB are there to send; a window of 1 MiB and the sockets' buffers hold a part of it.
            eventually("it stalled", () -> {
                int before = sent.get();
                client.apply(Mutations.sell("B", 1).build());
                return before > 50 && sent.get() == before;
            });
            assertTrue(sent.get() < 2_000, "sent: " + sent.get());
            client.apply(Mutations.sell("B", 1).build());

            go.countDown();
            eventually("all came", () -> recorder.count("entry") == 2_000);
        }
    }

    @Test
    void threeMissedHeartbeatsAreABrokenConnection() throws Exception {
        ledger.feeds.add((request, subscriber) ->
                subscriber.onNext(entries(1, entry("A", 1)).toBuilder().setCaughtUp(true).build()));
        ledger.feeds.add((request, subscriber) -> subscriber.onNext(entries(2, entry("A", 2))));
        try (Subscription subscription = client.subscribe(
                ALL.toBuilder().setHeartbeatIntervalMs(100).build(), recorder)) {
            eventually("it came back", () -> recorder.told.contains("entry A 2"));
            assertEquals(cursor(1), ledger.subscribed.get(1).getAfterCursor());
        }
    }

    @Test
    void allCallsOfAListenerAreOnOneThreadAndNoneComesAfterClose() throws Exception {
        ledger.feeds.add((request, subscriber) -> new Thread(() -> {
            for (int n = 1; !subscriber.isCancelled(); n++) {
                subscriber.onNext(entries(n, entry("A", n)));
            }
        }).start());
        Subscription subscription = client.subscribe(ALL, recorder);
        eventually("some came", () -> recorder.count("entry") > 100);

        subscription.close();
        int atClose = recorder.told.size();
        client.apply(Mutations.sell("B", 1).build());

        assertEquals(atClose, recorder.told.size());
        assertEquals(1, recorder.threads.stream().distinct().count());
        assertEquals(Subscription.State.CLOSED, subscription.state());
    }

    @Test
    void aRepeatIsDroppedAndAGapFoundForTheSkusRememberedAndMemoryIsBounded() throws Exception {
        EntryOrder order = new EntryOrder(true, true, 2);
        assertEquals(3, order.admit(List.of(entry("A", 1), entry("B", 1), entry("C", 1))).size());

        // A was forgotten: its next entry is taken as it comes, and remembered again.
        assertEquals(1, order.admit(List.of(entry("A", 5))).size());
        assertEquals(0, order.admit(List.of(entry("A", 5), entry("C", 1))).size());
        assertEquals(1, order.admit(List.of(entry("A", 6))).size());
    }

    private static SubscribeResponse entries(int cursor, Entry... entries) {
        return SubscribeResponse.newBuilder()
                .addAllEntries(Arrays.asList(entries))
                .setCursor(cursor(cursor))
                .setLedgerTime(Times.timestamp(Instant.now()))
                .build();
    }

    private static SubscribeResponse stock(String sku, long sequence) {
        return SubscribeResponse.newBuilder()
                .addStocks(Stock.newBuilder().setSku(sku).setSequence(sequence))
                // A cursor here would be wrong to keep.
                .setCursor(ByteString.copyFromUtf8("within stock"))
                .build();
    }

    /** Writes down what it is told. */
    private static final class Recorder implements EntryListener {
        private final List<String> told = new CopyOnWriteArrayList<>();
        private final List<String> threads = new CopyOnWriteArrayList<>();
        private volatile java.util.function.Consumer<List<Entry>> onEntries = entries -> {};

        private void tell(String what) {
            told.add(what);
            threads.add(Thread.currentThread().getName() + Thread.currentThread().getId());
        }

        private long count(String what) {
            return told.stream().filter(line -> line.startsWith(what)).count();
        }

        @Override
        public void onEntries(List<Entry> entries, FeedProgress progress) {
            onEntries.accept(entries);
            entries.forEach(entry -> tell("entry " + entry.getSku() + " " + entry.getSequence()));
        }

        @Override
        public void onRewound() {
            tell("rewound");
        }

        @Override
        public void onStockBegins() {
            tell("stock begins");
        }

        @Override
        public void onStock(List<Stock> stocks) {
            stocks.forEach(stock -> tell("stock " + stock.getSku() + " " + stock.getSequence()));
        }

        @Override
        public void onStockComplete(FeedProgress progress) {
            tell("stock complete");
        }

        @Override
        public void onCaughtUp(FeedProgress progress) {
            tell("caught up");
        }

        @Override
        public void onFallenBehind() {
            tell("fallen behind");
        }

        @Override
        public void onFailed(LedgerException error) {
            tell("failed " + error.reason());
        }
    }
}
