package io.stockledger.client;

import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.text.Normalizer;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Stock as this process knows it: a local projection that begins with initial stock and follows the feed. Reads are
 * memory look-ups and never wait; each is of one SKU at one sequence. It may be behind the ledger, and says by how
 * much ({@link #stalenessMillis()}): show it to shoppers, and let the ledger decide ({@code Reserve}, {@code Sell}).
 *
 * <p>It resumes by itself after any break, during which the last values stay readable and grow stale. Where initial
 * stock must be read again, the old values stay until the new are complete.
 */
public final class StockView implements AutoCloseable {

    private static final int HEARTBEAT_INTERVAL_MS = 250;

    private final FeedClock clock;
    private final CountDownLatch caughtUp = new CountDownLatch(1);
    private volatile Map<String, SkuStock> stocks = new ConcurrentHashMap<>();
    private volatile Optional<LedgerException> failure = Optional.empty();
    private volatile Subscription subscription;

    private StockView(LongSupplier nanoTime) {
        this.clock = new FeedClock(nanoTime);
    }

    static StockView open(LedgerClient client, FeedFilter filter, Share share) {
        if (filter.getLocationsCount() + filter.getChannelsCount() + filter.getKindsCount() > 0) {
            throw new IllegalArgumentException(
                    "a stock view takes SKUs, a prefix or a share; without every entry of a SKU its balances would be"
                            + " wrong");
        }
        StockView view = new StockView(System::nanoTime);
        SubscribeRequest.Builder request = SubscribeRequest.newBuilder()
                .setFromNow(true)
                .setInitialStock(true)
                .setHeartbeatIntervalMs(HEARTBEAT_INTERVAL_MS)
                .setFilter(filter);
        if (share.getCount() > 0) {
            request.setShare(share);
        }
        view.subscription = client.subscribe(request.build(), view.new Projector());
        return view;
    }

    /**
     * Units that may be sold on the channel, over all locations: what {@code Reserve} and {@code Sell} would have gone
     * by at this view's sequence. 0 for a SKU that it does not know.
     */
    public long availableToSell(String sku, String channel) {
        return skuStock(sku).availableToSell(channel);
    }

    /** Units that may be sold on the channel at one location. */
    public long availableToSell(String sku, String channel, String location) {
        return skuStock(sku)
                .balance(location)
                .map(balance -> AvailableToSell.at(balance, channel))
                .orElse(0L);
    }

    /** Units on the shelves of all locations: available, reserved, committed and unavailable. */
    public long onHand(String sku) {
        return skuStock(sku).onHand();
    }

    /** The sequence of the last entry of the SKU that the view reflects; 0 where it has none. */
    public long sequence(String sku) {
        return skuStock(sku).sequence();
    }

    /** All that the view knows of a SKU, available to sell as for a channel without an allocation; empty if nothing. */
    public Optional<Stock> stock(String sku) {
        return stock(sku, "");
    }

    /** All that the view knows of a SKU, available to sell as for {@code channel}; empty if nothing. */
    public Optional<Stock> stock(String sku, String channel) {
        return find(sku).map(known -> {
            Stock.Builder stock = Stock.newBuilder()
                    .setSku(sku)
                    .setSequence(known.sequence())
                    .addAllBalances(known.balances())
                    .setAvailableToSell(known.availableToSell(channel))
                    .setOnHand(known.onHand());
            clock.completeTime().ifPresent(time -> stock.setAsOfTime(Times.timestamp(time)));
            return stock.build();
        });
    }

    /** The SKUs that the view knows; follows the view. */
    public Set<String> skus() {
        return Collections.unmodifiableSet(stocks.keySet());
    }

    /**
     * How old the view may be, in milliseconds: everything that the ledger committed longer ago than that is in it.
     * Grows while the connection is down or the view catches up; {@link Long#MAX_VALUE} before it first caught up.
     *
     * <p>Counted as what the ledger said, by its own clock, at the last message, plus the time since by this
     * process's steady clock: the two clocks need not agree. A message that took longer on its way than the fastest of
     * the last minutes is counted so much older. What cannot be seen from here is the time the fastest one took: on a
     * usual network well below a millisecond, and that much the true age may be above the figure.
     */
    public long stalenessMillis() {
        return clock.stalenessMillis();
    }

    /** True where the view may be older than {@code bound}. */
    public boolean isStale(Duration bound) {
        return stalenessMillis() > bound.toMillis();
    }

    /**
     * Waits until the view has caught up for the first time.
     *
     * @return false where it has not within {@code bound}
     * @throws LedgerException where its subscription ended for good
     */
    public boolean awaitCaughtUp(Duration bound) {
        try {
            boolean done = caughtUp.await(bound.toNanos(), TimeUnit.NANOSECONDS);
            failure.ifPresent(error -> {
                throw error;
            });
            return done;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Where its subscription stands: FAILED means that it will not come back. */
    public Subscription.State state() {
        return subscription.state();
    }

    /** Ends its subscription; the last values stay readable and grow stale. */
    @Override
    public void close() {
        subscription.close();
    }

    private SkuStock skuStock(String sku) {
        return find(sku).orElse(SkuStock.NONE);
    }

    /** The ledger knows SKUs in Unicode NFC, which most callers' already are: so only a miss is normalised. */
    private Optional<SkuStock> find(String sku) {
        SkuStock known = stocks.get(sku);
        return Optional.ofNullable(known != null ? known : stocks.get(Normalizer.normalize(sku, Normalizer.Form.NFC)));
    }

    /** Applies the feed; called on the subscription's thread alone, so only the readers' side needs care. */
    private final class Projector implements EntryListener {
        /** Initial stock that is not complete yet. */
        private Map<String, SkuStock> gathering = new ConcurrentHashMap<>();

        @Override
        public void onStockBegins() {
            gathering = new ConcurrentHashMap<>();
        }

        @Override
        public void onStock(List<Stock> told) {
            told.forEach(stock -> gathering.merge(stock.getSku(), SkuStock.of(stock), SkuStock::and));
        }

        @Override
        public void onStockComplete(FeedProgress progress) {
            stocks = gathering;
            clock.told(progress);
        }

        @Override
        public void onEntries(List<Entry> entries, FeedProgress progress) {
            Map<String, SkuStock> current = stocks;
            for (Entry entry : entries) {
                current.merge(entry.getSku(), SkuStock.NONE.after(entry), (known, ignored) -> known.after(entry));
            }
            clock.told(progress);
        }

        @Override
        public void onCaughtUp(FeedProgress progress) {
            clock.caughtUp(progress);
            caughtUp.countDown();
        }

        @Override
        public void onHeartbeat(FeedProgress progress) {
            clock.told(progress);
        }

        @Override
        public void onFailed(LedgerException error) {
            failure = Optional.of(error);
            caughtUp.countDown();
        }
    }
}
