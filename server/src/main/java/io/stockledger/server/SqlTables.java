package io.stockledger.server;

import io.stockledger.server.audit.AuditedProjection;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.projection.DailyMovement;
import io.stockledger.server.projection.ProjectedReservation;
import io.stockledger.server.projection.ProjectedSku;
import io.stockledger.server.projection.ProjectedStock;
import io.stockledger.server.projection.Projection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The projection as the audit sees it. */
record SqlTables(Projection projection) implements AuditedProjection {
    @Override
    public Optional<Standing> of(String sku) throws SQLException {
        return projection.rowsOf(sku).map(SqlTables::standing);
    }

    private static Standing standing(ProjectedSku rows) {
        return new Standing(rows.freshness().cursor(), rows.sequence(),
                rows.stock().stream().map(ProjectedStock::balance).toList(),
                rows.stock().stream().collect(Collectors.toMap(row -> row.balance().location(), ProjectedStock::availableToSell)),
                rows.openReservations().stream().map(ProjectedReservation::reservation).toList(), rows.reservations(),
                rows.dailyMovements().stream().collect(Collectors.toMap(SqlTables::flow, SqlTables::moved)));
    }

    private static Flow flow(DailyMovement row) {
        return new Flow(row.day(), row.location(), row.toLocation(), row.fromBucket(), row.toBucket(), row.kind(), row.channel());
    }

    private static Moved moved(DailyMovement row) {
        return new Moved(row.units(), row.entries());
    }

    @Override
    public Optional<Map<String, Reservation>> reservations(String sku, Collection<String> ids, Cursor atLeast) throws SQLException {
        return projection.reservations(sku, ids)
                .filter(page -> page.freshness().cursor().compareTo(atLeast) >= 0)
                .map(page -> page.rows().stream().map(ProjectedReservation::reservation)
                        .collect(Collectors.toMap(Reservation::id, Function.identity())));
    }
}
