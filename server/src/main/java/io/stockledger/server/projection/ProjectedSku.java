package io.stockledger.server.projection;

import java.util.List;

/**
 * All that the projection says of one SKU, in one moment of it: to be held against a replay of the SKU's entries up to
 * {@code sequence}, or of its journal rows up to the freshness's cursor.
 *
 * @param sequence of the SKU's last entry that is in it; 0: none is
 * @param stock by location
 * @param reservations by id
 */
public record ProjectedSku(String sku, long sequence, List<ProjectedStock> stock, List<ProjectedReservation> reservations,
        List<DailyMovement> dailyMovements, Freshness freshness) {}
