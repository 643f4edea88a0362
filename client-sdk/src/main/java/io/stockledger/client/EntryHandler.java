package io.stockledger.client;

import io.stockledger.v1.Entry;

/**
 * What a consumer of a named subscription does with one entry. Called on one thread, the subscription's own. Once it has
 * returned the ledger is told, by itself: see {@link LedgerClient#subscribe(String, EntryHandler)}.
 */
@FunctionalInterface
public interface EntryHandler {

    /**
     * Applies an entry: per SKU in order, and again where it may not have been applied before, after a take-over say. A
     * repeat has the sequence that it had.
     *
     * @throws ParkException where this entry can't be applied: the ledger puts it aside with the reason, and the next
     *     entry follows, also of the same SKU
     */
    void apply(Entry entry);
}
