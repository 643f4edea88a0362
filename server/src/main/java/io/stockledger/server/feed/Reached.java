package io.stockledger.server.feed;

import io.stockledger.server.journal.Position;

/**
 * Where the feed stands: everything that was committed before {@code completeTimeMs}, by the ledger's clock, is in the
 * rows up to this position; 0 where that is not known yet.
 */
public record Reached(Position position, long completeTimeMs) {}
