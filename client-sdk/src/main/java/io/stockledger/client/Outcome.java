package io.stockledger.client;

import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Refusal;
import io.stockledger.v1.RefusalReason;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What the ledger decided about one mutation. A refusal is an outcome like any other, so it is data and never an
 * exception; what could not be decided is a {@link LedgerException}.
 */
public sealed interface Outcome {

    /** The id of the mutation that this answers, the one the client chose where the caller left it empty. */
    String mutationId();

    /** Applied: the entry's sequence. Refused: where the SKU stood when the ledger said no. */
    long sequence();

    /** The same outcome as the message of the contract. */
    MutationResult toResult();

    /**
     * The mutation is in the journal as one entry, for good.
     *
     * @param mutationId the mutation
     * @param sequence the entry's sequence within its SKU
     * @param recordedAt when the ledger recorded it, by its own clock
     * @param replayed true where this id had been applied before: nothing was written now, this is the first outcome
     * @param balances the balances right after the entry, at each location that it touched
     * @param expiresAt when the reservation that it made or extended expires; Reserve and Extend only
     */
    record Applied(
            String mutationId,
            long sequence,
            Instant recordedAt,
            boolean replayed,
            List<LocationBalance> balances,
            Optional<Instant> expiresAt)
            implements Outcome {

        public Applied {
            balances = List.copyOf(balances);
        }

        @Override
        public MutationResult toResult() {
            io.stockledger.v1.Applied.Builder applied = io.stockledger.v1.Applied.newBuilder()
                    .setSequence(sequence)
                    .setRecordedAt(Times.timestamp(recordedAt))
                    .setReplayed(replayed)
                    .addAllBalances(balances);
            expiresAt.ifPresent(time -> applied.setExpiresAt(Times.timestamp(time)));
            return MutationResult.newBuilder().setMutationId(mutationId).setApplied(applied).build();
        }
    }

    /**
     * The ledger said no, and wrote nothing. A refusal is not remembered: the same id asked again is decided afresh.
     *
     * @param mutationId the mutation
     * @param reason why
     * @param available what there was instead of what was asked; EXCEEDS_RESERVATION and INSUFFICIENT_STOCK only
     * @param sequence where the SKU stood when it was decided
     */
    record Refused(String mutationId, RefusalReason reason, long available, long sequence) implements Outcome {

        @Override
        public MutationResult toResult() {
            return MutationResult.newBuilder()
                    .setMutationId(mutationId)
                    .setRefusal(Refusal.newBuilder()
                            .setReason(reason)
                            .setAvailable(available)
                            .setSequence(sequence))
                    .build();
        }
    }
}
