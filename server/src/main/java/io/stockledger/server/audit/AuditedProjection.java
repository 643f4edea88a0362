package io.stockledger.server.audit;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.Cursor;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** Stock that is kept beside the journal and must be what the entries make: the SQL tables. */
public interface AuditedProjection {
    /** What it says of a SKU; empty where it does not say how far it reflects the feed, as before it is first built. */
    Optional<Standing> of(String sku) throws SQLException;

    /**
     * One SKU of it, all read at one moment.
     *
     * @param reflects how far of the feed, of whichever SKUs, it has taken over
     * @param sequence the last entry of the SKU that it says it has taken over; 0: none
     * @param balances those of each location; one without units and settings may be left out
     * @param reservations those with something held or committed
     */
    record Standing(Cursor reflects, long sequence, List<Balance> balances, List<Reservation> reservations) {}
}
