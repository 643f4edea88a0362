package io.stockledger.client;

import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** A local projection of stock. */
public final class StockView implements AutoCloseable {

    static StockView open(LedgerClient client, FeedFilter filter, Share share) {
        return new StockView();
    }

    /** Units that may be sold on the channel over all locations, as of this view's staleness; 0 for an unknown SKU. */
    public long availableToSell(String sku, String channel) {
        return 0;
    }

    /** Units that may be sold on the channel at one location. */
    public long availableToSell(String sku, String channel, String location) {
        return 0;
    }

    /** Units on the shelves of all locations. */
    public long onHand(String sku) {
        return 0;
    }

    /** All that the view knows of a SKU; empty where it has no entry. */
    public Optional<Stock> stock(String sku) {
        return Optional.empty();
    }

    /** The sequence of the last entry of the SKU that the view reflects; 0 where it has none. */
    public long sequence(String sku) {
        return 0;
    }

    /** The SKUs that the view knows, as they are now. */
    public Set<String> skus() {
        return Set.of();
    }

    /** How old the view may be, in milliseconds; Long.MAX_VALUE before it first caught up. */
    public long stalenessMillis() {
        return Long.MAX_VALUE;
    }

    /** True where the view may be older than {@code bound}. */
    public boolean isStale(Duration bound) {
        return stalenessMillis() > bound.toMillis();
    }

    /** Waits until the view has caught up for the first time, at most {@code bound}; false where it did not. */
    public boolean awaitCaughtUp(Duration bound) {
        return false;
    }

    /** Ends its subscription; the last values stay readable and grow stale. */
    @Override
    public void close() {}
}
