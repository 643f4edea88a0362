package io.stockledger.server.audit;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Movement;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.Cursor;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Stock that is kept beside the journal and must be what the entries make: the SQL tables. */
public interface AuditedProjection {
    /** What it says of a SKU; empty where it does not say how far it reflects the feed, as before it is first built. */
    Optional<Standing> of(String sku) throws SQLException;

    /**
     * What it says now of some of a SKU's reservations, by id, open or closed; empty where it does not reflect the feed
     * as far as that.
     */
    Optional<Map<String, Reservation>> reservations(String sku, Collection<String> ids, Cursor atLeast) throws SQLException;

    /**
     * One SKU of it, all read at one moment.
     *
     * @param reflects how far of the feed, of whichever SKUs, it has taken over
     * @param sequence the last entry of the SKU that it says it has taken over; 0: none
     * @param balances those of each location; one without units and settings may be left out
     * @param availableToSell what it says may be sold at a location on a channel without an allocation
     * @param openReservations those with something held or committed
     * @param reservations how many it has, open or closed
     * @param dailyMovements what moved, by day
     */
    record Standing(Cursor reflects, long sequence, List<Balance> balances, Map<String, Long> availableToSell,
            List<Reservation> openReservations, long reservations, Map<Flow, Moved> dailyMovements) {}

    /** Units that go from one bucket to another on one day (UTC, when they were recorded); the names are in small letters. */
    record Flow(LocalDate day, String location, String toLocation, String from, String to, String kind, String channel) {
        private static final long DAY_MS = Duration.ofDays(1).toMillis();

        static Flow of(Entry entry, Movement movement) {
            return new Flow(LocalDate.ofEpochDay(Math.floorDiv(entry.recordedAtMs(), DAY_MS)), movement.location(), movement.toLocation(),
                    name(movement.from()), name(movement.to()), name(entry.kind()), entry.channel());
        }

        private static String name(Enum<?> named) {
            return named.name().toLowerCase(Locale.ROOT);
        }
    }

    /** So many units, by so many entries. */
    record Moved(long units, long entries) {
        static final Moved NOTHING = new Moved(0, 0);

        Moved and(Movement movement) {
            return new Moved(units + movement.quantity(), entries + 1);
        }
    }
}
