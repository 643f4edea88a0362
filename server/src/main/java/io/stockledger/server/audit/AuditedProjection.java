package io.stockledger.server.audit;

import io.stockledger.server.domain.Balance;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** Stock that is kept beside the journal and must be what the entries make: the SQL tables. */
public interface AuditedProjection {
    /** What it says of a SKU; empty where it knows nothing of it, or nothing yet. */
    Optional<Standing> of(String sku) throws SQLException;

    /**
     * One SKU of it, read at one moment.
     *
     * @param sequence the last entry that it reflects
     * @param balances those of each location; one without units and settings may be left out
     */
    record Standing(long sequence, List<Balance> balances) {}
}
