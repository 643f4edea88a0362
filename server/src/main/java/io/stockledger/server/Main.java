package io.stockledger.server;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValueFactory;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.StartupException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;

/** Runs a ledger as a process: says what it does, stops cleanly on Ctrl-C, and where it can't go on. */
public final class Main {
    private Main() {}

    /**
     * What the command line may say; absent: as configured.
     *
     * @param data folder of the embedded PostgreSQL
     * @param postgres address of the user's own PostgreSQL instead
     * @param configFile settings, laid over the defaults of reference.conf and application.conf
     */
    public record Options(
            Optional<Path> data,
            Optional<String> postgres,
            Optional<String> host,
            Optional<Integer> port,
            Optional<Integer> metricsPort,
            Optional<Path> configFile) {}

    /** Serves until the process is told to stop; the exit code: 0 stopped cleanly, 1 could not start or not go on. */
    public static int serve(Options options, PrintStream out, PrintStream err) {
        long begun = System.nanoTime();
        long settingsMs;
        Server server;
        try {
            Server.Store store = store(options);
            out.println("Stockledger: " + (store instanceof Server.Store.Embedded embedded
                    ? "starting; data in " + embedded.folder()
                    : "starting on your PostgreSQL"));
            out.flush();
            Config config = config(options);
            settingsMs = msSince(begun);
            server = Server.start(store, config, Clock.systemUTC());
        } catch (StartupException e) {
            err.println("stockledger: " + e.getMessage());
            return 1;
        } catch (ConfigException e) {
            err.println("stockledger: the settings can't be used: " + e.getMessage());
            return 1;
        }
        String target = options.host().orElse("127.0.0.1") + ":" + server.port();
        out.println("Journal:     " + server.storeAddress());
        out.println("Serving:     gRPC on " + target + " (stockledger.v1, health, reflection), after "
                + msSince(begun) + " ms");
        out.println("Start:       settings " + settingsMs + " ms, " + server.startTimes());
        out.println("Metrics:     " + server.metricsUrl().orElse("off"));
        String at = server.port() == 7400 ? "" : " --target " + target;
        out.println("Try:         ./stockledger receive MUG-RED 6" + at + "    then  sell MUG-RED 1,  stock MUG-RED,  demo");
        out.println("Stop:        Ctrl-C");
        out.flush();
        // Why it ended by itself; empty: it was told to.
        CompletableFuture<Optional<String>> end = new CompletableFuture<>();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.close();
            out.println("Stockledger: stopped; everything answered is in the journal.");
            out.flush();
            end.complete(Optional.empty());
        }, "stop"));
        server.failure().thenAccept(why -> end.complete(Optional.of(why)));
        Optional<String> failure = end.join();
        failure.ifPresent(why -> {
            err.println("stockledger: " + why);
            server.close();
        });
        return failure.isPresent() ? 1 : 0;
    }

    /**
     * A start that nobody asked for, on ports of its own.
     *
     * @param data folder of the embedded PostgreSQL
     * @param calls is told HOST:PORT, and how its calls ended is what this returns
     */
    public static int rehearse(Path data, ToIntFunction<String> calls) {
        // A snapshot of two rows, and of three calls one is behind it: so a SKU comes back by both.
        Config config = ConfigFactory.parseString("stockledger.entity.snapshot-rows = 2").withFallback(config(new Options(
                Optional.of(data), Optional.empty(), Optional.empty(), Optional.of(0), Optional.of(0), Optional.empty())));
        try (Server server = Server.start(new Server.Store.Embedded(data), config, Clock.systemUTC())) {
            return calls.applyAsInt("127.0.0.1:" + server.port());
        }
    }

    private static long msSince(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
    }

    private static Server.Store store(Options options) {
        if (options.postgres().isPresent() && options.data().isPresent()) {
            throw new StartupException("give --data or --postgres, not both");
        }
        return options.postgres().isPresent()
                ? new Server.Store.Postgresql(Database.Address.parse(options.postgres().get()))
                : new Server.Store.Embedded(options.data().orElse(
                        Path.of(System.getProperty("user.home"), ".stockledger", "data")).toAbsolutePath().normalize());
    }

    private static Config config(Options options) {
        Config given = ConfigFactory.empty();
        if (options.configFile().isPresent()) {
            Path file = options.configFile().get();
            if (!Files.isReadable(file)) {
                throw new StartupException("the settings file " + file + " can't be read");
            }
            given = ConfigFactory.parseFile(file.toFile());
        }
        if (options.host().isPresent()) {
            given = given.withValue("stockledger.api.host", ConfigValueFactory.fromAnyRef(options.host().get()));
        }
        if (options.port().isPresent()) {
            given = given.withValue("stockledger.api.port", ConfigValueFactory.fromAnyRef(options.port().get()));
        }
        if (options.metricsPort().isPresent()) {
            given = given.withValue("stockledger.metrics.port", ConfigValueFactory.fromAnyRef(options.metricsPort().get()));
        }
        return Server.config(given);
    }
}
