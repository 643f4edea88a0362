package io.stockledger.cli.migrate;

import io.stockledger.cli.Converters;
import io.stockledger.cli.Failure;
import io.stockledger.cli.LedgerOptions;
import io.stockledger.cli.Stockledger;
import io.stockledger.client.Routing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Whether the cron job may go, and what goes with it. */
@Command(name = "retire",
        description = {"Checks that the cron job is no longer needed, and says what to delete and what to keep. Deletes nothing.", "",
            "Exit code 3 where something still stands in the way."},
        footer = {"%nExample:", "  stockledger migrate retire --missed /var/shop/missed.tsv"})
final class Retire implements Callable<Integer> {
    @Option(names = "--trust", paramLabel = "TIME", defaultValue = Story.TRUST_DEFAULT, order = 1,
            description = "How long the comparison must have shown no drift beyond the lag, nor any place that drifted for more than 5 %% of it "
                    + "(default: ${DEFAULT-VALUE}).")
    private Duration required;

    @Option(names = "--missed", paramLabel = "FILE", order = 2, description = "The file of DualWrite: it must hold nothing that is still to be sent.")
    private Optional<Path> missed = Optional.empty();

    @Mixin
    private Folder folder;

    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() {
        Story story = Story.of(Observations.read(folder.observations()));
        List<Routing.Switch> history = Switch.history(folder.routing());
        List<String> inTheWay = new ArrayList<>();
        Optional<Routing.Switch> whole = wholeSwitch(history);
        if (whole.isEmpty()) {
            inTheWay.add("the ledger does not decide everything: 'stockledger migrate switch' tells what it does, and "
                    + "'switch --to ledger', without a prefix or channel, is the last step");
        }
        Story.Trust trust = story.trust("", required);
        if (!trust.compared()) {
            inTheWay.add("nothing was compared yet: 'stockledger migrate compare' does");
        } else if (!trust.holdsFor(required)) {
            inTheWay.add("the comparison shows no drift beyond the lag for " + Durations.shown(trust.clean()) + " (asked for: " + Durations.shown(required) + "), and "
                    + trust.differing() + "; " + trust.often());
        }
        if (!story.isRecent(Instant.now())) {
            inTheWay.add("nobody has compared within a day: run 'stockledger migrate compare' once more");
        }
        missed.ifPresent(file -> inTheWay.addAll(missedIn(file)));
        if (!inTheWay.isEmpty()) {
            ledger.out().println("The cron job is still needed:");
            inTheWay.forEach(one -> ledger.out().println("  - " + one));
            return Stockledger.FOUND;
        }
        String list = list(story, whole.orElseThrow(), trust);
        Path kept = folder.retirement();
        Folder.write(kept, list);
        ledger.out().print(list);
        ledger.out().println("This list: " + kept);
        return Stockledger.DONE;
    }

    /** The switch that gave everything to the ledger, where nothing was taken back since. */
    private static Optional<Routing.Switch> wholeSwitch(List<Routing.Switch> history) {
        for (int i = history.size() - 1; i >= 0; i--) {
            Routing.Switch made = history.get(i);
            if (made.to() == Routing.Decider.OLD_PATH) {
                return Optional.empty();
            }
            if (made.skuPrefix().isEmpty() && made.channel().isEmpty()) {
                return Optional.of(made);
            }
        }
        return Optional.empty();
    }

    private static List<String> missedIn(Path file) {
        if (!Files.exists(file) && !Files.exists(beside(file, ".lock"))) {
            throw new Failure("no DualWrite has ever kept its missed mutations in " + file + "; name the file that the shop's process opens");
        }
        List<String> inTheWay = new ArrayList<>();
        if (holdsSomething(file) || holdsSomething(beside(file, ".resending"))) {
            inTheWay.add(file + " holds mutations that the ledger has missed: send them again (DualWrite.resend)");
        }
        for (Path aside : List.of(beside(file, ".too-old"), beside(file, ".unreadable"))) {
            if (holdsSomething(aside)) {
                inTheWay.add(aside + " holds mutations that were not sent again: count those shelves, then move the file away");
            }
        }
        return inTheWay;
    }

    /** DualWrite keeps its other files beside the first. */
    private static Path beside(Path file, String end) {
        return file.resolveSibling(file.getFileName() + end);
    }

    private static boolean holdsSomething(Path file) {
        try {
            return Files.exists(file) && Files.size(file) > 0;
        } catch (IOException e) {
            throw new Failure(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static String list(Story story, Routing.Switch whole, Story.Trust trust) {
        String source = story.begun().map(Observation.Begun::source).orElse("the old figures");
        return """
                The cron job can go. The ledger has decided everything since %s;
                the comparison shows no drift beyond the lag for %s.
                %s

                Delete, in this order, each when the one before has been quiet for a while:
                  1. the cron job that makes %s
                  2. in the shop's code: the old decision, the calls of Routing, then of DualWrite and of what
                     kept the old tables up to date; and the file of missed mutations
                  3. the tables and columns of copied counts, and the old count itself once nothing reads it
                  4. the old database's login that import and compare used

                Keep:
                  - this folder: what was imported, what was compared, who switched what and why
                  - the old system's sales and receipts: they are the past before the ledger's first entry
                  - the ledger's own audit, which replays it against itself in the background, in place of this
                    comparison: stockledger_audit_findings > 0 is to wake somebody; at any time ./stockledger audit
                  - channels read the feed (StockView): its staleness is what to watch in place of the job's runs
                """.formatted(Converters.shown(whole.at()), Durations.shown(trust.clean()), Report.scope(story), source);
    }
}
