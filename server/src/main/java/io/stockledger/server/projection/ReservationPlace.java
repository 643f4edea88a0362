package io.stockledger.server.projection;

/** A place in the order of reservations: by SKU, then id. */
public record ReservationPlace(String sku, String reservationId) {}
