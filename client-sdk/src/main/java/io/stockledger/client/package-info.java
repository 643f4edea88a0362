/**
 * The Java client of the ledger: calls and batched mutations ({@link io.stockledger.client.LedgerClient}), the feed
 * ({@link io.stockledger.client.Subscription}) and a local projection that it keeps fresh
 * ({@link io.stockledger.client.StockView}). The words are those of {@code stockledger.v1}, whose messages pass
 * through as they are.
 */
package io.stockledger.client;
