package io.stockledger.server.entity;

import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Refusal;

/** What came of one mutation. */
public sealed interface Outcome {
    /** It is in the journal. {@code replayed}: it had been before this call. */
    record Applied(Entry entry, boolean replayed) implements Outcome {}

    /** The ledger said no. */
    record Refused(Refusal refusal) implements Outcome {}

    /** It was not decided. */
    record Failed(Failure failure) implements Outcome {}

    /** Why a mutation or a look was not decided; all but {@link #OUTCOME_UNKNOWN} mean not applied by this call. */
    enum Failure {
        /** The id was applied with other content. */
        MUTATION_ID_REUSED,
        /** created_at is older than the window. */
        MUTATION_EXPIRED,
        /** It came later than its not_after. */
        NOT_AFTER_PASSED,
        /** The caller's deadline passed while it waited. */
        DEADLINE_PASSED,
        /** As many mutations wait as may. */
        TOO_MANY_WAITING,
        /** As many look-ups wait as may. */
        TOO_MANY_LOOKUPS,
        /** The store can't be read, or the ledger starts or stops. */
        NOT_STARTED,
        /** The write failed or its answer was lost: it may be in the journal. */
        OUTCOME_UNKNOWN,
        /** A row of the SKU's past is not what was written: nothing is decided on it. */
        JOURNAL_DAMAGED
    }
}
