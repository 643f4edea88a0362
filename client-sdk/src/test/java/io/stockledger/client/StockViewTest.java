package io.stockledger.client;

import static io.stockledger.client.Eventually.eventually;
import static io.stockledger.client.ScriptedLedger.cursor;
import static io.stockledger.client.ScriptedLedger.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.stockledger.v1.ChannelAllocation;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a channel may rely on that reads a stock view. */
@Timeout(20)
class StockViewTest {

    private final ScriptedLedger ledger = new ScriptedLedger();
    private final LedgerClient client = LedgerClient.connect(ledger.target());

    @AfterEach
    void close() {
        client.close();
        ledger.close();
    }

    @Test
    void entriesReplaceTheBalancesTheyTouchAndARepeatChangesNothing() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(
                    stock("A", 3, balance("main", 10), balance("shop", 4)), stock("B", 1, balance("main", 1))));
            subscriber.onNext(SubscribeResponse.newBuilder()
                    .setStockComplete(true)
                    .setCursor(cursor(1))
                    .build());
            subscriber.onNext(told(2)
                    .addEntries(entry("A", 3).toBuilder().addBalances(balance("main", 99)))
                    .addEntries(entry("A", 4).toBuilder().addBalances(balance("main", 8)))
                    .addEntries(entry("C", 1).toBuilder().addBalances(balance("main", 5)))
                    .setCaughtUp(true)
                    .setCompleteTime(Times.timestamp(Instant.now()))
                    .build());
        });
        try (StockView view = client.stockView()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));

            assertEquals(12, view.availableToSell("A", "web"));
            assertEquals(8, view.availableToSell("A", "web", "main"));
            assertEquals(0, view.availableToSell("A", "web", "nowhere"));
            assertEquals(12, view.onHand("A"));
            assertEquals(4, view.sequence("A"));
            assertEquals(5, view.availableToSell("C", ""));
            assertEquals(0, view.availableToSell("unknown", "web"));
            assertEquals(Optional.empty(), view.stock("unknown"));
            assertEquals(2, view.stock("A").orElseThrow().getBalancesCount());
            assertEquals(Set.of("A", "B", "C"), view.skus());
            assertTrue(view.stalenessMillis() < 10_000);
        }
    }

    @Test
    void stockThatComesInPartsIsPutTogether() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 3, balance("a", 1), balance("b", 2)), stock("A", 3, balance("c", 4))));
            subscriber.onNext(stocks(stock("A", 3, balance("d", 8)), stock("B", 1, balance("a", 5))));
            subscriber.onNext(told(1)
                    .setStockComplete(true)
                    .addEntries(entry("A", 4).toBuilder().addBalances(balance("b", 0)))
                    .setCaughtUp(true)
                    .build());
        });
        try (StockView view = client.stockView()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            assertEquals(13, view.onHand("A"));
            assertEquals(4, view.sequence("A"));
            assertEquals(4, view.stock("A").orElseThrow().getBalancesCount());
            assertEquals(8, view.availableToSell("A", "web", "d"));
            assertEquals(5, view.onHand("B"));
        }
    }

    @Test
    void aSkuIsFoundHoweverItsAccentsAreWritten() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("CAF\u00c9", 1, balance("main", 3))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
        });
        try (StockView view = client.stockView()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            assertEquals(3, view.availableToSell("CAFE\u0301", "web"));
        }
    }

    @Test
    void theOldValuesStandUntilStockThatIsReadAgainIsComplete() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 1, balance("main", 10)), stock("GONE", 1, balance("main", 1))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
            subscriber.onError(Status.UNAVAILABLE.asRuntimeException());
        });
        ledger.feeds.add((request, subscriber) -> subscriber.onError(StatusProto.toStatusRuntimeException(
                ScriptedLedger.error(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED", 0))));
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 1, balance("main", 7))));
            ledger.arrived.clear();
            new Thread(() -> {
                while (ledger.arrived.isEmpty()) {
                    Thread.onSpinWait();
                }
                subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
            }).start();
        });
        try (StockView view = client.stockView()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            eventually("stock is read again", () -> ledger.subscribed.size() == 3);
            assertEquals(10, view.availableToSell("A", ""));

            client.apply(Mutations.sell("X", 1).build());
            eventually("the new stock stands", () -> view.availableToSell("A", "") == 7);
            assertEquals(Set.of("A"), view.skus());
        }
    }

    @Test
    void availableToSellKeepsSafetyStockAndOtherChannelsGuaranteesBackAndHeedsAMaximum() {
        LocationBalance balance = balance("main", 20).toBuilder()
                .setSafetyStock(3)
                .addAllocations(ChannelAllocation.newBuilder()
                        .setChannel("web")
                        .setGuaranteed(5)
                        .setMaximum(8)
                        .setUsed(2))
                .addAllocations(ChannelAllocation.newBuilder()
                        .setChannel("pos")
                        .setGuaranteed(4)
                        .setUsed(6))
                .build();

        assertEquals(6, AvailableToSell.at(balance, "web"));
        assertEquals(14, AvailableToSell.at(balance, "pos"));
        assertEquals(14, AvailableToSell.at(balance, "other"));
        assertEquals(0, AvailableToSell.at(balance("main", -4), "web"));
    }

    @Test
    void beforeItFirstCaughtUpAViewIsInfinitelyStale() {
        try (StockView view = client.stockView()) {
            assertEquals(Long.MAX_VALUE, view.stalenessMillis());
            assertTrue(view.isStale(Duration.ofDays(1)));
            assertFalse(view.awaitCaughtUp(Duration.ofMillis(10)));
        }
    }

    @Test
    void stalenessGrowsWhileDisconnected() throws Exception {
        ledger.feeds.add((request, subscriber) ->
                subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build()));
        try (StockView view = client.stockView()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            ledger.kill();
            long before = view.stalenessMillis();
            eventually("it grew", () -> view.stalenessMillis() >= before + 50);
            assertTrue(view.isStale(Duration.ofMillis(40)));
        }
    }

    @Test
    void aSnapshotIsBegunWithAndOnlyWhatCameAfterItIsAskedFor(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("view");
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 3, balance("main", 10)), stock("B", 1, balance("main", 1))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
            subscriber.onNext(told(2).addEntries(entry("A", 4).toBuilder().addBalances(balance("main", 8))).build());
        });
        AtomicReference<ServerCallStreamObserver<SubscribeResponse>> later = new AtomicReference<>();
        ledger.feeds.add((request, subscriber) -> later.set(subscriber));
        try (StockView view = client.stockViewBuilder().snapshot(file).open()) {
            eventually("the entry is in", () -> view.onHand("A") == 8);
        }
        try (StockView view = client.stockViewBuilder().snapshot(file).open()) {
            assertEquals(Optional.empty(), view.coldStart());
            assertEquals(8, view.onHand("A"), "there before a ledger has said a word");
            assertEquals(Long.MAX_VALUE, view.stalenessMillis(), "nobody has told what time it is");
            eventually("it asks", () -> later.get() != null);
            assertEquals(cursor(2), ledger.subscribed.get(1).getAfterCursor());
            assertFalse(ledger.subscribed.get(1).getInitialStock());

            // What the snapshot had already comes again, as after any break, and one more.
            later.get().onNext(told(3)
                    .addEntries(entry("A", 4).toBuilder().addBalances(balance("main", 99)))
                    .addEntries(entry("A", 5).toBuilder().addBalances(balance("main", 7)))
                    .build());
            eventually("the entries after it are in", () -> view.onHand("A") == 7);
            assertTrue(view.stalenessMillis() < Long.MAX_VALUE, "as old as the file says, until it has caught up");
            assertFalse(view.awaitCaughtUp(Duration.ofMillis(1)));
            later.get().onNext(told(4).setCaughtUp(true).build());
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
        }
    }

    @Test
    void aSnapshotIsWrittenAtItsIntervalToo(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("view");
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 3, balance("main", 10))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
        });
        StockView.Builder settings = client.stockViewBuilder().snapshot(file).snapshotInterval(Duration.ofNanos(1));
        try (StockView view = settings.open()) {
            eventually("it is there", () -> Files.exists(file));
            assertEquals(10, new ViewFile(file, FeedFilter.getDefaultInstance(), Share.getDefaultInstance())
                    .read(1)
                    .orElseThrow()
                    .stocks()
                    .get("A")
                    .onHand());
        }
    }

    @Test
    void whereTheLedgerDoesNotKnowTheSnapshotsCursorTheViewBeginsWithInitialStock(@TempDir Path folder)
            throws Exception {
        for (String reason : List.of("CURSOR_EXPIRED", "INVALID_CURSOR")) {
            Path file = folder.resolve(reason);
            new ViewFile(file, FeedFilter.getDefaultInstance(), Share.getDefaultInstance())
                    .write(new ViewFile.Held(
                            cursor(9), Instant.now(), Map.of("OLD", SkuStock.of(stock("OLD", 7, balance("main", 1))))));
            Status.Code code =
                    reason.equals("CURSOR_EXPIRED") ? Status.Code.OUT_OF_RANGE : Status.Code.INVALID_ARGUMENT;
            ledger.feeds.clear();
            ledger.feeds.add((request, subscriber) -> subscriber.onError(
                    StatusProto.toStatusRuntimeException(ScriptedLedger.error(code, reason, 0))));
            ledger.feeds.add((request, subscriber) -> {
                subscriber.onNext(stocks(stock("A", 1, balance("main", 7))));
                subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
            });
            try (StockView view = client.stockViewBuilder().snapshot(file).open()) {
                assertEquals(1, view.onHand("OLD"));
                assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
                assertEquals(Set.of("A"), view.skus());
            }
        }
    }

    @Test
    void aDamagedSnapshotIsNotUsedAndTheViewSaysWhy(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("view"), "SLVIEW01 and no more of a snapshot than that");
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 1, balance("main", 7))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
        });
        try (StockView view = client.stockViewBuilder().snapshot(file).open()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            assertEquals(7, view.onHand("A"));
            assertTrue(view.coldStart().orElseThrow().contains("is damaged"), view.coldStart()::toString);
        }
    }

    @Test
    void aViewThatWouldHoldMoreThanItMayEndsAndSaysSo() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(
                    stock("A", 1, balance("main", 7), balance("shop", 1)), stock("B", 1, balance("main", 1))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
            subscriber.onNext(told(2)
                    .addEntries(entry("A", 2).toBuilder().addBalances(balance("main", 6)))
                    .addEntries(entry("C", 1).toBuilder().addBalances(balance("main", 5)))
                    .build());
        });
        try (StockView view = client.stockViewBuilder().balancesMax(2).open()) {
            assertEquals("VIEW_FULL", whyItEnded(view));
            assertEquals(Subscription.State.FAILED, view.state());
        }
        try (StockView view = client.stockViewBuilder().balancesMax(3).open()) {
            eventually("the entry too many ended it", () -> view.state() == Subscription.State.FAILED);
            assertEquals("VIEW_FULL", whyItEnded(view));
            assertEquals(7, view.onHand("A"), "what it knew stays readable");
        }
        try (StockView view = client.stockViewBuilder().balancesMax(4).open()) {
            eventually("there is room for it", () -> view.onHand("C") == 5);
        }
    }

    @Test
    void whatRunsLowIsToldOnceAndAgainOnlyAfterItHadRisen() throws Exception {
        List<String> told = Collections.synchronizedList(new ArrayList<>());
        AtomicReference<ServerCallStreamObserver<SubscribeResponse>> feed = new AtomicReference<>();
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(
                    stock("A", 1, balance("main", 4)), stock("LOW", 1, balance("main", 2), balance("shop", 9))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
            feed.set(subscriber);
        });
        LowStockListener listener = new LowStockListener() {
            @Override
            public void onBelow(String sku, long available) {
                told.add(sku + " fell to " + available);
            }

            @Override
            public void onRisen(String sku, long available) {
                told.add(sku + " rose to " + available);
            }
        };
        StockView.Builder settings = client.stockViewBuilder()
                .onBelow(3, listener)
                .onBelow(3, "", "main", (sku, available) -> told.add(sku + " fell to " + available + " at main"));
        try (StockView view = settings.open()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            assertEquals(List.of("LOW fell to 2 at main"), told);
            long sequence = 1;
            for (long available : new long[] {3, 2, 1, 0, 2, 3, 9, 1}) {
                sequence++;
                feed.get().onNext(told((int) sequence)
                        .addEntries(entry("A", sequence).toBuilder()
                                .addBalances(balance("shop", 0))
                                .addBalances(balance("main", available)))
                        .build());
            }
            feed.get().onNext(told(20)
                    .addEntries(entry("NEW", 1).toBuilder().addBalances(balance("attic", 1)))
                    .build());
            eventually("all is told", () -> told.contains("NEW fell to 1"));
            assertEquals(
                    List.of("LOW fell to 2 at main", "A fell to 2", "A fell to 2 at main", "A rose to 3", "A fell to 1",
                            "A fell to 1 at main", "NEW fell to 1"),
                    told);
        }
    }

    @Test
    void aProcessThatComesBackIsNotToldAgainWhatItHeardAndIsToldWhatItMissed(@TempDir Path folder) throws Exception {
        List<String> told = Collections.synchronizedList(new ArrayList<>());
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 1, balance("main", 2)), stock("B", 1, balance("main", 5))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
        });
        ledger.feeds.add((request, subscriber) -> subscriber.onNext(told(2)
                .addEntries(entry("B", 2).toBuilder().addBalances(balance("main", 1)))
                .setCaughtUp(true)
                .build()));
        StockView.Builder settings = client.stockViewBuilder()
                .snapshot(folder.resolve("view"))
                .onBelow(3, (sku, available) -> told.add(sku + " fell to " + available));
        for (int process = 0; process < 2; process++) {
            try (StockView view = settings.open()) {
                assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            }
        }
        assertEquals(List.of("A fell to 2", "B fell to 1"), told);
    }

    @Test
    void aThresholdListenerThatThrowsEndsTheViewAndTheNextProcessIsToldAgain(@TempDir Path folder) throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("A", 1, balance("main", 5))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true).build());
            subscriber.onNext(told(2).addEntries(entry("A", 2).toBuilder().addBalances(balance("main", 1))).build());
        });
        Path file = folder.resolve("view");
        StockView.Builder settings = client.stockViewBuilder().snapshot(file).onBelow(3, (sku, available) -> {
            throw new IllegalStateException("the mail server is away");
        });
        try (StockView view = settings.open()) {
            eventually("it ended", () -> view.state() == Subscription.State.FAILED);
        }
        assertFalse(Files.exists(file), "what was not told must not count as told");
    }

    @Test
    void lastUnitsAreAskedOfTheLedgerAndPlentyIsShownFromMemory() throws Exception {
        ledger.feeds.add((request, subscriber) -> {
            subscriber.onNext(stocks(stock("PLENTY", 1, balance("main", 50)), stock("FEW", 1, balance("main", 4))));
            subscriber.onNext(told(1).setStockComplete(true).setCaughtUp(true)
                    .setCompleteTime(Times.timestamp(Instant.now())).build());
        });
        ledger.available = 1;
        try (StockView view = client.stockView()) {
            assertTrue(view.awaitCaughtUp(Duration.ofSeconds(10)));
            LastUnits shown = new LastUnits(view, client, 5, Duration.ofMinutes(5));
            assertEquals(50, shown.availableToSell("PLENTY", "web").units());
            assertFalse(shown.availableToSell("PLENTY", "web").exact());
            assertEquals(List.of(), ledger.looked);

            LastUnits.Shown few = shown.availableToSell("FEW", "web");
            assertEquals(1, few.units());
            assertTrue(few.exact());
            assertEquals(List.of("FEW"), ledger.looked);
            LastUnits impatient = new LastUnits(view, client, 5, Duration.ZERO);
            assertTrue(impatient.availableToSell("PLENTY", "web").exact(), "the view is too old");

            ledger.faults.add(ScriptedLedger.refused(Status.Code.PERMISSION_DENIED, "", 0));
            LastUnits.Shown unanswered = shown.availableToSell("FEW", "web");
            assertEquals(4, unanswered.units());
            assertFalse(unanswered.exact());
        }
    }

    @Test
    void stalenessIsNeverBelowTheTrueAgeWhateverTheClocksAndTheNetworkDo() {
        Random random = new Random(11);
        for (int run = 0; run < 200; run++) {
            // True time, and two clocks that show other times and run at other rates.
            long[] trueNanos = {0};
            double localRate = 1 + (random.nextDouble() - 0.5) * 0.0009;
            double ledgerRate = 1 + (random.nextDouble() - 0.5) * 0.0009;
            long ledgerStart = Instant.parse("2031-05-01T12:00:00Z").toEpochMilli() + random.nextInt(1_000_000_000);
            FeedClock clock = new FeedClock(() -> 7_000_000_000L + (long) (trueNanos[0] * localRate));
            LongFunction<Instant> ledgerClock =
                    at -> Instant.ofEpochMilli(ledgerStart + (long) (at * ledgerRate / 1e6));
            long completeAt = 0;
            boolean caughtUp = false;
            assertEquals(Long.MAX_VALUE, clock.stalenessMillis());
            for (int step = 0; step < 300; step++) {
                long delay = random.nextInt(10) == 0 ? random.nextInt(2_000_000_000) : random.nextInt(3_000_000);
                long asked = 7_000_000_000L + (long) (trueNanos[0] * localRate);
                long told = trueNanos[0] + (long) (delay * random.nextDouble());
                trueNanos[0] += delay;
                if (step == 0 || random.nextInt(4) == 0) {
                    clock.exchanged(asked, ledgerClock.apply(told));
                } else if (!caughtUp) {
                    clock.caughtUp(progress(ledgerClock.apply(told), Optional.empty()));
                    caughtUp = true;
                    completeAt = told;
                } else if (random.nextInt(3) > 0) {
                    long complete = Math.max(completeAt, told - random.nextInt(1_000_000));
                    clock.told(progress(ledgerClock.apply(told), Optional.of(ledgerClock.apply(complete))));
                    completeAt = complete;
                } else {
                    clock.told(progress(ledgerClock.apply(told), Optional.empty()));
                }
                trueNanos[0] += random.nextInt(500_000_000);
                // By whichever clock is slower: what time truly passed neither of them can tell.
                long age = (long) Math.ceil((trueNanos[0] - completeAt) * Math.min(localRate, ledgerRate) / 1e6);
                long bound = clock.stalenessMillis();
                int at = step;
                if (caughtUp) {
                    assertTrue(bound >= age, () -> "step " + at + ": " + bound + " ms, and it is " + age + " ms old");
                } else {
                    assertEquals(Long.MAX_VALUE, bound);
                }
            }
        }
    }

    @Test
    void stalenessIsCloseToTheTrueAgeWhereTheNetworkIsQuick() {
        AtomicLong local = new AtomicLong(7_000_000_000L);
        FeedClock clock = new FeedClock(local::get);
        Instant ledgerTime = Instant.parse("2031-05-01T12:00:00Z");
        clock.connected(local.get() - 800_000_000L, ledgerTime);
        clock.caughtUp(progress(ledgerTime, Optional.empty()));
        assertEquals(802, clock.stalenessMillis(), "all that is known is that it was asked 800 ms ago");
        clock.exchanged(local.get() - 1_000_000, ledgerTime);
        assertEquals(3, clock.stalenessMillis(), "1 ms on its way, 1 of rounding");

        // The server is away: the figure grows by the local clock, and a little more.
        local.addAndGet(Duration.ofSeconds(100).toNanos());
        assertEquals(100_103, clock.stalenessMillis());
        // It was only slow to send: what came late is as old as it is.
        clock.exchanged(local.get(), ledgerTime.plusSeconds(100));
        clock.told(progress(ledgerTime.plusSeconds(40), Optional.of(ledgerTime.plusSeconds(40))));
        assertEquals(60_002, clock.stalenessMillis());
        // Its clock is set forward by an hour, then asked again.
        clock.told(progress(ledgerTime.plusSeconds(3_700), Optional.of(ledgerTime.plusSeconds(3_700))));
        assertEquals(1, clock.stalenessMillis());
        clock.exchanged(local.get(), ledgerTime.plusSeconds(3_700));
        assertTrue(clock.stalenessMillis() <= 2);
        assertEquals(
                Duration.ofSeconds(-5).toSeconds(),
                clock.aheadOfLedger(ledgerTime.plusSeconds(3_695)).orElseThrow().plusMillis(10).toSeconds());
    }

    @Test
    void aFilterThatWouldLeaveEntriesOutIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> client.stockView(
                        FeedFilter.newBuilder().addChannels("web").build(), Share.getDefaultInstance()));
    }

    private static String whyItEnded(StockView view) {
        return assertThrows(LedgerException.class, () -> view.awaitCaughtUp(Duration.ofSeconds(10))).reason();
    }

    private static FeedProgress progress(Instant ledgerTime, Optional<Instant> completeTime) {
        return new FeedProgress(ByteString.EMPTY, ledgerTime, completeTime);
    }

    private static SubscribeResponse.Builder told(int cursor) {
        return SubscribeResponse.newBuilder()
                .setCursor(cursor(cursor))
                .setLedgerTime(Times.timestamp(Instant.now()));
    }

    private static SubscribeResponse stocks(Stock... stocks) {
        return SubscribeResponse.newBuilder()
                .addAllStocks(List.of(stocks))
                .setLedgerTime(Times.timestamp(Instant.now()))
                .build();
    }

    private static Stock stock(String sku, long sequence, LocationBalance... balances) {
        return Stock.newBuilder()
                .setSku(sku)
                .setSequence(sequence)
                .addAllBalances(List.of(balances))
                .build();
    }

    private static LocationBalance balance(String location, long available) {
        return LocationBalance.newBuilder()
                .setLocation(location)
                .setAvailable(available)
                .build();
    }
}
