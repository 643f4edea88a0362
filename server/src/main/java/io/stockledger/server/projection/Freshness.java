package io.stockledger.server.projection;

import io.stockledger.server.journal.Cursor;

/**
 * What rows of the projection reflect: the feed up to a cursor, and so everything that was committed before
 * {@code asOfMs}, by the ledger's clock.
 */
public record Freshness(Cursor cursor, long asOfMs) {}
