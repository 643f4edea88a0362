package io.stockledger.loadtest.drill;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.StockView;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Stock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A channel's process with a stock view on disk is killed again and again during a replay, the server once. Each process
 * must begin with the snapshot of the one before, and in the end hold what the ledger holds.
 */
final class Views {
    private final Ground ground;
    private final Path file;

    Views(Ground ground, Path file) {
        this.ground = ground;
        this.file = file;
    }

    void run() throws Exception {
        PlainCount count = PlainCount.of(file, 100);
        ServerProcess server = ground.server();
        LedgerClient client = ground.client(server.target());
        client.awaitReachable(Duration.ofSeconds(10));
        Path snapshot = ground.folder().resolve("view");
        Path notes = ground.folder().resolve("view.notes");

        Process replay = replay(server);
        int kills = 0;
        boolean serverKilled = false;
        boolean replaying = true;
        while (replaying) {
            int before = begun(notes).size();
            Process view = launch(server, snapshot, notes);
            if (!ground.check(Ground.await(Duration.ofSeconds(90), () -> begun(notes).size() > before), "view process %d follows the feed", kills + 1)) {
                return;
            }
            replaying = !replay.waitFor(ground.chance(300, 3_000), TimeUnit.MILLISECONDS);
            view.destroyForcibly().waitFor();
            kills++;
            if (replaying && !serverKilled && kills >= 3) {
                server.kill();
                server.start();
                serverKilled = true;
            }
        }
        boolean replayed = replay.exitValue() == 0 || replay(server).waitFor() == 0;
        ground.check(replayed, "the replay came to its end%s", serverKilled ? ", the server killed once in its middle" : "");

        List<String> begun = begun(notes);
        long warm = begun.stream().filter(ViewProcess.WARM::equals).count();
        long cold = begun.stream().filter(ViewProcess.COLD::equals).count();
        ground.check(warm > 0 && cold == 0, "%d kills: %d processes began with the stock of the one before, %d could not use its snapshot", kills, warm, cold);

        try (StockView view = client.stockViewBuilder().snapshot(snapshot).open()) {
            int known = view.skus().size();
            ground.check(view.coldStart().isEmpty() && known > 0, "the last snapshot held %,d SKUs %s", known, view.coldStart().orElse(""));
            ground.check(view.awaitCaughtUp(Duration.ofSeconds(60)), "the view begun with it caught up");
            List<String> skus = List.copyOf(count.skus().keySet());
            boolean settled = Ground.await(Duration.ofSeconds(30), () -> others(client, view, skus) == 0);
            ground.check(settled, "it holds what the ledger holds of all %,d SKUs (%d differ)", skus.size(), others(client, view, skus));
        }
    }

    /** How each process began. */
    private static List<String> begun(Path notes) {
        try {
            return Files.exists(notes) ? Files.readAllLines(notes) : List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long others(LedgerClient client, StockView view, List<String> skus) {
        return client.stocks(skus, "").stream().filter(stock -> isOther(stock, view.stock(stock.getSku()))).count();
    }

    private static boolean isOther(Stock stock, Optional<Stock> held) {
        return held.isEmpty() || held.get().getSequence() != stock.getSequence()
                || !held.get().getBalancesList().equals(stock.getBalancesList());
    }

    private Process replay(ServerProcess server) {
        return ground.keep(new Killed(server.verb(ground.folder().resolve("replay.log"), List.of("replay", file.toString())))).process();
    }

    private Process launch(ServerProcess server, Path snapshot, Path notes) throws IOException {
        Process process = new ProcessBuilder(System.getProperty("stockledger.java"), "-Xmx256m", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"),
                Drill.class.getName(), "view", "--target", server.target(), "--snapshot", snapshot.toString(), "--notes", notes.toString())
                .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(ground.folder().resolve("view.log").toFile())).start();
        return ground.keep(new Killed(process)).process();
    }
}
