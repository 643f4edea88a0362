package io.stockledger.server.projection;

import java.util.OptionalLong;

/**
 * Which rows of stock; empty texts ask for all.
 *
 * @param availableBelow those with fewer units AVAILABLE
 */
public record StockFilter(String skuPrefix, String location, OptionalLong availableBelow) {}
