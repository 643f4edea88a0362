package io.stockledger.loadtest.drill;

import io.stockledger.client.LedgerClient;
import io.stockledger.loadtest.ServerProcess;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Where one drill takes place: a folder of its own, the processes and clients that it opened (closed at its end), one
 * source of chance, and what it found.
 */
final class Ground implements AutoCloseable {
    private final PrintStream out;
    private final Path folder;
    private final boolean keep;
    private final Random random;
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final Thread onCtrlC = new Thread(this::closeOpened);
    private int checks;
    private int broken;
    private int servers;

    Ground(String name, PrintStream out, boolean keep, long seed) {
        this.out = out;
        this.keep = keep;
        this.random = new Random(seed);
        try {
            this.folder = Files.createTempDirectory("stockledger-" + name + "-");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Runtime.getRuntime().addShutdownHook(onCtrlC);
    }

    Path folder() {
        return folder;
    }

    Random random() {
        return random;
    }

    /** A time between the two, both in milliseconds. */
    long chance(long fromMs, long toMs) {
        return fromMs + (long) (random.nextDouble() * (toMs - fromMs));
    }

    /** Says what was done, and its figures. */
    synchronized void say(String format, Object... values) {
        out.println("  " + String.format(Locale.ROOT, format, values));
        out.flush();
    }

    /** Notes whether something held; says it. */
    synchronized boolean check(boolean held, String format, Object... values) {
        checks++;
        broken += held ? 0 : 1;
        say((held ? "held:   " : "BROKEN: ") + format, values);
        return held;
    }

    synchronized boolean held() {
        return broken == 0 && checks > 0;
    }

    synchronized String verdict() {
        return broken == 0 ? checks + " checks held" : broken + " of " + checks + " checks BROKEN";
    }

    /** A ledger of this drill's own. */
    ServerProcess server(String settings) {
        return keep(ServerProcess.start(folder.resolve("ledger-" + ++servers), settings));
    }

    ServerProcess server() {
        return server("");
    }

    LedgerClient client(String target) {
        return keep(LedgerClient.builder(target).callTimeout(Duration.ofSeconds(10))
                .mutationTimeout(Duration.ofSeconds(120)).maxInFlight(40_000).build());
    }

    /** Closes it at the drill's end. */
    synchronized <T extends AutoCloseable> T keep(T part) {
        opened.push(part);
        return part;
    }

    /** Waits until something is so; false where it is not within the bound. */
    static boolean await(Duration bound, BooleanSupplier condition) {
        long end = System.nanoTime() + bound.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                return false;
            }
            pause(10);
        }
        return true;
    }

    static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    private synchronized void closeOpened() {
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                say("something did not close: %s", e);
            }
        }
    }

    @Override
    public void close() {
        closeOpened();
        try {
            Runtime.getRuntime().removeShutdownHook(onCtrlC);
        } catch (IllegalStateException stopping) {
            return;
        }
        // What broke is worth a look.
        if (keep || !held()) {
            say("kept:   %s", folder);
            return;
        }
        try (var files = Files.walk(folder)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            say("left behind: %s (%s)", folder, e.getMessage());
        }
    }
}
