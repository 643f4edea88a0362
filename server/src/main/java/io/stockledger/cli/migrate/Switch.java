package io.stockledger.cli.migrate;

import io.stockledger.cli.Converters;
import io.stockledger.cli.Failure;
import io.stockledger.cli.LedgerOptions;
import io.stockledger.cli.Stockledger;
import io.stockledger.cli.Table;
import io.stockledger.client.Routing;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Moves the decision to the ledger, or back, for a part of the shop; and tells who decides. */
@Command(name = "switch",
        description = {"Says who decides about which SKUs and channels: the ledger or the old path. Without --to or --back it only tells.", "",
            "Each switch is a line at the end of routing.tsv in the folder; the last one that takes in a SKU and channel decides. The shop's "
                + "processes read it (Routing, in the client library) and follow within a second. Towards the ledger it asks the comparison "
                + "first, about the SKUs that are switched; a shelf is one for all channels, so for --channel it asks about them all together. "
                + "The way back asks nothing."},
        footer = {"%nExamples:", "  stockledger migrate switch --prefix MUG --to ledger", "  stockledger migrate switch --channel web --to ledger",
            "  stockledger migrate switch --prefix MUG --back", "  stockledger migrate switch --back       everything, at once",
            "  stockledger migrate switch              who decides, and since when"})
final class Switch implements Callable<Integer> {
    @Option(names = "--prefix", paramLabel = "TEXT", defaultValue = "", order = 1, description = "Only SKUs that begin so.")
    private String prefix;

    @Option(names = "--channel", paramLabel = "NAME", defaultValue = "", order = 2, description = "Only this channel.")
    private String channel;

    @Option(names = "--to", paramLabel = "WHOM", order = 3, description = "Who decides from now on: ledger, or old-path.")
    private Optional<String> to = Optional.empty();

    @Option(names = "--back", order = 4, description = "The same as --to old-path.")
    private boolean back;

    @Option(names = "--trust", paramLabel = "TIME", defaultValue = Story.TRUST_DEFAULT, order = 5,
            description = "How long the comparison must have shown no drift beyond the lag, nor any place that drifted for more than 5 %% of it "
                    + "(default: ${DEFAULT-VALUE}).")
    private Duration required;

    @Option(names = "--force", order = 6, description = "Switch although it has not.")
    private boolean force;

    @Mixin
    private Folder folder;

    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() {
        Path file = folder.routing();
        Optional<Routing.Decider> decider = decider();
        if (decider.isPresent()) {
            String why = switch (decider.get()) {
                case LEDGER -> reason();
                case OLD_PATH -> "back";
            };
            record(file, decider.get(), why);
        }
        tell(history(file));
        return Stockledger.DONE;
    }

    private Optional<Routing.Decider> decider() {
        if (back && to.isPresent()) {
            throw new Failure("--back and --to say the same thing; give one");
        }
        if (back) {
            return Optional.of(Routing.Decider.OLD_PATH);
        }
        if (to.isEmpty() && !(prefix.isEmpty() && channel.isEmpty())) {
            throw new Failure("say --to ledger, --to old-path or --back");
        }
        return to.map(name -> switch (name) {
            case "ledger" -> Routing.Decider.LEDGER;
            case "old-path" -> Routing.Decider.OLD_PATH;
            default -> throw new Failure("--to must be ledger or old-path, not '" + Table.printable(name) + "'");
        });
    }

    /** What speaks for letting the ledger decide; a {@link Failure} where too little does. */
    private String reason() {
        Story story = Story.of(Observations.read(folder.observations()));
        Story.Trust trust = story.trust(prefix, required);
        String seen = seen(story, trust);
        boolean recent = story.isRecent(Instant.now());
        if (trust.holdsFor(required) && recent) {
            return seen;
        }
        if (!recent) {
            seen += story.lastLook().map(look -> ", and nobody has compared since " + Converters.shown(look)).orElse("");
        }
        if (!force) {
            throw new Failure("not switched: " + seen + "; asked for is " + Durations.shown(required)
                    + " (--trust) with nothing that differs, and no place that drifts for more of it than is trusted, up to today; --force switches all the same");
        }
        ledger.err().println("stockledger: switched by force: " + seen);
        return "forced; " + seen;
    }

    private String seen(Story story, Story.Trust trust) {
        if (story.looks().isEmpty()) {
            return "nothing was compared yet";
        }
        if (!trust.compared()) {
            return prefix.isEmpty() ? "no SKU was ever compared" : "no SKU that begins with " + Table.printable(prefix) + " was ever compared";
        }
        return "the comparison shows no drift beyond " + Durations.shown(story.lag()) + " for " + Durations.shown(trust.clean())
                + (trust.open() > 0 ? ", " + trust.differing() : "") + "; " + trust.often()
                + (channel.isEmpty() ? "" : "; it is of all channels together, not of " + Table.printable(channel) + " alone")
                + (story.isPartial() ? "; what only the ledger has was not compared" : "");
    }

    private void record(Path file, Routing.Decider decider, String why) {
        try {
            Routing.record(file, new Routing.Switch(Instant.now(), decider, prefix, channel, System.getProperty("user.name", ""), why));
        } catch (IOException e) {
            throw Folder.cannotWrite(file, e);
        } catch (IllegalArgumentException e) {
            throw new Failure("--prefix and --channel may hold no control characters", e);
        }
    }

    /** All switches so far. */
    static List<Routing.Switch> history(Path file) {
        try {
            return Routing.load(file).history();
        } catch (IOException e) {
            throw new Failure("the routing cannot be read: " + e.getMessage(), e);
        }
    }

    private void tell(List<Routing.Switch> history) {
        if (history.isEmpty()) {
            ledger.out().println("The old path decides everything; nothing was switched yet.");
            return;
        }
        Table table = new Table().text("AT").text("DECIDES").text("SKUS").text("CHANNEL").text("BY").text("WHY");
        history.forEach(made -> table.row(Converters.shown(made.at()), made.to().name().toLowerCase(Locale.ROOT).replace('_', '-'),
                made.skuPrefix().isEmpty() ? "all" : made.skuPrefix() + "...", made.channel().isEmpty() ? "all" : made.channel(), made.by(), made.why()));
        table.print(ledger.out());
        ledger.out().println();
        ledger.out().println("The last line that takes in a SKU and channel decides; what none takes in, the old path decides.");
    }
}
