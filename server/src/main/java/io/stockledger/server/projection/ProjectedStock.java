package io.stockledger.server.projection;

import io.stockledger.server.domain.Balance;

/**
 * One SKU's units at one location.
 *
 * @param availableToSell on a channel without an allocation
 * @param sequence of the SKU's last entry that touched the location
 * @param recordedAtMs when that was recorded
 */
public record ProjectedStock(String sku, Balance balance, long availableToSell, long sequence, long recordedAtMs) {}
