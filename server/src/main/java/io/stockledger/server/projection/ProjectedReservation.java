package io.stockledger.server.projection;

import io.stockledger.server.domain.Reservation;

/**
 * One reservation, open or closed.
 *
 * @param recordedAtMs when its last entry was recorded
 */
public record ProjectedReservation(String sku, Reservation reservation, long recordedAtMs) {}
