package io.stockledger.cli.migrate;

import io.stockledger.cli.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import picocli.CommandLine.Option;

/** The folder in which a migration keeps what it must not forget: plain files, to be read by people too. */
final class Folder {
    @Option(names = "--folder", paramLabel = "DIR", defaultValue = "migration", order = 50,
            description = "Where this migration keeps its files (default: ${DEFAULT-VALUE}).")
    private Path path;

    Path importPlan(String name) {
        return in("import-" + name + ".tsv");
    }

    Path observations() {
        return in("observations.jsonl");
    }

    Path page() {
        return in("drift.html");
    }

    Path routing() {
        return in("routing.tsv");
    }

    Path retirement() {
        return in("retire.txt");
    }

    private Path in(String name) {
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw cannotWrite(path, e);
        }
        return path.resolve(name);
    }

    /** Written whole beside its place, then moved there: nobody ever reads half of it. */
    static void write(Path file, String text) {
        Path part = file.resolveSibling("." + file.getFileName() + ".part");
        try {
            Files.writeString(part, text);
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw cannotWrite(file, e);
        }
    }

    static Failure cannotWrite(Path file, IOException e) {
        return new Failure(file + " cannot be written: " + e.getMessage() + "; name a folder that may be with --folder", e);
    }
}
