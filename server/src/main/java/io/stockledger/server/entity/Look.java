package io.stockledger.server.entity;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Reservation;
import java.util.List;
import java.util.Optional;

/**
 * Asks for a SKU's stock as it stands after everything submitted before.
 *
 * @param mutationId also look for this mutation, and the reservation that it made; empty: for none
 */
public record Look(String sku, String mutationId, Reply reply) implements Gatherer.Message {
    /** Told what was seen, or why nothing was; once, on any thread and quickly. */
    public interface Reply {
        void seen(Seen seen);

        void failed(Outcome.Failure failure);
    }

    /**
     * What was seen.
     *
     * @param reservation made by the mutation, if it is open
     * @param foundAt sequences of entries that seem to be the mutation's, as the journal will tell
     * @param forgottenThrough it may stand in an entry of the window up to this sequence too; 0: it does not
     * @param mayBeOlder it may stand in an entry of before the window
     * @param asOfMs the ledger's clock: no mutation will be decided at an earlier time
     */
    public record Seen(long sequence, List<Balance> balances, Optional<Reservation> reservation, long[] foundAt,
            long forgottenThrough, boolean mayBeOlder, long asOfMs) {

        /** False: the mutation was not applied, without a look into the journal. */
        public boolean mayBeApplied() {
            return foundAt.length > 0 || forgottenThrough > 0;
        }

        /** False: the SKU never had a reservation of this id; for as long as its journal goes back. */
        public boolean mayHaveReserved() {
            return foundAt.length > 0 || mayBeOlder;
        }
    }
}
