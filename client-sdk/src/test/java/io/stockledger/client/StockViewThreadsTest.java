package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A stock view that many threads read, and that is written to disk, while the feed changes it and begins it anew. */
@Timeout(30)
class StockViewThreadsTest {
    private static final int BEGINNINGS = 4;
    private static final int ENTRIES = 1_000;
    private static final int LAST = BEGINNINGS * ENTRIES;

    @TempDir
    private Path folder;

    @Test
    void aReaderSeesOneMomentOfASkuNeverAnEarlierOneAndASnapshotHasAllBeforeItsCursor() {
        try (ScriptedLedger ledger = new ScriptedLedger(); LedgerClient client = LedgerClient.connect(ledger.target())) {
            for (int beginning = 0; beginning < BEGINNINGS; beginning++) {
                int from = beginning * ENTRIES + 1;
                ledger.feeds.add((request, subscriber) -> {
                    stockAndEntries(from, subscriber);
                    if (from + ENTRIES < LAST) {
                        subscriber.onError(Status.UNAVAILABLE.asRuntimeException());
                    }
                });
                // Then its cursor is known no more, so it begins with stock again.
                ledger.feeds.add((request, subscriber) -> subscriber.onError(StatusProto.toStatusRuntimeException(
                        ScriptedLedger.error(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED", 0))));
            }
            Path file = folder.resolve("view");
            StockView.Builder settings = client.stockViewBuilder().snapshot(file).snapshotInterval(Duration.ofNanos(1));
            try (StockView view = settings.open()) {
                Interleavings.together(() -> read(view), () -> read(view), () -> readSnapshots(view, file));
                // What stands from the first stock on, whatever came and went.
                assertEquals(Set.of("A", "B"), view.skus());
            }
            assertEquals(LAST, snapshot(file).orElseThrow().stocks().get("A").sequence(), "the last snapshot, written when it was closed");
        }
    }

    private static void read(StockView view) {
        long seen = 0;
        boolean begun = false;
        while (seen < LAST) {
            Optional<Stock> known = view.stock("A");
            if (known.isPresent()) {
                Stock stock = known.get();
                assertWhole(SkuStock.of(stock));
                assertEquals(2 * stock.getSequence(), stock.getOnHand());
                assertEquals(2 * stock.getSequence(), stock.getAvailableToSell());
                assertTrue(stock.getSequence() >= seen, stock.getSequence() + " after " + seen);
                seen = stock.getSequence();
                assertTrue(view.sequence("A") >= seen);
                assertEquals(7, view.onHand("B"));
                begun = true;
            }
            assertTrue(known.isPresent() || !begun, "it was there, and is not");
            assertTrue(view.state() != Subscription.State.FAILED);
        }
    }

    private void readSnapshots(StockView view, Path file) {
        long seen = 0;
        while (view.sequence("A") < LAST) {
            Optional<ViewFile.Held> held = snapshot(file);
            if (held.isPresent()) {
                SkuStock stock = held.get().stocks().get("A");
                assertWhole(stock);
                long claimed = Long.parseLong(held.get().cursor().toStringUtf8().substring(1));
                assertTrue(stock.sequence() >= claimed, "it claims " + claimed + " and has " + stock.sequence());
                assertTrue(claimed >= seen);
                seen = claimed;
            }
        }
    }

    private static Optional<ViewFile.Held> snapshot(Path file) {
        try {
            // A copy, which nothing takes the place of while it is read.
            Path copy = file.resolveSibling("copy");
            Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
            return new ViewFile(copy, FeedFilter.getDefaultInstance(), Share.getDefaultInstance()).read(10);
        } catch (NoSuchFileException none) {
            return Optional.empty();
        } catch (IOException | ViewFile.UnusableException e) {
            throw new AssertionError(e);
        }
    }

    /** Each entry leaves as many units at both locations as its sequence says. */
    private static void assertWhole(SkuStock stock) {
        assertEquals(2, stock.balances().size());
        stock.balances().forEach(balance -> assertEquals(stock.sequence(), balance.getAvailable()));
    }

    private static void stockAndEntries(int from, StreamObserver<SubscribeResponse> subscriber) {
        subscriber.onNext(stock("A", from, balance("main", from)).build());
        subscriber.onNext(stock("A", from, balance("shop", from)).build());
        subscriber.onNext(stock("B", 1, balance("main", 7)).build());
        subscriber.onNext(told(from).setStockComplete(true).build());
        for (int n = from + 1; n <= Math.min(LAST, from + ENTRIES); n++) {
            subscriber.onNext(told(n)
                    .addEntries(ScriptedLedger.entry("A", n).toBuilder()
                            .addBalances(balance("main", n))
                            .addBalances(balance("shop", n)))
                    .setCaughtUp(n % 100 == 0)
                    .build());
        }
    }

    private static SubscribeResponse.Builder told(int cursor) {
        return SubscribeResponse.newBuilder()
                .setCursor(ScriptedLedger.cursor(cursor))
                .setLedgerTime(Times.timestamp(Instant.now()));
    }

    private static SubscribeResponse.Builder stock(String sku, long sequence, LocationBalance balance) {
        return SubscribeResponse.newBuilder()
                .addStocks(Stock.newBuilder().setSku(sku).setSequence(sequence).addBalances(balance))
                .setLedgerTime(Times.timestamp(Instant.now()));
    }

    private static LocationBalance balance(String location, long available) {
        return LocationBalance.newBuilder().setLocation(location).setAvailable(available).build();
    }
}
