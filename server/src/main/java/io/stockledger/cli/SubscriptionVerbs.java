package io.stockledger.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.NamedSubscriptions;
import io.stockledger.v1.Consumer;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.NamedSubscription;
import io.stockledger.v1.ParkedEntry;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** The subscriptions that the ledger remembers: how far each is behind, and what an operator does about it. */
@Command(name = "subscriptions", description = "Lists the named subscriptions: how far each is behind, and how many consumers it has.",
        subcommands = {SubscriptionVerbs.Show.class, SubscriptionVerbs.Delete.class, SubscriptionVerbs.Rewind.class,
            SubscriptionVerbs.ParkedVerb.class, SubscriptionVerbs.Retry.class, SubscriptionVerbs.Drop.class},
        footer = {"%nExample:", "  stockledger subscriptions", "  stockledger subscriptions show erp",
            "  stockledger subscriptions rewind erp --to 2026-11-27T18:00:00Z", "  stockledger subscriptions parked erp"})
final class SubscriptionVerbs implements Callable<Integer> {
    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() {
        try (LedgerClient client = ledger.connect()) {
            List<NamedSubscription> all = client.subscriptions().list();
            if (ledger.json()) {
                all.forEach(one -> ledger.out().println(Json.line(one)));
                return Stockledger.DONE;
            }
            if (all.isEmpty()) {
                ledger.out().println("there is no named subscription");
                return Stockledger.DONE;
            }
            Table table = new Table().text("NAME").number("CONSUMERS").number("LAG_ENTRIES").number("LAG").number("PARKED").text("LAST_ACKNOWLEDGED");
            all.forEach(one -> table.row(one.getName(), one.getConsumersCount(), entries(one), time(one.getLag()), one.getParkedEntries(),
                    acknowledged(one)));
            table.print(ledger.out());
        }
        return Stockledger.DONE;
    }

    private static String entries(NamedSubscription one) {
        return Table.grouped(one.getLagEntries()) + (one.getLagIsAtLeast() ? "+" : "");
    }

    private static String time(Duration lag) {
        return lag.getSeconds() < 10 ? lag.getSeconds() + "." + lag.getNanos() / 100_000_000 + " s" : Table.grouped(lag.getSeconds()) + " s";
    }

    private static String acknowledged(NamedSubscription one) {
        return one.hasLastAcknowledgeTime() ? Converters.shown(true, one.getLastAcknowledgeTime()) : "never";
    }

    /** What every verb about one name takes. */
    private abstract static class OfOne implements Callable<Integer> {
        @Parameters(paramLabel = "NAME", converter = Converters.Name.class, description = "The subscription.")
        String name;

        @Mixin
        LedgerOptions ledger;

        @Override
        public Integer call() {
            try (LedgerClient client = ledger.connect()) {
                on(client.subscriptions());
            }
            return Stockledger.DONE;
        }

        abstract void on(NamedSubscriptions subscriptions);

        void say(String what) {
            ledger.out().println(Table.printable(name) + ": " + what);
        }
    }

    @Command(name = "show", description = "Shows one subscription and its consumers.", footer = {"%nExample:", "  stockledger subscriptions show erp"})
    static final class Show extends OfOne {
        @Override
        void on(NamedSubscriptions subscriptions) {
            NamedSubscription one = subscriptions.get(name);
            if (ledger.json()) {
                ledger.out().println(Json.line(one));
                return;
            }
            say(entries(one) + (one.getLagEntries() == 1 ? " entry behind, " : " entries behind, ") + time(one.getLag()) + "; last acknowledged: " + acknowledged(one));
            ledger.out().println("made " + Converters.shown(true, one.getCreateTime()) + ", " + one.getSlots() + " slots, "
                    + (one.getRewinds() == 0 ? "never rewound" : "rewound " + one.getRewinds() + (one.getRewinds() == 1 ? " time" : " times"))
                    + ", " + Table.grouped(one.getParkedEntries()) + " parked");
            if (!one.getFilter().equals(FeedFilter.getDefaultInstance())) {
                ledger.out().println("only " + Table.printable(Json.line(one.getFilter())));
            }
            ledger.out().println("cursor " + Base64.getUrlEncoder().withoutPadding().encodeToString(one.getCursor().toByteArray()));
            if (one.getConsumersCount() > 0) {
                Table table = new Table().text("CONSUMER").number("SLOTS").text("SINCE");
                for (Consumer consumer : one.getConsumersList()) {
                    table.row(consumer.getConsumer(), consumer.getSlots(), Converters.shown(true, consumer.getConnectTime()));
                }
                table.print(ledger.out());
            }
        }
    }

    @Command(name = "delete", description = "Forgets a subscription, its cursor and its parked entries; its consumers end.",
            footer = {"%nExample:", "  stockledger subscriptions delete erp"})
    static final class Delete extends OfOne {
        @Override
        void on(NamedSubscriptions subscriptions) {
            subscriptions.delete(name);
            say("deleted");
        }
    }

    @Command(name = "rewind", description = "Has a subscription go on from elsewhere: its consumers are told the entries from there, again or not at all.",
            footer = {"%nExample:", "  stockledger subscriptions rewind erp --to 2026-11-27T18:00:00Z", "  stockledger subscriptions rewind erp --to beginning"})
    static final class Rewind extends OfOne {
        @Option(names = "--to", paramLabel = "WHERE", required = true,
                description = {"beginning, a time such as 2026-11-27T18:00:00Z (the first entry recorded then or later),", "or a cursor of a watch."})
        private String to;

        @Override
        void on(NamedSubscriptions subscriptions) {
            boolean isTime = to.contains(":") || Converters.isDate(to);
            if (to.equals("beginning")) {
                subscriptions.rewindToBeginning(name);
                say("goes on from the beginning");
            } else if (!isTime) {
                subscriptions.rewind(name, cursor());
                say("goes on from that cursor");
            } else if (subscriptions.rewind(name, time())) {
                say("goes on from the beginning: the ledger holds no entry from before " + Table.printable(to));
            } else {
                say("goes on from " + Table.printable(to));
            }
        }

        private Instant time() {
            try {
                return Converters.instant(to);
            } catch (TypeConversionException e) {
                throw new Failure(Table.printable(e.getMessage()), e);
            }
        }

        private ByteString cursor() {
            return Converters.cursor(to)
                    .orElseThrow(() -> new Failure("--to must be beginning, a time or a cursor, not '" + Table.printable(to) + "'"));
        }
    }

    @Command(name = "parked", description = "Lists the entries that a subscription's consumers could not apply, each with the reason.",
            footer = {"%nExample:", "  stockledger subscriptions parked erp"})
    static final class ParkedVerb extends OfOne {
        @Override
        void on(NamedSubscriptions subscriptions) {
            List<ParkedEntry> parked = subscriptions.parked(name);
            if (ledger.json()) {
                parked.forEach(entry -> ledger.out().println(Json.line(entry)));
            } else if (parked.isEmpty()) {
                say("no entry is parked");
            } else {
                Table table = new Table().text("SKU").number("SEQUENCE").text("PARKED").number("TIMES").text("REASON");
                parked.forEach(entry -> table.row(entry.getSku(), entry.getSequence(), Converters.shown(true, entry.getParkTime()), entry.getTimes(),
                        entry.getReason() + (entry.getRetrying() ? " (being retried)" : "")));
                table.print(ledger.out());
            }
        }
    }

    /** A verb about one parked entry, or all of a name. */
    private abstract static class OfParked extends OfOne {
        @Parameters(index = "1", arity = "0..1", paramLabel = "SKU", description = "The entry's SKU.")
        private Optional<String> sku = Optional.empty();

        @Parameters(index = "2", arity = "0..1", paramLabel = "SEQUENCE", description = "The entry's sequence.")
        private Optional<Long> sequence = Optional.empty();

        @Option(names = "--all", description = "All that are parked, instead of one.")
        private boolean all;

        @Override
        void on(NamedSubscriptions subscriptions) {
            if (all == sequence.isPresent() || sku.isPresent() && sequence.isEmpty()) {
                throw new Failure("name an entry by SKU and SEQUENCE, or --all");
            }
            if (all) {
                List<ParkedEntry> parked = subscriptions.parked(name);
                parked.forEach(entry -> on(subscriptions, entry.getSku(), entry.getSequence()));
                say(done() + Table.grouped(parked.size()) + (parked.size() == 1 ? " entry" : " entries"));
            } else {
                on(subscriptions, sku.orElseThrow(), sequence.orElseThrow());
                say(done() + Table.printable(sku.orElseThrow()) + " sequence " + sequence.orElseThrow());
            }
        }

        abstract void on(NamedSubscriptions subscriptions, String sku, long sequence);

        abstract String done();
    }

    @Command(name = "retry", description = "Has a parked entry sent once more; it stays parked until it has been applied.",
            footer = {"%nExample:", "  stockledger subscriptions retry erp MUG 17", "  stockledger subscriptions retry erp --all"})
    static final class Retry extends OfParked {
        @Override
        void on(NamedSubscriptions subscriptions, String sku, long sequence) {
            subscriptions.retry(name, sku, sequence);
        }

        @Override
        String done() {
            return "sent once more: ";
        }
    }

    @Command(name = "drop", description = "Forgets a parked entry: it is never sent to this subscription again.",
            footer = {"%nExample:", "  stockledger subscriptions drop erp MUG 17"})
    static final class Drop extends OfParked {
        @Override
        void on(NamedSubscriptions subscriptions, String sku, long sequence) {
            subscriptions.drop(name, sku, sequence);
        }

        @Override
        String done() {
            return "dropped: ";
        }
    }
}
