package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * How long a start takes on a folder that is in use, once after a stop and then after the ledger and its PostgreSQL
 * were killed (kill -9), and how long a hot SKU's first caller waits after such a start: of one that was sold until
 * then, which comes into memory by itself, and of one that lies buried under newer rows, and comes when it is called.
 */
public final class Recovery implements Workload {
    /** Of how many of the newest rows a start wakes SKUs; as it is by default, and said here so that the two agree. */
    private static final int WAKE_ROWS = 5_000;
    /** SKUs that get a newer row each: more rows than a start looks at. */
    private static final int ABOVE = WAKE_ROWS + 1_000;

    @Override
    public String name() {
        return "recovery";
    }

    @Override
    public String group() {
        return "start";
    }

    @Override
    public String about() {
        return "serve to ready on an existing folder, after a stop and after kill -9; then the first sale of a SKU with 1,000,000 entries, sold just before, and long before";
    }

    @Override
    public double seconds(Settings settings) {
        // A start takes 6 s, and what buries a SKU before it 2.
        return 15 + entries(settings) / 100_000.0 + settings.rounds() * (3 * 6 + 2 * (6 + 2));
    }

    @Override
    public void run(Ground ground) throws Exception {
        long entries = entries(ground.settings());
        ServerProcess ledger = ground.ownLedger("stockledger.entity.wake-at-start-rows = " + WAKE_ROWS + "\n");
        ManagedChannel channel = ground.channelTo(ledger.target());
        Sales sales = new Sales(ground.fresh("rc"));
        String big = ground.fresh("BIG");
        String small = ground.fresh("SMALL");
        sales.stockUp(channel, List.of(big, small));
        ground.say(String.format(Locale.ROOT, "fills %,d entries of one SKU", entries));
        Filling.hot(channel, sales, big, entries);
        channel.shutdownNow();

        List<Double> starts = new ArrayList<>();
        List<Double> afterKills = new ArrayList<>();
        List<Double> ofSmall = new ArrayList<>();
        List<Double> ofBig = new ArrayList<>();
        List<Double> difference = new ArrayList<>();
        for (int i = 0; i < ground.settings().rounds(); i++) {
            starts.add(Restarts.startMs(ledger));
            afterKills.add(Restarts.startAfterKillMs(ledger));
            ofSmall.add(Restarts.firstSaleMs(ground, ledger, sales, small));
            afterKills.add(Restarts.startAfterKillMs(ledger));
            ofBig.add(Restarts.firstSaleMs(ground, ledger, sales, big));
            difference.add(ofBig.get(i) - ofSmall.get(i));
        }
        ground.add(Figure.of("recovery-start", "serve to ready, existing folder", starts, "ms").goal(Goal.atMost(3_000))
                .note("from the start of the process, its JVM and its PostgreSQL included, to its open port"));
        ground.add(Figure.of("recovery-start-killed", "serve to ready after kill -9 of ledger and PostgreSQL", afterKills, "ms")
                .goal(Goal.shown("recovery-start"))
                .note("PostgreSQL's own recovery included"));
        ground.add(Figure.of("recovery-first-sale-2", "first sale after such a start, SKU with 2 entries", ofSmall, "ms")
                .note("the server's first call ever: classes are loaded and nothing is compiled"));
        String title = String.format(Locale.ROOT, "first sale after such a start, SKU with %,d entries", entries);
        ground.add(Figure.of("recovery-first-sale-" + entries, title, ofBig, "ms").goal(Goal.shown("recovery-first-sale-2")));
        ground.add(Figure.of("recovery-beside-start", title + ", beside a small SKU's", difference, "ms").goal(Goal.atMost(100))
                .note("the difference of the two above, round by round"));
        buried(ground, ledger, sales, big);
    }

    /** The same where neither SKU is among those that a start wakes by itself, so that its recovery is in the wait. */
    private static void buried(Ground ground, ServerProcess ledger, Sales sales, String big) throws Exception {
        String small = ground.fresh("SMALL");
        List<String> above = IntStream.range(0, ABOVE).mapToObj(i -> ground.fresh("ABOVE")).toList();
        ManagedChannel channel = ground.channelTo(ledger.target());
        sales.stockUp(channel, List.of(small));
        sales.stockUp(channel, above);
        channel.shutdownNow();
        List<Double> ofSmall = new ArrayList<>();
        List<Double> ofBig = new ArrayList<>();
        List<Double> difference = new ArrayList<>();
        for (int i = 0; i < ground.settings().rounds(); i++) {
            bury(ground, ledger, sales, above);
            Restarts.startAfterKillMs(ledger);
            ofSmall.add(Restarts.firstSaleMs(ground, ledger, sales, small));
            // Big was sold in the last round, or by the figures above.
            bury(ground, ledger, sales, above);
            Restarts.startAfterKillMs(ledger);
            ofBig.add(Restarts.firstSaleMs(ground, ledger, sales, big));
            difference.add(ofBig.get(i) - ofSmall.get(i));
        }
        String how = String.format(Locale.ROOT, "%,d newer rows of other SKUs, each another's, were written before each start, which wakes the SKUs that have at"
                + " least a hundredth of the newest %,d (stockledger.entity.wake-at-start-rows)", ABOVE, WAKE_ROWS);
        ground.add(Figure.of("recovery-buried-first-sale-2", "first sale after such a start, SKU with 2 entries, buried", ofSmall, "ms").note(how));
        String title = String.format(Locale.ROOT, "first sale after such a start, SKU with %,d entries, buried", entries(ground.settings()));
        ground.add(Figure.of("recovery-buried-first-sale-" + entries(ground.settings()), title, ofBig, "ms")
                .goal(Goal.shown("recovery-buried-first-sale-2")).note(how));
        ground.add(Figure.of("recovery-buried-beside-start", title + ", beside a small SKU's", difference, "ms").goal(Goal.atMost(100))
                .note("the difference of the two above, round by round"));
    }

    private static void bury(Ground ground, ServerProcess ledger, Sales sales, List<String> above) throws InterruptedException {
        ManagedChannel channel = ground.channelTo(ledger.target());
        Filling.turns(channel, sales, above, above.size());
        channel.shutdownNow();
    }

    private static long entries(Settings settings) {
        return settings.quick() ? 200_000 : 1_000_000;
    }
}
