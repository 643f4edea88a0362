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
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The verbs that only look. */
final class Reads {
    private Reads() {
    }

    @Command(name = "stock", description = "Says what stands on the shelves, exact: it reflects every mutation answered before. Or what stood there, with --at.",
            footer = {"%nExample:", "  stockledger stock MUG", "  stockledger stock MUG PEN --channel web --json",
                    "  stockledger stock MUG --at 2026-11-27T18:00:00Z", "  stockledger stock MUG --at 12"})
    static final class StockVerb implements Callable<Integer> {
        @Parameters(paramLabel = "SKU", arity = "1..*", description = "The SKUs.")
        private List<String> skus;

        @Option(names = "--channel", paramLabel = "NAME", defaultValue = "",
                description = "The channel that 'available to sell' is for (default: one without an allocation).")
        private String channel;

        @Option(names = "--location", paramLabel = "NAME", defaultValue = "", description = "Only this location (default: all).")
        private String location;

        @Option(names = "--at", paramLabel = "POINT",
                description = "A point of the past: a time such as 2026-11-27T18:00:00Z, or the sequence of the last entry that counts (default: now).")
        private Optional<Point> at = Optional.empty();

        @Mixin
        private LedgerOptions ledger;

        @Override
        public Integer call() {
            try (LedgerClient client = ledger.connect()) {
                for (Stock stock : stocks(client)) {
                    if (ledger.json()) {
                        ledger.out().println(Json.line(stock));
                    } else if (at.isPresent() && stock.getSequence() == 0) {
                        ledger.out().println(Table.printable(stock.getSku()) + ": the ledger held no entry of it then");
                    } else {
                        Shown.stock(ledger.out(), stock, channel);
                    }
                }
            }
            return Stockledger.DONE;
        }

        private List<Stock> stocks(LedgerClient client) {
            if (at.isPresent()) {
                return skus.stream().map(sku -> at.get().stock(client, sku, channel, location)).toList();
            }
            return skus.size() > 1 && location.isEmpty()
                    ? client.stocks(skus, channel)
                    : skus.stream().map(sku -> client.stock(sku, channel, location)).toList();
        }
    }

    @Command(name = "entries", description = "Lists a SKU's entries in order, straight from the journal.",
            footer = {"%nExample:", "  stockledger entries MUG", "  stockledger entries MUG --from 1000001 --limit 20",
                    "  stockledger entries MUG --from 2026-11-27T00:00:00Z --to 2026-11-27T18:00:00Z"})
    static final class EntriesVerb implements Callable<Integer> {
        @Parameters(paramLabel = "SKU", description = "The SKU.")
        private String sku;

        @Option(names = {"--from", "--from-sequence"}, paramLabel = "POINT", defaultValue = "1",
                description = {"The first entry wanted: its sequence, or the time from which on it was recorded,",
                    "such as 2026-11-27T18:00:00Z (default: ${DEFAULT-VALUE})."})
        private Point from;

        @Option(names = "--to", paramLabel = "POINT",
                description = "The last entry wanted: its sequence, or the time up to which it was recorded (default: all).")
        private Optional<Point> to = Optional.empty();

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
                OptionalLong start = from.firstSequence(client, sku);
                if (start.isEmpty()) {
                    tell(Table.printable(sku) + ": no entry is from then on, since that time has not come yet");
                    return Stockledger.DONE;
                }
                long first = start.getAsLong();
                Iterator<Entry> entries = client.entries(sku, first)
                        .takeWhile(entry -> to.isEmpty() || !to.get().isBefore(entry)).limit(limit + 1).iterator();
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
                } else if (shown == 0) {
                    tell(Table.printable(sku) + ": the ledger holds no entry of it"
                            + (to.isPresent() ? " there" : first > 1 ? " from sequence " + first + " on" : ""));
                }
                if (entries.hasNext()) {
                    ledger.out().flush();
                    ledger.err().println("stockledger: more follow; go on with --from " + entries.next().getSequence());
                }
            }
            return Stockledger.DONE;
        }

        /** To people: a program sees that no line came. */
        private void tell(String why) {
            if (!ledger.json()) {
                ledger.out().println(why);
            }
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
