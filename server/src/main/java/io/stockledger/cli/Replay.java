package io.stockledger.cli;

import com.google.protobuf.StringValue;
import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Subscription;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Puts a shop's log of sales and returns through the ledger, in as many runs as it takes. */
@Command(name = "replay",
        description = {"Puts a CSV of sales and returns (gzip or plain) through the ledger.", "",
            "Columns: order_id,sku,quantity,occurred_at,channel. Each SKU first receives its opening stock; then a quantity above "
                + "zero is a sale, refused when short, and one below zero a return. A further run goes on, for each SKU, after the "
                + "last line that the ledger holds: any number of broken runs ends as one whole run does. A ledger that restarts "
                + "within a minute is waited for."},
        footer = {"%nExample:", "  stockledger replay movements.csv.gz --stock-out stock.tsv"})
final class Replay implements Callable<Integer> {
    /** How long a mutation, or the look at what the ledger holds, waits for a ledger that is away. */
    private static final Duration RIDE_THROUGH = Duration.ofSeconds(60);

    private static final int MALFORMED_SHOWN_MAX = 20;

    /** More SKUs than this are not worth naming in the filter; the contract's bound is 10,000 values. */
    private static final int FILTER_SKUS_MAX = 5_000;

    @Parameters(paramLabel = "FILE", description = "The CSV file.")
    private Path file;

    @Option(names = "--opening", paramLabel = "N", defaultValue = "100", description = "Each SKU's opening stock; 0: none (default: ${DEFAULT-VALUE}).")
    private long opening;

    @Option(names = "--stock-out", paramLabel = "FILE",
            description = "Also write sku<TAB>accepted<TAB>refused<TAB>on_hand, sorted by SKU, to this file.")
    private Optional<Path> stockOut = Optional.empty();

    @Mixin
    private LedgerOptions ledger;

    private long malformedTold;

    @Override
    public Integer call() throws InterruptedException {
        if (opening < 0 || opening > SalesLog.QUANTITY_MAX) {
            throw new Failure("--opening must be 0 to " + Table.grouped(SalesLog.QUANTITY_MAX));
        }
        stockOut.ifPresent(Replay::checkFolder);
        long start = System.nanoTime();
        ReplayPlan plan = ReplayPlan.read(file, ReplayNames.of(file), this::tellMalformed);
        List<Stock> stocks;
        ReplayRun run;
        try (LedgerClient client = ledger.connect(RIDE_THROUGH)) {
            readHeld(client, plan);
            plan.checkHeld(file, opening);
            try (Progress progress = Progress.of(ledger.err(), "replay", plan.linesRead()); SalesLog log = SalesLog.open(file)) {
                run = new ReplayRun(plan, opening, client::submit, progress::at, this::tellMalformed);
                send(run, log, plan);
            }
            stocks = client.stocks(plan.skus().keySet(), "");
        }
        if (malformedTold > MALFORMED_SHOWN_MAX) {
            ledger.err().println("stockledger: " + Table.grouped(malformedTold - MALFORMED_SHOWN_MAX) + " more malformed lines are not listed");
        }
        stockOut.ifPresent(path -> write(path, plan, stocks));
        report(plan, run, stocks, (System.nanoTime() - start) / 1e9);
        return Stockledger.DONE;
    }

    private void send(ReplayRun run, SalesLog log, ReplayPlan plan) throws InterruptedException {
        try {
            run.send(log);
        } catch (LedgerException e) {
            throw new Failure("gave up after " + Table.grouped(run.settled()) + " of " + Table.grouped(plan.linesRead()) + " lines ("
                    + Table.grouped(plan.accepted()) + " accepted so far): " + Complaint.of(e)
                    + "; run the same command again to go on", e);
        }
    }

    /** One pass over the feed: what the ledger holds of this file. */
    private void readHeld(LedgerClient client, ReplayPlan plan) throws InterruptedException {
        FeedFilter.Builder filter = FeedFilter.newBuilder()
                .addKinds(EntryKind.ENTRY_KIND_RECEIVE).addKinds(EntryKind.ENTRY_KIND_SELL).addKinds(EntryKind.ENTRY_KIND_RETURN);
        if (plan.skus().size() <= FILTER_SKUS_MAX) {
            filter.addAllSkus(plan.skus().keySet());
        }
        Held held = new Held(plan::holds);
        SubscribeRequest request = SubscribeRequest.newBuilder().setFilter(filter).setFromBeginning(true).build();
        try (Subscription subscription = client.subscribe(request, held)) {
            while (true) {
                try {
                    held.caughtUp.get(1, TimeUnit.SECONDS);
                    return;
                } catch (TimeoutException e) {
                    if (System.nanoTime() - held.lastNanos > RIDE_THROUGH.toNanos()) {
                        throw new Failure("the ledger at " + ledger.target() + " has told nothing of its feed for "
                                + RIDE_THROUGH.toSeconds() + " s; nothing was sent; run the same command again", e);
                    }
                } catch (ExecutionException e) {
                    throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
                }
            }
        }
    }

    private static final class Held implements EntryListener {
        private final Consumer<Entry> entries;
        private final CompletableFuture<Void> caughtUp = new CompletableFuture<>();
        private volatile long lastNanos = System.nanoTime();

        Held(Consumer<Entry> entries) {
            this.entries = entries;
        }

        @Override
        public void onEntries(List<Entry> batch, FeedProgress progress) {
            lastNanos = System.nanoTime();
            if (caughtUp.isDone()) {
                return;
            }
            try {
                batch.forEach(entries);
            } catch (Failure e) {
                caughtUp.completeExceptionally(e);
            }
        }

        @Override
        public void onCaughtUp(FeedProgress progress) {
            caughtUp.complete(null);
        }

        @Override
        public void onHeartbeat(FeedProgress progress) {
            lastNanos = System.nanoTime();
        }

        @Override
        public void onFailed(LedgerException error) {
            caughtUp.completeExceptionally(error);
        }
    }

    private void tellMalformed(SalesLog.Malformed line) {
        malformedTold++;
        if (malformedTold <= MALFORMED_SHOWN_MAX) {
            ledger.err().println("stockledger: " + file.getFileName() + " line " + line.number() + " is malformed: " + line.why());
        }
    }

    private void report(ReplayPlan plan, ReplayRun run, List<Stock> stocks, double seconds) {
        long onHand = stocks.stream().mapToLong(Stock::getOnHand).sum();
        long malformed = plan.malformed() + run.malformed();
        long sent = run.linesSent() + run.openingsSent();
        if (ledger.json()) {
            Map<String, Object> fields = new LinkedHashMap<>();
            // A message of one text is that text, quoted and escaped.
            fields.put("file", Json.line(StringValue.of(file.getFileName().toString())));
            fields.put("lines_read", plan.linesRead());
            fields.put("malformed", malformed);
            fields.put("accepted", plan.accepted());
            fields.put("refused", plan.refused());
            fields.put("skus", plan.skus().size());
            fields.put("on_hand", onHand);
            fields.put("lines_sent", run.linesSent());
            fields.put("openings_sent", run.openingsSent());
            fields.put("seconds", Math.round(seconds * 1000) / 1000.0);
            fields.put("mutations_per_second", Math.round(sent / seconds));
            ledger.out().println(fields.entrySet().stream().map(field -> "\"" + field.getKey() + "\":" + field.getValue())
                    .collect(Collectors.joining(",", "{", "}")));
            return;
        }
        PrintWriter out = ledger.out();
        new Table().text("OF THE WHOLE FILE").number("")
                .row("lines read", plan.linesRead())
                .row("malformed", malformed)
                .row("accepted", plan.accepted())
                .row("refused", plan.refused())
                .row("SKUs", plan.skus().size())
                .row("units on hand", onHand)
                .print(out);
        out.println();
        new Table().text("OF THIS RUN").number("")
                .row("lines sent", run.linesSent())
                .row("opening stocks sent", run.openingsSent())
                .row("seconds", String.format(java.util.Locale.ROOT, "%.1f", seconds))
                .row("mutations a second", Math.round(sent / seconds))
                .print(out);
    }

    private static void checkFolder(Path path) {
        Path folder = path.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder) || !Files.isWritable(folder) || Files.isDirectory(path)) {
            throw new Failure("--stock-out cannot be written to " + path + "; name a file in a folder that is there and may be written to");
        }
    }

    /** Written whole beside its place, then moved there: nobody ever reads half of it. */
    private static void write(Path path, ReplayPlan plan, List<Stock> stocks) {
        List<String> names = List.copyOf(plan.skus().keySet());
        List<byte[]> lines = new ArrayList<>(names.size());
        for (int i = 0; i < names.size(); i++) {
            ReplayPlan.Sku sku = plan.skus().get(names.get(i));
            lines.add((names.get(i) + "\t" + sku.accepted() + "\t" + (sku.lines() - sku.accepted()) + "\t" + stocks.get(i).getOnHand() + "\n")
                    .getBytes(StandardCharsets.UTF_8));
        }
        // A tab sorts before whatever a SKU may hold, so whole lines sort as SKUs do.
        lines.sort(Arrays::compareUnsigned);
        Path absolute = path.toAbsolutePath();
        Path part = absolute.resolveSibling("." + absolute.getFileName() + ".part");
        try {
            try (var out = new java.io.BufferedOutputStream(Files.newOutputStream(part))) {
                for (byte[] line : lines) {
                    out.write(line);
                }
            }
            Files.move(part, absolute, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new Failure("--stock-out cannot be written to " + path + ": " + e.getMessage(), e);
        }
    }
}
