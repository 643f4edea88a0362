package io.stockledger.cli;

import io.stockledger.server.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/**
 * Starts a ledger in a folder of its own, sells from it and stops it, twice, so that the launcher can archive the classes
 * that a start loads, and those by which a SKU comes back after it. For the launcher only.
 */
@Command(name = "rehearse-serve", hidden = true)
final class ServeRehearsal implements Callable<Integer> {
    @Override
    public Integer call() throws IOException {
        Path folder = Files.createTempDirectory("stockledger-rehearsal-");
        try {
            return Main.rehearse(folder, ServeRehearsal::sell) | Main.rehearse(folder, ServeRehearsal::sell);
        } finally {
            delete(folder);
        }
    }

    private static int sell(String target) {
        int code = Rehearsal.run("receive", "MUG", "6", "--target", target);
        code |= Rehearsal.run("sell", "MUG", "1", "--target", target);
        code |= Rehearsal.run("sell", "MUG", "1", "--target", target);
        code |= Rehearsal.run("stock", "MUG", "--target", target);
        code |= Rehearsal.run("entries", "MUG", "--target", target);
        return code;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
