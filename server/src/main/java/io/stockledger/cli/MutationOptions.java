package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Outcome;
import io.stockledger.v1.Mutation;
import java.time.Instant;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every mutation may carry beside its verb; applies it and tells the outcome. */
final class MutationOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--id", paramLabel = "ID", order = 50,
            description = "The mutation's id, 1 to 64 characters (default: a new one). The same id again gives the first outcome.")
    private Optional<String> id = Optional.empty();

    @Option(names = "--location", paramLabel = "NAME", order = 51, converter = Converters.Name.class,
            description = "Where (default: main; of a reservation: its own).")
    private Optional<String> location = Optional.empty();

    @Option(names = "--channel", paramLabel = "NAME", order = 52, converter = Converters.Name.class, description = "The sales channel.")
    private Optional<String> channel = Optional.empty();

    @Option(names = "--reference", paramLabel = "TEXT", order = 53,
            description = "Your own document: order number, purchase order, transfer.")
    private Optional<String> reference = Optional.empty();

    @Option(names = "--occurred-at", paramLabel = "TIME", order = 54,
            description = "When it happened, for example 2026-11-27T18:00:00Z (default: now).")
    private Optional<Instant> occurredAt = Optional.empty();

    @Option(names = "--expected-sequence", paramLabel = "N", order = 55,
            description = "Decide only if the SKU still stands at this sequence; 0: only if it has no entry.")
    private Optional<Long> expectedSequence = Optional.empty();

    @Mixin
    private LedgerOptions ledger;

    /** Applies the mutation and returns the exit code. */
    int apply(Mutation.Builder mutation) {
        if (id.filter(String::isEmpty).isPresent()) {
            // A script's unset variable must not pass for "a new id, please".
            throw new Failure("--id is empty; leave it out for a new id");
        }
        id.ifPresent(mutation::setMutationId);
        location.ifPresent(mutation::setLocation);
        channel.ifPresent(mutation::setChannel);
        reference.ifPresent(mutation::setReference);
        occurredAt.map(Converters::timestamp).ifPresent(mutation::setOccurredAt);
        expectedSequence.ifPresent(mutation::setExpectedSequence);
        try (LedgerClient client = ledger.connect()) {
            Outcome outcome = client.apply(mutation.build());
            if (ledger.json()) {
                ledger.out().println(Json.line(outcome.toResult()));
            } else {
                Shown.outcome(ledger.out(), spec.name(), mutation.getSku(), outcome);
            }
            return outcome instanceof Outcome.Applied ? Stockledger.DONE : Stockledger.REFUSED;
        }
    }
}
