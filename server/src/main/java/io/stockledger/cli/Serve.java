package io.stockledger.cli;

import io.stockledger.server.Main;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Starts the ledger itself. The only verb that loads the server. */
@Command(name = "serve", mixinStandardHelpOptions = true,
        description = "Starts the ledger, with a PostgreSQL of its own unless --postgres names yours. Ctrl-C stops it cleanly.",
        footer = {"%nExample:", "  stockledger serve", "  stockledger serve --data /var/lib/stockledger --port 7400",
            "  stockledger serve --postgres postgresql://ledger:secret@db:5432/ledger",
            "", "STOCKLEDGER_JAVA_OPTS goes on to the JVM, for example -Xmx8g (default: -Xmx2g)."})
final class Serve implements Callable<Integer> {
    @Option(names = "--data", paramLabel = "DIR", description = "The data folder (default: ~/.stockledger/data).")
    private Optional<Path> data = Optional.empty();

    @Option(names = "--postgres", paramLabel = "URL", description = "Your own PostgreSQL, 14 or newer, instead of the embedded one.")
    private Optional<String> postgres = Optional.empty();

    @Option(names = "--host", paramLabel = "HOST", description = "Where to listen (default: 127.0.0.1).")
    private Optional<String> host = Optional.empty();

    @Option(names = "--port", paramLabel = "PORT", description = "Where to listen (default: 7400).")
    private Optional<Integer> port = Optional.empty();

    @Option(names = "--metrics-port", paramLabel = "PORT",
            description = "Where metrics are read (default: 7401, or any that is free where that is taken; 0: any that is free).")
    private Optional<Integer> metricsPort = Optional.empty();

    @Option(names = "--config", paramLabel = "FILE", description = "Settings, in HOCON, over the defaults.")
    private Optional<Path> config = Optional.empty();

    @Override
    public Integer call() {
        return Main.serve(new Main.Options(data, postgres, host, port, metricsPort, config), System.out, System.err);
    }
}
