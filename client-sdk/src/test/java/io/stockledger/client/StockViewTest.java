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
import io.stockledger.v1.ChannelAllocation;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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
        ledger.feeds.add((request, subscriber) -> subscriber.onError(io.grpc.protobuf.StatusProto.toStatusRuntimeException(
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
    void stalenessNeedsNoClockInCommonAndCountsASlowMessagesDelayAsAge() {
        AtomicLong local = new AtomicLong(7_000_000_000L);
        FeedClock clock = new FeedClock(local::get);
        Instant ledgerTime = Instant.parse("2031-05-01T12:00:00Z");
        assertEquals(Long.MAX_VALUE, clock.stalenessMillis());

        clock.caughtUp(progress(ledgerTime, ledgerTime.minusMillis(5)));
        assertEquals(5, clock.stalenessMillis());

        local.addAndGet(Duration.ofMillis(100).toNanos());
        assertEquals(105, clock.stalenessMillis());

        // Made 100 ms after the first, and 400 ms late here.
        local.addAndGet(Duration.ofMillis(400).toNanos());
        clock.told(progress(ledgerTime.plusMillis(100), ledgerTime.plusMillis(100)));
        assertEquals(400, clock.stalenessMillis());

        // While catching up no complete time is told, and the age goes on growing.
        local.addAndGet(Duration.ofMillis(50).toNanos());
        clock.told(new FeedProgress(ByteString.EMPTY, ledgerTime.plusMillis(550), Optional.empty()));
        assertEquals(450, clock.stalenessMillis());
    }

    @Test
    void aFilterThatWouldLeaveEntriesOutIsRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> client.stockView(
                        FeedFilter.newBuilder().addChannels("web").build(), Share.getDefaultInstance()));
    }

    private static FeedProgress progress(Instant ledgerTime, Instant completeTime) {
        return new FeedProgress(ByteString.EMPTY, ledgerTime, Optional.of(completeTime));
    }

    private static SubscribeResponse.Builder told(int cursor) {
        return SubscribeResponse.newBuilder()
                .setCursor(cursor(cursor))
                .setLedgerTime(Times.timestamp(Instant.now()));
    }

    private static SubscribeResponse stocks(Stock... stocks) {
        return SubscribeResponse.newBuilder()
                .addAllStocks(java.util.List.of(stocks))
                .setLedgerTime(Times.timestamp(Instant.now()))
                .build();
    }

    private static Stock stock(String sku, long sequence, LocationBalance... balances) {
        return Stock.newBuilder()
                .setSku(sku)
                .setSequence(sequence)
                .addAllBalances(java.util.List.of(balances))
                .build();
    }

    private static LocationBalance balance(String location, long available) {
        return LocationBalance.newBuilder()
                .setLocation(location)
                .setAvailable(available)
                .build();
    }
}
