package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.v1.Stock;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Two customers, one last unit: the same crowd against copied counts, then against the ledger. */
@Command(name = "demo",
        description = {"Sells a few units to a crowd on two channels: from copied counts, then from the ledger.", "",
            "The first part runs here, with a job that copies the counts as a cron job would, time compressed. The second runs "
                + "against the ledger at --target, with a SKU of its own. Every figure is counted from what happened."},
        footer = {"%nExample:", "  stockledger demo"})
final class Demo implements Callable<Integer> {
    private static final List<String> CHANNELS = List.of("web", "marketplace");
    private static final Duration SPAN = Duration.ofSeconds(4);
    private static final Duration JOB_EVERY = Duration.ofMillis(1_500);

    /** One second here is ten minutes there: the job runs every 15 minutes. */
    private static final int COMPRESSION = 600;

    /** Should luck let the copied counts get through a round, there are others. */
    private static final int CRON_ROUNDS_MAX = 3;

    @Option(names = "--units", paramLabel = "N", defaultValue = "6", description = "Units on the shelf (default: ${DEFAULT-VALUE}).")
    private int units;

    @Option(names = "--shoppers", paramLabel = "N", defaultValue = "40", description = "How many want one (default: ${DEFAULT-VALUE}).")
    private int shoppers;

    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() throws InterruptedException {
        if (units < 1 || units > 1_000 || shoppers < 1 || shoppers > 10_000) {
            throw new Failure("--units must be 1 to 1,000 and --shoppers 1 to 10,000");
        }
        PrintWriter out = ledger.json() ? ledger.err() : ledger.out();
        Random random = new Random();
        List<Tally> tallies = new ArrayList<>();
        // First of all, so that nobody sits through the first part to hear that
        // there will be no second.
        try (LedgerClient client = ledger.connect()) {
            String sku = "demo-" + UUID.randomUUID().toString().substring(0, 8);
            tell(out, units + " units, " + shoppers + " shoppers within " + SPAN.toSeconds() + " s, two channels: " + String.join(", ", CHANNELS));
            Crowd crowd;
            Tally cron;
            int round = 0;
            do {
                round++;
                crowd = Crowd.of(shoppers, CHANNELS, SPAN, random);
                tell(out, "");
                tell(out, "1. Copied counts: a job copies them every " + JOB_EVERY.multipliedBy(COMPRESSION).toMinutes()
                        + " minutes (compressed: 1 s here is " + COMPRESSION / 60 + " minutes there)" + (round > 1 ? ", round " + round : ""));
                cron = new CronWay(units, CHANNELS, JOB_EVERY, COMPRESSION).run(crowd, line -> tell(out, line));
                tallies.add(cron);
            } while (cron.oversold() == 0 && round < CRON_ROUNDS_MAX && shoppers > units);

            tell(out, "");
            tell(out, "2. The ledger at " + ledger.target() + ", SKU " + sku + ": the same crowd, not compressed");
            LedgerWay way = new LedgerWay(client, sku, units);
            tallies.add(way.run(crowd, CHANNELS, line -> tell(out, line)));
            Stock stock = client.stock(sku);
            List<Long> lags = way.lagsMs();
            tell(out, "  the ledger holds: " + stock.getBalancesList().stream()
                    .map(b -> b.getAvailable() + " available, " + b.getReserved() + " reserved, " + b.getCommitted() + " committed")
                    .collect(Collectors.joining("; ")) + (lags.isEmpty() ? "" : "; each sale stood in both views within " + lags.get(lags.size() - 1) + " ms"));
            tell(out, "");
            report(tallies);
            if (!ledger.json()) {
                tell(out, "");
                tell(out, "Look at it: ./stockledger entries " + sku);
            }
        }
        return Stockledger.DONE;
    }

    private void report(List<Tally> tallies) {
        if (ledger.json()) {
            for (Tally t : tallies) {
                ledger.out().println("{\"way\":\"" + t.way() + "\",\"units\":" + t.units() + ",\"confirmed\":" + t.confirmed() + ",\"oversold\":"
                        + t.oversold() + ",\"refused\":" + t.refused() + ",\"count_age_ms_p50\":" + t.ageMs(0.5) + ",\"count_age_ms_max\":"
                        + t.ageMsMax() + "}");
            }
            return;
        }
        Table table = new Table().text("WAY").number("UNITS").number("CONFIRMED").number("OVERSOLD").number("REFUSED")
                .number("COUNT'S AGE, MEDIAN").number("WORST");
        for (Tally t : tallies) {
            table.row(t.way(), t.units(), t.confirmed(), t.oversold(), t.refused(), age(t.ageMs(0.5)), age(t.ageMsMax()));
        }
        table.print(ledger.out());
    }

    private static String age(long ms) {
        return ms < 10_000 ? ms + " ms" : String.format(Locale.ROOT, "%.1f min", ms / 60_000.0);
    }

    // Shoppers tell from threads of their own.
    private static void tell(PrintWriter out, String line) {
        synchronized (out) {
            out.println(line);
            out.flush();
        }
    }
}
