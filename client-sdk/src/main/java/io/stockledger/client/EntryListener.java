package io.stockledger.client;

import io.stockledger.v1.ChainHead;
import io.stockledger.v1.Entry;
import io.stockledger.v1.Stock;
import java.util.List;

/**
 * What a subscriber does with the feed. All methods of one listener are called on one thread, the subscription's own,
 * one at a time. The next message is asked for only after the method returns: take as long as you need, it stalls
 * your stream and nothing else.
 *
 * <p>A consumer that must survive its own end stores {@link FeedProgress#cursor()} together with what the entries did
 * to it, in one transaction, and comes back with it ({@code SubscribeRequest.after_cursor}). A method that throws
 * ends the subscription ({@link #onFailed}), with the cursor before the message: nothing is passed over. With a named
 * subscription the ledger keeps the cursor: it is told once a method has returned.
 */
public interface EntryListener {

    /**
     * Committed entries: per SKU in order, none skipped, none twice from this subscription.
     *
     * @param entries at least one
     * @param progress the cursor after the last of them
     */
    void onEntries(List<Entry> entries, FeedProgress progress);

    /**
     * Parked entries of a named subscription that were asked to be sent once more; later entries of their SKUs may have
     * been applied. Unless told otherwise they are taken as entries are.
     */
    default void onRetried(List<Entry> entries, FeedProgress progress) {
        onEntries(entries, progress);
    }

    /** The named subscription was rewound: entries that were told come again from here on, or some are passed over. */
    default void onRewound() {}

    /**
     * Initial stock begins; only where the subscription asked for it. Called again where it had to begin anew (the
     * connection broke in its middle, or the ledger no longer knows the cursor): forget the stock told before.
     */
    default void onStockBegins() {}

    /**
     * Initial stock of some SKUs: balances and the sequence that they reflect. A SKU at thousands of locations comes in
     * parts, one behind the other: the same sequence, other locations.
     */
    default void onStock(List<Stock> stocks) {}

    /**
     * Where the chains of some SKUs stand; only where the subscription asked for it ({@code chain_heads}). Kept where
     * the ledger can't reach them, they bear witness against a rewritten history: {@link LedgerClient#auditHeads}.
     */
    default void onChainHeads(List<ChainHead> heads, FeedProgress progress) {}

    /** All initial stock has been told; the entries after it follow. */
    default void onStockComplete(FeedProgress progress) {}

    /** Everything committed so far has been delivered; from here on each entry comes as it commits. */
    default void onCaughtUp(FeedProgress progress) {}

    /**
     * No longer caught up: the connection broke, or the ledger has more than it could send yet. The subscription
     * resumes by itself; {@link #onCaughtUp} follows.
     */
    default void onFallenBehind() {}

    /** Nothing happened, but time passed: the cursor and the times move on. */
    default void onHeartbeat(FeedProgress progress) {}

    /**
     * The subscription ended for good: the ledger refused it, a gap was found, or this listener threw. Not called
     * after {@link Subscription#close()}.
     */
    default void onFailed(LedgerException error) {}
}
