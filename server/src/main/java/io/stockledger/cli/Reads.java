package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.v1.Entry;
import io.stockledger.v1.GetMutationResponse;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.Stock;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs that only look. */
final class Reads {
    private Reads() {
    }

    @Command(name = "stock", description = "Says what stands on the shelves, exact: it reflects every mutation answered before.",
            footer = {"%nExample:", "  stockledger stock MUG", "  stockledger stock MUG PEN --channel web --json"})
    static final class StockVerb implements Callable<Integer> {
        @Parameters(paramLabel = "SKU", arity = "1..*", description = "The SKUs.")
        private List<String> skus;

        @Option(names = "--channel", paramLabel = "NAME", defaultValue = "",
                description = "The channel that 'available to sell' is for (default: one without an allocation).")
        private String channel;

        @Option(names = "--location", paramLabel = "NAME", defaultValue = "", description = "Only this location (default: all).")
        private String location;

        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            try (LedgerClient client = ledger.connect()) {
                List<Stock> stocks = skus.size() > 1 && location.isEmpty()
                        ? client.stocks(skus, channel)
                        : skus.stream().map(sku -> client.stock(sku, channel, location)).toList();
                for (Stock stock : stocks) {
                    if (ledger.json()) {
                        ledger.out().println(Json.line(stock));
                    } else {
                        Shown.stock(ledger.out(), stock, channel);
                    }
                }
            }
            return Stockledger.DONE;
        }
    }

    @Command(name = "entries", description = "Lists a SKU's entries in order, straight from the journal.",
            footer = {"%nExample:", "  stockledger entries MUG", "  stockledger entries MUG --from-sequence 1000001 --limit 20"})
    static final class EntriesVerb implements Callable<Integer> {
        @Parameters(paramLabel = "SKU", description = "The SKU.")
        private String sku;

        @Option(names = "--from-sequence", paramLabel = "N", defaultValue = "1", description = "The first entry wanted (default: ${DEFAULT-VALUE}).")
        private long from;

        @Option(names = "--limit", paramLabel = "N", defaultValue = "1000", description = "At most so many (default: ${DEFAULT-VALUE}).")
        private long limit;

        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            if (limit < 1 || limit == Long.MAX_VALUE) {
                throw new Failure("--limit must be 1 or more");
            }
            try (LedgerClient client = ledger.connect()) {
                Table table = Shown.entries();
                Iterator<Entry> entries = client.entries(sku, from).limit(limit + 1).iterator();
                long shown = 0;
                while (shown < limit && entries.hasNext()) {
                    Entry entry = entries.next();
                    shown++;
                    if (ledger.json()) {
                        ledger.out().println(Json.line(entry));
                    } else {
                        Shown.entry(table, entry);
                    }
                }
                if (!ledger.json() && shown > 0) {
                    table.print(ledger.out());
                } else if (!ledger.json()) {
                    ledger.out().println(Table.printable(sku) + ": the ledger holds no entry of it" + (from > 1 ? " from sequence " + from + " on" : ""));
                }
                if (entries.hasNext()) {
                    ledger.out().flush();
                    ledger.err().println("stockledger: more follow; go on with --from-sequence " + entries.next().getSequence());
                }
            }
            return Stockledger.DONE;
        }
    }

    @Command(name = "reservation", description = "Shows a reservation, open or closed, and what became of its units.",
            footer = {"%nExample:", "  stockledger reservation MUG cart-1"})
    static final class ReservationVerb implements Callable<Integer> {
        @Parameters(paramLabel = "SKU", description = "The SKU.")
        private String sku;

        @Parameters(paramLabel = "ID", description = "The id of the reserve.")
        private String id;

        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            try (LedgerClient client = ledger.connect()) {
                Reservation reservation = client.reservation(sku, id).orElseThrow(() -> new Failure(
                        Table.printable(sku) + " has no reservation " + Table.printable(id)));
                if (ledger.json()) {
                    ledger.out().println(Json.line(reservation));
                } else {
                    Shown.reservation(ledger.out(), reservation, reservation.getSequence());
                }
            }
            return Stockledger.DONE;
        }
    }

    @Command(name = "mutation", description = "Says what became of a mutation: applied, not applied, or never to be.",
            footer = {"%nExample:", "  stockledger mutation MUG cart-1"})
    static final class MutationVerb implements Callable<Integer> {
        @Parameters(paramLabel = "SKU", description = "The SKU.")
        private String sku;

        @Parameters(paramLabel = "ID", description = "The mutation's id.")
        private String id;

        @Option(names = "--not-after", paramLabel = "TIME", description = "The mutation's not_after: once it has passed the answer is final.")
        private Optional<Instant> notAfter = Optional.empty();

        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            try (LedgerClient client = ledger.connect()) {
                GetMutationResponse answer = notAfter.map(time -> client.mutation(sku, id, time)).orElseGet(() -> client.mutation(sku, id));
                if (ledger.json()) {
                    ledger.out().println(Json.line(answer));
                    return Stockledger.DONE;
                }
                ledger.out().println(Table.printable(sku) + " mutation " + Table.printable(id) + ": " + switch (answer.getState()) {
                    case MUTATION_STATE_APPLIED -> "applied";
                    case MUTATION_STATE_NOT_APPLIED -> "not applied; a copy under way may still be decided";
                    case MUTATION_STATE_NEVER -> "not applied, and never will be";
                    case MUTATION_STATE_UNSPECIFIED, UNRECOGNIZED -> "a state that this version does not know (" + answer.getStateValue() + ")";
                });
                if (answer.hasEntry()) {
                    Table table = Shown.entries();
                    Shown.entry(table, answer.getEntry());
                    table.print(ledger.out());
                }
            }
            return Stockledger.DONE;
        }
    }
}
