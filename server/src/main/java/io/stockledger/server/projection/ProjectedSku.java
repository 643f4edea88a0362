package io.stockledger.server.projection;

import java.util.List;

/**
 * What the projection says of one SKU, in one moment of it: to be held against a replay of the SKU's entries up to
 * {@code sequence}, or of its journal rows up to the freshness's cursor.
 *
 * @param sequence of the SKU's last entry that is in it; 0: none is
 * @param stock by location
 * @param openReservations those with something held or committed, by id
 * @param reservations how many there are, open or closed
 */
public record ProjectedSku(String sku, long sequence, List<ProjectedStock> stock, List<ProjectedReservation> openReservations,
        long reservations, List<DailyMovement> dailyMovements, Freshness freshness) {}
