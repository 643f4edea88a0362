package io.stockledger.cli.migrate;

import io.stockledger.cli.Converters;
import io.stockledger.cli.Failure;
import io.stockledger.cli.LedgerOptions;
import io.stockledger.cli.Stockledger;
import io.stockledger.cli.Table;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Subscription;
import io.stockledger.v1.SubscribeRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Holds the ledger's feed against the figures that the cron job makes, for as long as it takes to trust it. */
@Command(name = "compare",
        description = {"Holds the ledger against the cron job's own file or table, every so often, for days; Ctrl-C ends it, and the same "
                + "command goes on.", "",
            "An old figure may be as far behind as the job's own lag: it is right where the ledger had it within that time. What it never "
                + "had is drift, and is written down with its beginning, its changes and its end. A place that the source has once named and "
                + "names no longer has no units there, and so has one that only the ledger knows, unless --partial says that the source holds "
                + "a part. A page shows it: drift.html in the folder."},
        footer = {"%nExamples:", "  stockledger migrate compare /var/shop/stock.csv --cron-lag 15m",
            "  stockledger migrate compare --jdbc jdbc:postgresql://shop-db/shop --user reader \\",
            "      --query 'SELECT sku, quantity FROM channel_stock'"})
final class Compare implements Callable<Integer> {
    private static final Duration NOTE_EVERY_MAX = Duration.ofMinutes(1);
    private static final Duration CATCH_UP_MAX = Duration.ofSeconds(60);
    private static final int HEARTBEAT_MS = 1_000;

    @Option(names = "--cron-lag", paramLabel = "TIME", defaultValue = "15m", order = 1,
            description = "How far behind the old figures may be: the job's pace and what it takes (default: ${DEFAULT-VALUE}).")
    private Duration lag;

    @Option(names = "--every", paramLabel = "TIME", defaultValue = "10s", order = 2, description = "How often to look (default: ${DEFAULT-VALUE}).")
    private Duration every;

    @Option(names = "--figure", paramLabel = "NAME", defaultValue = "on-hand", order = 3,
            description = "The ledger's figure that the old one is: on-hand, or available (default: ${DEFAULT-VALUE}).")
    private String figure;

    @Option(names = "--for", paramLabel = "TIME", order = 4, description = "End after so long.")
    private Optional<Duration> end = Optional.empty();

    @Option(names = "--partial", order = 6,
            description = "The source holds a part of the stock: what only the ledger has is not compared. Without it that is drift.")
    private boolean partial;

    @Option(names = "--once", order = 5, description = "Look once; exit code 3 where something drifts.")
    private boolean once;

    @Mixin
    private SourceOptions source;

    @Mixin
    private Folder folder;

    @Mixin
    private LedgerOptions ledger;

    /** The last look that was written down, and the last one. */
    private Observation.Looked noted = new Observation.Looked(Instant.EPOCH, 0, 0, 0, 0);
    private Observation.Looked last = noted;
    private boolean looking = true;

    @Override
    @SuppressWarnings("try") // The subscription is only to be closed.
    public Integer call() throws InterruptedException {
        if (lag.toSeconds() < 1 || every.toMillis() < 100 || every.compareTo(lag) > 0) {
            throw new Failure("--cron-lag must be 1s or more, and --every 100ms up to the lag");
        }
        SourceOptions.Source old = source.source(true);
        LedgerSide feed = new LedgerSide(figure(), lag, System::nanoTime);
        SubscribeRequest request = SubscribeRequest.newBuilder().setFromNow(true).setInitialStock(true).setHeartbeatIntervalMs(HEARTBEAT_MS).build();
        Story story = Story.of(Observations.read(folder.observations()));
        try (Observations file = Observations.open(folder.observations());
                LedgerClient client = ledger.connect();
                Subscription subscription = client.subscribe(request, feed)) {
            awaitFresh(feed);
            // The first look, so that a source that can't be read at all is told now and not in a file.
            OldStock first = old.read();
            first.spacesWord().ifPresent(word -> ledger.err().println("stockledger: " + word));
            Observation.Begun begun = new Observation.Begun(Instant.now(), first.described(), figure, lag.toSeconds(), partial);
            story.begun().ifPresent(before -> requireSame(before, begun));
            keep(file, story, List.of(begun));
            Comparison comparison = new Comparison(feed, partial);
            comparison.resume(story);
            ledger.err().println("stockledger: comparing " + Table.grouped(first.rows().size()) + " places of " + first.described() + " every "
                    + Durations.shown(every) + "; the page is " + folder.page());
            look(file, story, comparison, first, Instant.now());
            long endNanos = System.nanoTime() + end.orElse(Duration.ofDays(36_500)).toNanos();
            while (!once && System.nanoTime() < endNanos) {
                TimeUnit.NANOSECONDS.sleep(Math.min(every.toNanos(), Math.max(0, endNanos - System.nanoTime())));
                look(file, story, comparison, feed, old);
            }
            if (last != noted) {
                keep(file, story, List.of(last));
            }
            DriftPage.write(folder.page(), story);
        }
        Report.tell(ledger, story);
        return once && !story.open().isEmpty() ? Stockledger.FOUND : Stockledger.DONE;
    }

    /** Two sources in one story would end each other's drifts, and another lag would judge those of the past anew. */
    private void requireSame(Observation.Begun before, Observation.Begun begun) {
        if (!before.source().equals(begun.source()) || !before.figure().equals(begun.figure())) {
            throw new Failure("this folder compares " + before.source() + " with the ledger's " + before.figure()
                    + "; for another source name another --folder");
        }
        if (before.lagSeconds() != begun.lagSeconds()) {
            throw new Failure("this folder compares with --cron-lag " + before.lagSeconds() + "s, and " + begun.lagSeconds()
                    + "s would judge what it has seen anew; to begin anew move " + folder.observations() + " away");
        }
        if (before.partial() != begun.partial()) {
            throw new Failure("this folder compares " + (before.partial() ? "with" : "without") + " --partial, so that what only the ledger has is "
                    + (before.partial() ? "left out" : "drift") + "; to begin anew move " + folder.observations() + " away");
        }
    }

    private Figure figure() {
        for (Figure one : Figure.values()) {
            if (one.toString().equals(figure)) {
                return one;
            }
        }
        throw new Failure("--figure must be on-hand or available, not '" + Table.printable(figure) + "'");
    }

    private static void awaitFresh(LedgerSide feed) throws InterruptedException {
        long deadline = System.nanoTime() + CATCH_UP_MAX.toNanos();
        while (!feed.isFresh()) {
            if (System.nanoTime() > deadline) {
                throw new Failure("the ledger's feed did not catch up within " + CATCH_UP_MAX.toSeconds() + " s; is the ledger busy?");
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    private void look(Observations file, Story story, Comparison comparison, LedgerSide feed, SourceOptions.Source old) {
        OldStock read;
        try {
            read = old.read();
        } catch (Failure e) {
            // A job that writes its file anew leaves half of it there for a moment.
            notLooked(file, story, e.getMessage());
            return;
        }
        if (feed.isFresh()) {
            look(file, story, comparison, read, Instant.now());
        } else {
            notLooked(file, story, "the ledger's feed is away");
        }
    }

    private void look(Observations file, Story story, Comparison comparison, OldStock read, Instant now) {
        List<Observation> seen = new ArrayList<>(comparison.look(now, read));
        Observation.Looked looked = (Observation.Looked) seen.remove(seen.size() - 1);
        // The first one after a break tells when it was over.
        boolean told = !looking || Duration.between(noted.at(), now).compareTo(noteEvery()) >= 0 || noted.drifting() != looked.drifting();
        looking = true;
        if (told) {
            seen.add(looked);
        }
        keep(file, story, seen);
        if (told) {
            DriftPage.write(folder.page(), story);
        }
        last = looked;
        noted = told ? looked : noted;
    }

    private void notLooked(Observations file, Story story, String why) {
        if (looking) {
            looking = false;
            ledger.err().println("stockledger: " + Converters.shown(Instant.now()) + " not compared: " + why);
            keep(file, story, List.of(new Observation.NotLooked(Instant.now(), why)));
        }
    }

    /** A look without news is noted so often, as a proof that somebody looked; well within the lag. */
    private Duration noteEvery() {
        Duration third = lag.dividedBy(3);
        return third.compareTo(NOTE_EVERY_MAX) < 0 ? third : NOTE_EVERY_MAX;
    }

    private void keep(Observations file, Story story, List<Observation> seen) {
        file.append(seen);
        for (Observation one : seen) {
            boolean isNew = one instanceof Observation.Drifting drifting && !story.isDrifting(drifting.place());
            story.add(one);
            if (ledger.json()) {
                continue;
            }
            if (isNew && one instanceof Observation.Drifting drifting) {
                ledger.out().println(Converters.shown(one.at()) + "  drifts   " + Table.printable(drifting.place().toString()) + ": old " + drifting.old()
                        + ", ledger " + drifting.ledger());
            } else if (one instanceof Observation.Settled settled) {
                ledger.out().println(Converters.shown(one.at()) + "  settled  " + Table.printable(settled.place().toString()));
            }
        }
        ledger.out().flush();
    }
}
