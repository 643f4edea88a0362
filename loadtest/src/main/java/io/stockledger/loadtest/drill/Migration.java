package io.stockledger.loadtest.drill;

import io.stockledger.client.DualWrite;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.client.Routing;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Stock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * A shop's way from its cron job to the ledger, on its own log, with the real verbs: the log under the job alone, and
 * under the ledger alone, to know what each oversells; then the migration, from the import to the retirement, with a
 * ledger that is away in the middle of it, and a step back.
 */
final class Migration {
    private static final List<String> CHANNELS = List.of("web", "marketplace");
    private static final Duration VERB_MAX = Duration.ofSeconds(60);
    private static final Duration STEP_MAX = Duration.ofSeconds(120);

    private final Ground ground;
    private final Path file;
    private final long opening;
    private final Duration lag;
    private final Duration trust;
    private final Path folder;
    private final ServerProcess ledger;
    /** A shop has a database of its own; here it is that of a second, idle ledger. */
    private final String shopJdbc;
    private int verbs;

    private record Ended(int code, String said) {
    }

    /**
     * @param opening units of each SKU at first, and after each Monday
     * @param lag what the comparison allows the job, by this machine's clock: it runs far more often here
     * @param trust how long the comparison must hold before a switch
     */
    Migration(Ground ground, Path file, long opening, Duration lag, Duration trust) {
        this.ground = ground;
        this.file = file;
        this.opening = opening;
        this.lag = lag;
        this.trust = trust;
        this.folder = ground.folder().resolve("migration");
        this.shopJdbc = ground.server().jdbc();
        this.ledger = ground.server();
    }

    void run() throws Exception {
        Orders orders = Orders.read(file);
        ground.say("%,d lines in %,d orders of %,d SKUs, two channels; %,d units of each SKU at first", orders.lines(), orders.all().size(),
                orders.skus().size(), opening);
        ShopRun.Tally cron = underTheJobAlone(orders);
        ground.say("the cron job alone:  %s", cron);
        ShopRun.Tally alone = underTheLedgerAlone(orders);
        ground.say("the ledger alone:    %s", alone);
        ground.check(cron.oversold > 0 && alone.oversold == 0, "the job oversells %,d times in this log, the ledger %d times", cron.oversold, alone.oversold);
        migrate(orders);
    }

    private ShopRun.Tally underTheJobAlone(Orders orders) throws Exception {
        try (LegacyShop shop = new LegacyShop(shopJdbc, "shop_alone", orders.skus(), CHANNELS, opening)) {
            ShopRun run = new ShopRun(opening, Optional.of(shop), Optional.empty(), Optional.empty(), (sku, channel) -> Routing.Decider.OLD_PATH);
            run.work(orders.all());
            return run.tally();
        }
    }

    private ShopRun.Tally underTheLedgerAlone(Orders orders) throws Exception {
        // A ledger of its own, since these are the SKUs that are imported later.
        ServerProcess other = ground.server();
        LedgerClient client = ground.client(other.target());
        List<CompletableFuture<Outcome>> stocked = new ArrayList<>();
        orders.skus().forEach(sku -> stocked.add(client.submit(Mutations.receive(sku, opening).build())));
        stocked.forEach(CompletableFuture::join);
        ShopRun run = new ShopRun(opening, Optional.empty(), Optional.of(client), Optional.empty(), (sku, channel) -> Routing.Decider.LEDGER);
        run.work(orders.all());
        other.stop();
        return run.tally();
    }

    private void migrate(Orders orders) throws Exception {
        LegacyShop shop = ground.keep(new LegacyShop(shopJdbc, "shop", orders.skus(), CHANNELS, opening));
        ended("import", "--name", "opening", "--jdbc", shopJdbc, "--query", "SELECT sku, quantity FROM shop.warehouse", 0);
        ended("import", "--name", "opening", "--jdbc", shopJdbc, "--query", "SELECT sku, quantity FROM shop.warehouse", 0);
        LedgerClient client = ground.client(ledger.target());
        ground.check(equal(client, shop, orders), "the import, run twice, brought each SKU in once");

        // Its patience is short, so that a ledger which is away is missed and not waited for.
        LedgerClient following = ground.keep(LedgerClient.builder(ledger.target()).callTimeout(Duration.ofSeconds(2))
                .mutationTimeout(Duration.ofSeconds(2)).maxInFlight(40_000).build());
        DualWrite dual = ground.keep(DualWrite.open(following, ground.folder().resolve("missed.tsv")));
        Routing routing = Routing.load(folder.resolve("routing.tsv"));
        ShopRun run = new ShopRun(opening, Optional.of(shop), Optional.of(client), Optional.of(dual), routing::decides);
        Process compare = compare();
        int n = orders.all().size();

        run.work(orders.all().subList(0, n * 3 / 10));
        dual.awaitSettled(Duration.ofSeconds(60));
        phase(shop, "the ledger follows", run);
        theLedgerIsAway(orders.all().subList(n * 3 / 10, n * 35 / 100), shop, run, dual);
        Ended early = verb("switch", "--prefix", "2", "--to", "ledger", "--trust", trust.toSeconds() + "s");
        ground.check(early.code() == 1 && early.said().contains("not switched"), "right after a drift the switch is refused");
        run.work(orders.all().subList(n * 35 / 100, n / 2));
        phase(shop, "the ledger follows", run);

        switched(dual, "--prefix", "2");
        run.work(orders.all().subList(n / 2, n * 6 / 10));
        phase(shop, "it decides about SKUs 2...", run);
        switched(dual, "--channel", "marketplace");
        run.work(orders.all().subList(n * 6 / 10, n * 7 / 10));
        phase(shop, "and about the marketplace", run);
        ended("switch", "--back", 0);
        TimeUnit.MILLISECONDS.sleep(1_100);
        run.work(orders.all().subList(n * 7 / 10, n * 75 / 100));
        phase(shop, "back: the old path decides", run);
        switched(dual);
        run.work(orders.all().subList(n * 75 / 100, n));
        ShopRun.Tally last = phase(shop, "the ledger decides all", run);
        ground.check(last.byOldPath == 0 && last.oversold == 0, "since the ledger decides everything, nothing is oversold");

        retire(compare);
        ground.check(equal(client, shop, orders), "at the end the ledger and the old tables say the same of each SKU");
        ground.say("the page: %s", folder.resolve("drift.html"));
    }

    /** The shop goes on selling without the ledger; what it missed is found, seen, and sent again. */
    private void theLedgerIsAway(List<Orders.Order> orders, LegacyShop shop, ShopRun run, DualWrite dual) throws Exception {
        ledger.kill();
        run.work(orders);
        dual.awaitSettled(STEP_MAX);
        phase(shop, "the ledger is away", run);
        long missed = dual.missed().size();
        ledger.start();
        ground.check(missed > 0 && dual.counts().lost() == 0, "the shop sold on without the ledger, which missed %,d mutations, all kept", missed);
        ground.check(Ground.await(STEP_MAX, () -> observed("drifting") > 0), "the comparison shows the drift");
        TimeUnit.NANOSECONDS.sleep(lag.plusSeconds(2).toNanos());
        DualWrite.Resent resent = dual.resend();
        for (int i = 0; i < 20 && !dual.missed().isEmpty(); i++) {
            TimeUnit.SECONDS.sleep(1);
            dual.resend();
        }
        ground.check(dual.missed().isEmpty(), "sent again, under their own ids (%,d at once)", resent.applied());
        ground.check(Ground.await(STEP_MAX, () -> observed("settled") > 0), "the comparison shows that the drift has ended");
    }

    /** Switches as soon as the comparison allows it. */
    private void switched(DualWrite dual, String... part) throws Exception {
        dual.awaitSettled(Duration.ofSeconds(60));
        List<String> arguments = new ArrayList<>(List.of("switch", "--to", "ledger", "--trust", trust.toSeconds() + "s"));
        arguments.addAll(List.of(part));
        long end = System.nanoTime() + STEP_MAX.toNanos();
        Ended ended = verb(arguments.toArray(String[]::new));
        while (ended.code() != 0 && System.nanoTime() < end) {
            TimeUnit.SECONDS.sleep(1);
            ended = verb(arguments.toArray(String[]::new));
        }
        ground.check(ended.code() == 0, "switched to the ledger: %s", part.length == 0 ? "everything" : String.join(" ", part));
        // The shop's process looks once a second.
        TimeUnit.MILLISECONDS.sleep(1_100);
    }

    private void retire(Process compare) throws Exception {
        Ended retired = verb("retire", "--trust", trust.toSeconds() + "s", "--missed", ground.folder().resolve("missed.tsv").toString());
        long end = System.nanoTime() + STEP_MAX.toNanos();
        while (retired.code() != 0 && System.nanoTime() < end) {
            TimeUnit.SECONDS.sleep(1);
            retired = verb("retire", "--trust", trust.toSeconds() + "s", "--missed", ground.folder().resolve("missed.tsv").toString());
        }
        compare.destroy();
        ground.check(retired.code() == 0 && retired.said().contains("The cron job can go"), "the job may be retired");
        Ended report = verb("report");
        ground.check(report.code() == 0, "the comparison's last word: %s", report.said().lines().findFirst().orElse(""));
    }

    private ShopRun.Tally phase(LegacyShop shop, String name, ShopRun run) throws SQLException {
        // The shop's clock stands still between the phases, this machine's does not: the job has just run.
        shop.copy();
        ShopRun.Tally tally = run.tally();
        ground.say("%-27s %s", name + ":", tally);
        return tally;
    }

    private static boolean equal(LedgerClient client, LegacyShop shop, Orders orders) throws Exception {
        Map<String, Long> warehouse = shop.warehouse();
        List<Stock> stocks = client.stocks(orders.skus(), "");
        return stocks.stream().allMatch(stock -> warehouse.get(stock.getSku()) == stock.getOnHand());
    }

    private Process compare() {
        long everyMs = Math.max(100, lag.toMillis() / 10);
        Process compare = ledger.verb(ground.folder().resolve("compare.log"), new ArrayList<>(List.of("migrate", "compare", "--jdbc", shopJdbc, "--query",
                "SELECT sku, copied AS quantity FROM shop.channel_stock WHERE channel = 'web'", "--cron-lag", lag.toSeconds() + "s",
                "--every", everyMs + "ms", "--folder", folder.toString())));
        ground.keep(compare::destroy);
        if (!Ground.await(VERB_MAX, () -> observed("looked") > 0)) {
            throw new IllegalStateException("the comparison did not begin");
        }
        return compare;
    }

    /** Observations of a kind so far. */
    private long observed(String what) {
        try {
            return Files.readString(folder.resolve("observations.jsonl")).lines().filter(line -> line.contains("\"what\":\"" + what + "\"")).count();
        } catch (IOException e) {
            return 0;
        }
    }

    private void ended(Object... argumentsAndCode) throws Exception {
        int last = argumentsAndCode.length - 1;
        String[] arguments = java.util.Arrays.copyOf(argumentsAndCode, last, String[].class);
        Ended ended = verb(arguments);
        ground.check(ended.code() == (int) argumentsAndCode[last], "migrate %s: exit code %d%s", arguments[0], ended.code(), ended.code() == 0 ? "" : ", " + ended.said());
    }

    private Ended verb(String... arguments) throws Exception {
        Path output = ground.folder().resolve("verb-" + ++verbs + ".log");
        List<String> all = new ArrayList<>(List.of("migrate"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--folder", folder.toString()));
        Process process = ledger.verb(output, all);
        if (!process.waitFor(VERB_MAX.toSeconds(), TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IllegalStateException("migrate " + arguments[0] + " did not end");
        }
        return new Ended(process.exitValue(), Files.readString(output));
    }
}
