package io.stockledger.server.projection;

/** Which reservations; empty texts ask for all, and one of the two flags may be set. */
public record ReservationFilter(String sku, String skuPrefix, String location, String channel, boolean openOnly,
        boolean closedOnly) {}
