package io.stockledger.cli;

import io.stockledger.client.KeptHeads;
import io.stockledger.client.LedgerClient;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditProgress;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import io.stockledger.v1.AuditVerdict;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Holds the ledger against itself, and against chain heads that were kept elsewhere. */
@Command(name = "audit", description = {"Replays the journal and holds everything against it: row hashes, sequences, balances, holds, snapshots,",
        "SQL tables. Without SKUs: all of them; stopped by Ctrl-C it says where to go on.",
        "Exit code 0: clean; 3: something was found."},
        footer = {"%nExample:", "  stockledger audit", "  stockledger audit MUG PEN", "  stockledger audit --after MUG",
            "  stockledger audit --export-heads /mnt/elsewhere/heads-friday.csv", "  stockledger audit --heads /mnt/elsewhere/heads-friday.csv"})
final class Audit implements Callable<Integer> {
    @Parameters(paramLabel = "SKU", arity = "0..*", description = "The SKUs (default: all).")
    private List<String> skus = List.of();

    @Option(names = "--after", paramLabel = "SKU", defaultValue = "", description = "Go on after this SKU, where an audit of all was stopped.")
    private String after;

    @Option(names = "--export-heads", paramLabel = "FILE",
            description = "Also write the chain head of each SKU without a finding into a new CSV: keep it where nobody who can write to"
                    + " the database can reach it.")
    private Optional<Path> exportHeads = Optional.empty();

    @Option(names = "--heads", paramLabel = "FILE",
            description = "Audit the SKUs of such a file, and hold the journal against it: a rewritten history contradicts it.")
    private Optional<Path> heads = Optional.empty();

    @Mixin
    private LedgerOptions ledger;

    private volatile String lastSku = "";

    @Override
    public Integer call() {
        boolean all = skus.isEmpty() && heads.isEmpty();
        if (!skus.isEmpty() && heads.isPresent()) {
            throw new Failure("give SKUs or --heads, not both: a file of heads names its SKUs");
        }
        if (!all && (exportHeads.isPresent() || !after.isEmpty())) {
            throw new Failure("--after and --export-heads go with an audit of all: name no SKUs and no --heads");
        }
        Optional<KeptHeads> kept = heads.map(this::read);
        Optional<HeadsFile> export = exportHeads.map(HeadsFile::of);
        try (LedgerClient client = ledger.connect()) {
            boolean clean = all ? followAll(client, export) : follow(kept.isEmpty() ? client.audit(named()) : client.auditHeads(kept.get()), export);
            return clean ? Stockledger.DONE : Stockledger.FOUND;
        }
    }

    private KeptHeads read(Path file) {
        KeptHeads kept = new KeptHeads();
        if (HeadsFile.read(file, kept::add)) {
            ledger.err().println("stockledger: " + file + " ends in the middle of a line; that line is left out");
            ledger.err().flush();
        }
        return kept;
    }

    /** Where it does not come to its end, it says how to go on. */
    private boolean followAll(LedgerClient client, Optional<HeadsFile> export) {
        lastSku = after;
        Thread farewell = new Thread(this::tellWhereToGoOn);
        Runtime.getRuntime().addShutdownHook(farewell);
        boolean done = false;
        try {
            boolean clean = follow(client.auditAll(after, exportHeads.isPresent()), export);
            done = true;
            return clean;
        } finally {
            Runtime.getRuntime().removeShutdownHook(farewell);
            // Where none is done, what went wrong says all.
            if (!done && !lastSku.isEmpty()) {
                tellWhereToGoOn();
            }
        }
    }

    /** Each once. */
    private Set<String> named() {
        return new LinkedHashSet<>(skus);
    }

    private boolean follow(Iterator<AuditResponse> messages, Optional<HeadsFile> export) {
        Optional<AuditTotal> total = Optional.empty();
        try {
            while (messages.hasNext()) {
                AuditResponse message = messages.next();
                export.ifPresent(HeadsFile::begin);
                if (message.hasTotal()) {
                    total = Optional.of(message.getTotal());
                } else if (message.hasProgress()) {
                    lastSku = message.getProgress().getSku();
                }
                if (message.hasChainHead() && export.isPresent()) {
                    export.get().add(List.of(message.getChainHead()));
                } else if (ledger.json()) {
                    ledger.out().println(Json.line(message));
                } else {
                    tell(message);
                }
            }
        } finally {
            export.ifPresent(HeadsFile::close);
        }
        return total.orElseThrow(() -> new Failure("the audit ended before its total; run it again")).getClean();
    }

    private void tell(AuditResponse message) {
        switch (message.getMessageCase()) {
            case FINDING -> {
                AuditFinding finding = message.getFinding();
                ledger.out().println(Table.printable(finding.getSku() + ": " + Converters.shown(finding.getKind(), "AUDIT_FINDING_KIND_")
                        + " at sequence " + finding.getSequence() + ": expected " + finding.getExpected() + ", found " + finding.getFound()));
                if (!finding.getAdvice().isEmpty()) {
                    ledger.out().println("  " + Table.printable(finding.getAdvice()));
                }
            }
            case VERDICT -> {
                AuditVerdict verdict = message.getVerdict();
                // A file of heads names thousands.
                if (verdict.getClean() && skus.isEmpty()) {
                    break;
                }
                ledger.out().println(Table.printable(verdict.getSku()) + ": " + (verdict.getClean() ? "clean" : "NOT CLEAN") + ", "
                        + Table.counted(verdict.getEntries(), "entry", "entries") + " in " + Table.counted(verdict.getRows(), "row", "rows"));
            }
            case PROGRESS -> {
                AuditProgress progress = message.getProgress();
                ledger.out().flush();
                ledger.err().println("stockledger: " + Table.counted(progress.getSkus(), "SKU", "SKUs") + ", "
                        + Table.counted(progress.getEntries(), "entry", "entries") + " so far"
                        + (progress.getSku().isEmpty() ? "" : ", the last SKU " + Table.printable(progress.getSku())));
            }
            case TOTAL -> {
                AuditTotal total = message.getTotal();
                ledger.out().println((total.getClean() ? "clean" : "NOT CLEAN: " + Table.counted(total.getFindings(), "finding", "findings"))
                        + ": " + Table.counted(total.getSkus(), "SKU", "SKUs") + ", " + Table.counted(total.getEntries(), "entry", "entries")
                        + " in " + Table.counted(total.getRows(), "row", "rows"));
            }
            case CHAIN_HEAD, MESSAGE_NOT_SET -> ledger.out().println("(a message that this release does not know)");
        }
    }

    private void tellWhereToGoOn() {
        ledger.out().flush();
        ledger.err().println("stockledger: go on with " + (lastSku.isEmpty() ? "'stockledger audit' from the start"
                : "--after " + quoted(Table.printable(lastSku))));
        ledger.err().flush();
    }

    /** As a shell takes it. */
    private static String quoted(String text) {
        return text.matches("[A-Za-z0-9_./:@%+,-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
