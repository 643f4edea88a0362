package io.stockledger.client;

/**
 * Told by a stock view when a SKU falls below a number of units available to sell; see
 * {@link StockView.Builder#onBelow}. All calls of one view come on one thread, its subscription's: take no longer than
 * needed, the view waits. One that throws ends the view ({@code LISTENER_FAILED}).
 */
@FunctionalInterface
public interface LowStockListener {

    /**
     * It is below now and was not before; told once, and again only after it had risen. A SKU that is below when the
     * view first sees it is told too.
     */
    void onBelow(String sku, long availableToSell);

    /** It is no longer below. */
    default void onRisen(String sku, long availableToSell) {}
}
