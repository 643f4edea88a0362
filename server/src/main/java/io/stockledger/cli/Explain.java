package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.v1.Entry;
import io.stockledger.v1.Stock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Tells a SKU's story for whoever runs the shop: as lines on the terminal, or as a page with a plot. */
@Command(name = "explain", description = {"Tells a SKU's story from its entries, as a timeline for whoever runs the shop.",
        "A long story is told in bounded length: sales and holds by the minute, the hour, the day; then all by the day, the month, the year."},
        footer = {"%nExample:", "  stockledger explain MUG", "  stockledger explain MUG --html mug.html --zone Europe/Berlin"})
final class Explain implements Callable<Integer> {
    private static final int LINES_MAX = 10_000;

    @Parameters(paramLabel = "SKU", description = "The SKU.")
    private String sku;

    @Option(names = "--html", paramLabel = "FILE", description = "Write it as a page with a plot, that needs nothing else, instead.")
    private Optional<Path> html = Optional.empty();

    @Option(names = "--lines", paramLabel = "N", defaultValue = "200", description = "Told in at most so many lines (default: ${DEFAULT-VALUE}).")
    private int lines;

    @Option(names = "--zone", paramLabel = "ZONE", defaultValue = "UTC", description = "The time zone of days and times (default: ${DEFAULT-VALUE}).")
    private ZoneId zone;

    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() {
        if (lines < 10 || lines > LINES_MAX) {
            throw new Failure("--lines must be 10 to " + Table.grouped(LINES_MAX));
        }
        if (ledger.json()) {
            throw new Failure("a story is for people; 'stockledger entries SKU --json' gives a program every entry");
        }
        html.ifPresent(OutputFiles::requireFolder);
        try (LedgerClient client = ledger.connect()) {
            Stock stock = client.stock(sku);
            if (stock.getSequence() == 0) {
                ledger.out().println(Table.printable(stock.getSku()) + ": the ledger holds no entry of it");
                return Stockledger.DONE;
            }
            Story story = new Story(lines, zone);
            Optional<StoryPlot> plot = html.map(file -> new StoryPlot(recordedAt(client, 1), recordedAt(client, stock.getSequence()),
                    stock.getSequence()));
            // What comes in meanwhile is another story; a SKU of any length passes through here page by page.
            Iterator<Entry> entries = client.entries(sku, 1).limit(stock.getSequence()).iterator();
            while (entries.hasNext()) {
                Entry entry = entries.next();
                story.add(entry);
                plot.ifPresent(it -> it.add(entry));
            }
            if (html.isPresent()) {
                write(html.get(), StoryPage.of(stock, story, plot.orElseThrow(), zone));
                ledger.out().println(Table.printable(stock.getSku()) + ": the story of " + Story.entries(stock.getSequence()) + " is in " + html.get());
            } else {
                print(stock, story);
            }
        }
        return Stockledger.DONE;
    }

    private Instant recordedAt(LedgerClient client, long sequence) {
        return client.entries(sku, sequence).findFirst().map(entry -> Converters.instant(entry.getRecordedAt()))
                .orElseThrow(() -> new Failure("the ledger does not tell entry " + sequence + " of " + Table.printable(sku)));
    }

    private static void write(Path file, String page) {
        try {
            Files.writeString(file, page, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw OutputFiles.unwritable(file, e);
        }
    }

    private void print(Stock stock, Story story) {
        ledger.out().println(Table.printable(stock.getSku()) + ": " + story.summary(stock));
        ledger.out().println();
        Table table = new Table().text("WHEN").number("TO_SELL").text("WHAT");
        for (Story.Line line : story.lines()) {
            table.row(story.when(line), line.toSell(), line.belowZero().map(warning -> "BELOW ZERO: " + warning + ": ").orElse("") + story.what(line));
        }
        table.print(ledger.out());
        List<String> warnings = story.warnings();
        if (!warnings.isEmpty()) {
            ledger.out().println();
            warnings.forEach(warning -> ledger.out().println(Table.printable(warning)));
        }
    }
}
