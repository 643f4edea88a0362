package io.stockledger.cli.migrate;

import io.stockledger.cli.Converters;
import io.stockledger.cli.Failure;
import io.stockledger.cli.LedgerOptions;
import io.stockledger.cli.Stockledger;
import io.stockledger.cli.Table;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** What the comparison has seen so far, and its page again. Asks no ledger. */
@Command(name = "report", description = "Says what the comparison has seen so far, and writes its page again.",
        footer = {"%nExample:", "  stockledger migrate report"})
final class Report implements Callable<Integer> {
    private static final int DRIFTS_SHOWN_MAX = 20;

    @Mixin
    private Folder folder;

    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() {
        Story story = Story.of(Observations.read(folder.observations()));
        if (story.looks().isEmpty()) {
            throw new Failure("there is no comparison in " + folder.observations() + " yet; begin one with 'stockledger migrate compare'");
        }
        DriftPage.write(folder.page(), story);
        tell(ledger, story);
        if (!ledger.json()) {
            ledger.out().println();
            ledger.out().println("The page: " + folder.page());
        }
        return Stockledger.DONE;
    }

    static void tell(LedgerOptions ledger, Story story) {
        Story.Trust trust = story.trust("", Story.TRUST_DEFAULT_LENGTH);
        if (ledger.json()) {
            ledger.out().println("{\"clean_seconds\":" + trust.clean().toSeconds() + ",\"cron_lag_seconds\":" + story.lag().toSeconds()
                    + ",\"drifts_beyond_lag\":" + trust.beyond() + ",\"drifting_now\":" + trust.open()
                    + String.format(Locale.ROOT, ",\"worst_place_drifts\":%.4f", trust.often().share()) + ",\"places_only_ledger_has_compared\":" + !story.isPartial()
                    + "}");
            return;
        }
        ledger.out().println(sentence(story));
        ledger.out().println(scope(story));
        if (story.open().isEmpty()) {
            return;
        }
        ledger.out().println();
        List<Drift> longest = story.open().stream().sorted(Comparator.comparing(Drift::began)).toList();
        Table table = new Table().text("DRIFTS NOW").text("LOCATION").number("OLD").number("LEDGER").text("SINCE");
        longest.stream().limit(DRIFTS_SHOWN_MAX).forEach(drift -> table.row(drift.place().sku(), drift.place().location(),
                drift.last().old(), drift.last().ledger(), Converters.shown(drift.began())));
        table.print(ledger.out());
        if (longest.size() > DRIFTS_SHOWN_MAX) {
            ledger.out().println("and " + Table.grouped(longest.size() - DRIFTS_SHOWN_MAX) + " more; the page shows them");
        }
    }

    /** The figure that the whole comparison is made for. */
    static String sentence(Story story) {
        Story.Trust trust = story.trust("", Story.TRUST_DEFAULT_LENGTH);
        String lag = Durations.shown(story.lag());
        String clean = "No drift beyond the cron's own lag (" + lag + ") for " + Durations.shown(trust.clean());
        return (isDrifting(trust) ? "It drifts now by more than the cron's own lag (" + lag + ") explains" : clean)
                + "; before that " + Table.grouped(trust.beyond()) + (trust.beyond() == 1 ? " such drift; " : " such drifts; ")
                + trust.differing() + "; " + trust.often() + ".";
    }

    /** Whether it says that something is wrong. */
    static boolean isBad(Story story) {
        Story.Trust trust = story.trust("", Story.TRUST_DEFAULT_LENGTH);
        return isDrifting(trust) || !trust.often().isBearable();
    }

    private static boolean isDrifting(Story.Trust trust) {
        return trust.clean().isZero() && trust.open() > 0;
    }

    /** What was compared, and what was not. */
    static String scope(Story story) {
        return "Compared are " + Table.grouped(story.named().size()) + (story.named().size() == 1 ? " place" : " places") + " that the source has ever named"
                + (story.isPartial() ? "; what only the ledger has is not (--partial)." : ", and all that only the ledger has.");
    }
}
