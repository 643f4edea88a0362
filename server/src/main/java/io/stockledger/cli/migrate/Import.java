package io.stockledger.cli.migrate;

import io.stockledger.cli.Converters;
import io.stockledger.cli.Failure;
import io.stockledger.cli.LedgerOptions;
import io.stockledger.cli.Progress;
import io.stockledger.cli.Stockledger;
import io.stockledger.cli.Table;
import io.stockledger.client.LedgerClient;
import io.stockledger.v1.Stock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Opening stock from the old system, in as many runs as it takes. */
@Command(name = "import",
        description = {"Brings opening stock into the ledger, from a CSV file or the old system's database.", "",
            "The whole source is read and checked first; with one line wrong nothing is imported. What is right is written down in the "
                + "folder, then sent: a run that was broken off is gone on with by the same command, within the ledger's window of ids "
                + "(seven days), with the lines that the folder has, and adds nothing twice; it may leave the source out. A finished import is not "
                + "begun again: where the source holds other stock by then, another --name is asked for. Lines of no units are left out."},
        footer = {"%nExamples:", "  stockledger migrate import inventory.csv --name opening",
            "  stockledger migrate import --name opening --jdbc jdbc:postgresql://shop-db/shop --user reader \\",
            "      --query 'SELECT sku, warehouse AS location, on_hand AS quantity FROM stock'"})
final class Import implements Callable<Integer> {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,44}");
    /** How long a ledger that restarts is waited for. */
    private static final Duration RIDE_THROUGH = Duration.ofSeconds(60);
    private static final int SKUS_NAMED_MAX = 3;

    @Option(names = "--name", paramLabel = "NAME", required = true, order = 1,
            description = "Names the import for ever: 1 to 44 letters, digits, dots, underscores and hyphens.")
    private String name;

    @Option(names = "--add", order = 19, description = "The stock is added to what the ledger has of these SKUs already.")
    private boolean add;

    @Mixin
    private SourceOptions source;

    @Mixin
    private Folder folder;

    @Mixin
    private LedgerOptions ledger;

    @Override
    public Integer call() throws InterruptedException {
        if (!NAME.matcher(name).matches()) {
            throw new Failure("--name must be 1 to 44 letters, digits, dots, underscores and hyphens, not '" + Table.printable(name) + "'");
        }
        Path file = folder.importPlan(name);
        Optional<ImportPlan> begun = ImportPlan.read(file);
        begun.ifPresent(this::requireSame);
        ImportPlan plan = begun.orElseGet(() -> new ImportPlan(Instant.now(), Optional.empty(), read().rows()));
        try (LedgerClient client = ledger.connect()) {
            if (begun.isPresent()) {
                ledger.err().println("stockledger: going on with the import " + name + " of " + plan.begun() + ", with the lines that " + file + " has");
            } else {
                if (!add) {
                    requireNew(client, plan);
                }
                plan.write(file);
            }
            ImportRun run = new ImportRun(client, name, plan, RIDE_THROUGH);
            try (Progress progress = Progress.of(ledger.err(), "import", plan.rows().size())) {
                run.send(progress::at);
            }
            if (begun.isEmpty() && run.foreign() > 0) {
                nameWasUsed(file, run);
            }
            plan.finishedAt(plan.finished().orElseGet(Instant::now)).write(file);
            tell(plan, run);
        }
        return Stockledger.DONE;
    }

    private OldStock read() {
        OldStock read = source.source(false).read();
        read.spacesWord().ifPresent(word -> ledger.err().println("stockledger: " + word));
        return read;
    }

    /**
     * An import that is not finished goes on with its own lines, since the source may have moved on meanwhile. Of one
     * that is, whoever runs it with other stock means that to come in, and would take exit code 0 for it.
     */
    private void requireSame(ImportPlan plan) {
        if (!source.isNamed()) {
            return;
        }
        OldStock now;
        try {
            now = read();
        } catch (Failure e) {
            throw new Failure(e.getMessage() + "\nThe import " + name + " was begun at " + Converters.shown(plan.begun())
                    + "; to go on with the lines that the folder has, name no source", e);
        }
        Optional<String> difference = plan.difference(now);
        if (plan.finished().isEmpty()) {
            difference.ifPresent(where -> ledger.err().println("stockledger: the source has moved on since the import " + name + " was begun: " + where));
            return;
        }
        String finished = "the import " + name + " was finished at " + Converters.shown(plan.finished().get());
        difference.ifPresent(where -> {
            throw new Failure("nothing was sent: " + finished + ", and the source is not what it brought in: " + where
                    + ". Other stock goes in under another --name; 'stockledger migrate compare --once' holds the source against the ledger");
        });
        if (add) {
            throw new Failure("nothing was added: " + finished + ", with this very stock; another --name adds it again");
        }
    }

    /** The lines of a new import were in the ledger before it: somebody has used its name, with another folder. */
    private void nameWasUsed(Path file, ImportRun run) {
        String used = Table.grouped(run.foreign()) + " lines came in before, by an import " + name + " of another folder";
        if (run.applied() > 0) {
            ledger.err().println("stockledger: " + used + "; they were not added again");
            return;
        }
        try {
            Files.delete(file);
        } catch (IOException e) {
            throw Folder.cannotWrite(file, e);
        }
        throw new Failure("nothing was added: all " + used + "; to add them again use another --name");
    }

    /** Opening stock is added, so an import under a second name would double it. */
    private void requireNew(LedgerClient client, ImportPlan plan) {
        List<String> skus = plan.rows().stream().filter(row -> row.quantity() > 0).map(row -> row.place().sku()).distinct().toList();
        List<String> known = client.stocks(skus, "").stream().filter(stock -> stock.getSequence() > 0).map(Stock::getSku).toList();
        if (!known.isEmpty()) {
            throw new Failure("nothing was imported: the ledger has entries of " + Table.grouped(known.size()) + " of these SKUs already ("
                    + String.join(", ", known.subList(0, Math.min(SKUS_NAMED_MAX, known.size()))) + (known.size() > SKUS_NAMED_MAX ? ", ..." : "")
                    + "); --add adds to what it has");
        }
    }

    private void tell(ImportPlan plan, ImportRun run) {
        long units = plan.rows().stream().mapToLong(OldStock.Row::quantity).sum();
        long empty = plan.rows().stream().filter(row -> row.quantity() == 0).count();
        if (ledger.json()) {
            ledger.out().println("{\"import\":\"" + name + "\",\"begun\":\"" + plan.begun() + "\",\"lines\":" + plan.rows().size() + ",\"empty\":" + empty
                    + ",\"applied\":" + run.applied() + ",\"known\":" + run.known() + ",\"units\":" + units + "}");
            return;
        }
        new Table().text("IMPORT " + name).number("")
                .row("lines", plan.rows().size())
                .row("of no units, left out", empty)
                .row("brought in by this run", run.applied())
                .row("in the ledger before it", run.known())
                .row("units", units)
                .print(ledger.out());
    }
}
