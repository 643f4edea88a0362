package io.stockledger.loadtest.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.baseline.Redis;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Metrics;
import io.stockledger.loadtest.engine.Runner;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figures;
import io.stockledger.loadtest.report.Html;
import io.stockledger.loadtest.report.Json;
import io.stockledger.loadtest.report.Machine;
import io.stockledger.loadtest.report.Programs;
import io.stockledger.loadtest.report.Report;
import io.stockledger.loadtest.report.Table;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code ./stockledger loadtest}: measures the ledger beside what a shop would use instead, in one run on one
 * PostgreSQL, and writes down what was seen.
 */
@Command(name = "stockledger loadtest", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Measures the ledger beside what a shop would use instead, in one run on one PostgreSQL: a table,"
                + " a report in HTML and the figures in JSON. Starts a ledger of its own in a temporary folder, unless --target"
                + " names one.")
public final class Loadtest implements Callable<Integer> {
    private static final int QUICK_WARM_UP = 3;
    private static final int WARM_UP = 15;
    private static final int ROUND = 2;
    private static final int ROUNDS = 5;

    @Option(names = "--list", description = "Name all workloads and their groups, and how long they take; run none.")
    private boolean list;

    @Option(names = "--only", paramLabel = "NAME", split = ",", description = "Only these workloads or groups.")
    private List<String> only = List.of();

    @Option(names = "--quick", description = "A short look: fewer points, one round of 1 s after 3 s of warm-up, unless said otherwise.")
    private boolean quick;

    @Option(names = "--full", description = "The growth curves to their end: 1,000,000 SKUs, 10,000,000 entries (hence long).")
    private boolean full;

    @Option(names = "--seconds", paramLabel = "N", description = "How long a round is (default: 2).")
    private Optional<Integer> seconds = Optional.empty();

    @Option(names = "--rounds", paramLabel = "N", description = "Rounds of each figure; their median counts (default: 5).")
    private Optional<Integer> rounds = Optional.empty();

    @Option(names = "--warm-up", paramLabel = "SECONDS", description = "Before the first figure of a workload, and on until the JVMs' compilers rest (default: 15).")
    private Optional<Integer> warmUp = Optional.empty();

    @Option(names = "--connections", paramLabel = "N", defaultValue = "4",
            description = "gRPC connections that the callers share (default: ${DEFAULT-VALUE}).")
    private int connections;

    @Option(names = "--log", paramLabel = "FILE", description = "A shop's log of sales and returns, CSV as `stockledger replay` takes it.")
    private Optional<Path> log = Optional.empty();

    @Option(names = "--target", paramLabel = "HOST:PORT", description = "A running ledger instead; it should be empty and idle.")
    private Optional<String> target = Optional.empty();

    @Option(names = "--jdbc", paramLabel = "URL",
            description = "That ledger's PostgreSQL, with user and password in the URL; without it the baselines in SQL are left out.")
    private Optional<String> jdbc = Optional.empty();

    @Option(names = "--metrics", paramLabel = "URL",
            description = "That ledger's metrics, to hold its count against ours (default: port 7401 of its host).")
    private Optional<URI> metrics = Optional.empty();

    @Option(names = "--report", paramLabel = "FILE", defaultValue = "stockledger-loadtest.html",
            description = "Where the report goes; the JSON beside it (default: ${DEFAULT-VALUE}).")
    private Path report;

    @Spec
    private CommandSpec spec;

    private final PrintStream out;
    private final PrintStream err;

    private Loadtest(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String[] arguments) {
        System.exit(execute(System.out, System.err, arguments));
    }

    static int execute(PrintStream out, PrintStream err, String... arguments) {
        CommandLine line = new CommandLine(new Loadtest(out, err));
        line.setUsageHelpWidth(110);
        line.getCommandSpec().usageMessage().footer(footer());
        line.setOut(new PrintWriter(out, true));
        line.setParameterExceptionHandler((e, given) -> complain(err, e.getMessage()));
        line.setExecutionExceptionHandler((e, command, result) -> {
            if (e instanceof BadOption) {
                return complain(err, e.getMessage());
            }
            e.printStackTrace(err);
            return 1;
        });
        return line.execute(arguments);
    }

    private static String[] footer() {
        return new String[] {"",
            "Each figure is the median of its rounds, after a warm-up: the whole of it before a workload's first figure, a fifth of it",
            String.format(Locale.ROOT, "before each further one. It lasts up to 8 times as long, at a set rate 4, where the JVMs' compilers are still at work (not with"
                    + " --quick). All of it takes about %d minutes without that, and about %d with --quick; --list says how long each takes.",
                    minutes(settings(WARM_UP, ROUND, ROUNDS, 4, false, false, Optional.empty())), minutes(settings(QUICK_WARM_UP, 1, 1, 4, true, false, Optional.empty()))),
            "A ratio needs both sides in one run, so name the baselines with --only too.", "",
            "Examples:", "  stockledger loadtest --quick", "  stockledger loadtest --only row-lock-hot,empty-unary,redis,hot",
            "  stockledger loadtest --only latency --seconds 10", "",
            "Exit codes: 0 everything ran (goals met or not), 1 something failed."};
    }

    private static long minutes(Settings settings) {
        return (long) Math.ceil(Catalogue.seconds(Catalogue.ALL, settings) / 60);
    }

    private static Settings settings(int warmUp, int round, int rounds, int connections, boolean quick, boolean full,
            Optional<Path> log) {
        return new Settings(Duration.ofSeconds(warmUp), Duration.ofSeconds(round), rounds, connections, quick, full, log);
    }

    private static int complain(PrintStream err, String why) {
        err.println("stockledger: " + why + " (see './stockledger loadtest --help')");
        return 1;
    }

    @Override
    public Integer call() throws Exception {
        Settings settings = settings();
        List<Workload> workloads = Catalogue.select(only);
        if (list) {
            list(workloads, settings);
            return 0;
        }
        requirePlaces();
        Path folder = Files.createTempDirectory("stockledger-loadtest-");
        try {
            return target.isPresent()
                    ? measure(workloads, new Ground.Run(settings, target.get(), Optional.empty(), jdbc, folder, new Figures(),
                            shown(settings, workloads), Optional.of(new Metrics(metrics.orElseGet(() -> metricsOf(target.get()))))))
                    : measureOwn(workloads, settings, folder);
        } finally {
            delete(folder);
        }
    }

    private Shown shown(Settings settings, List<Workload> workloads) {
        return new Shown(err, settings, workloads);
    }

    private int measureOwn(List<Workload> workloads, Settings settings, Path folder) throws IOException {
        err.println("starting a ledger in " + folder);
        ServerProcess server = startOwn(folder.resolve("ledger"));
        Thread onCtrlC = new Thread(() -> {
            server.close();
            delete(folder);
        });
        Runtime.getRuntime().addShutdownHook(onCtrlC);
        try {
            return measure(workloads, new Ground.Run(settings, server.target(), Optional.of(server), Optional.of(server.jdbc()), folder,
                    new Figures(), shown(settings, workloads),
                    Optional.of(new Metrics(server.metrics()))));
        } finally {
            server.close();
            try {
                Runtime.getRuntime().removeShutdownHook(onCtrlC);
            } catch (IllegalStateException stopping) {
                // Then the hook runs, and closes what is left.
            }
        }
    }

    private ServerProcess startOwn(Path folder) throws IOException {
        try {
            return ServerProcess.start(folder, "");
        } catch (IllegalStateException e) {
            // Its log goes with the folder.
            Path log = folder.resolve("server.log");
            if (!Files.exists(log)) {
                throw new BadOption("no ledger can be started: " + e.getMessage());
            }
            List<String> lines = Files.readAllLines(log);
            lines.subList(Math.max(0, lines.size() - 10), lines.size()).forEach(err::println);
            throw new BadOption("the ledger did not start; the end of its log is above");
        }
    }

    private int measure(List<Workload> workloads, Ground.Run run) throws IOException {
        Instant begun = Instant.now();
        String command = "./stockledger loadtest " + String.join(" ", spec.commandLine().getParseResult().originalArgs());
        String commit = Machine.commit(Path.of(System.getProperty("stockledger.home", ".")));
        Programs programs = programs(run);
        List<Runner.Ending> endings = new ArrayList<>();
        Supplier<Report> soFar = () -> new Report(begun, Duration.between(begun, Instant.now()), commit, withoutPassword(command.strip()),
                Machine.here(), programs, run.settings(), List.copyOf(endings),
                workloads.stream().skip(endings.size()).map(Workload::name).toList(), run.figures());
        try (Shown shown = (Shown) run.watcher()) {
            Runner.run(workloads, run, new Runner.Steps() {
                @Override
                public void begins(Workload workload) {
                    shown.begins(workload);
                }

                @Override
                public void ended(Runner.Ending ending) {
                    shown.ended(ending);
                    endings.add(ending);
                    try {
                        write(soFar.get());
                    } catch (IOException | RuntimeException e) {
                        // At the end it is tried once more, and then it is an error.
                        shown.say("the report could not be written: " + e);
                    }
                }
            });
        }
        Report written = soFar.get();
        Table.print(written, out);
        endings.forEach(ending -> {
            if (ending instanceof Runner.NotHere notHere) {
                out.println("left out: " + notHere.workload() + ": " + notHere.why());
            } else if (ending instanceof Runner.Failed failed) {
                out.println("FAILED: " + failed.workload() + ": " + failed.why());
            }
        });
        write(written);
        out.printf(Locale.ROOT, "%nreport: %s%nfigures: %s%n", report.toAbsolutePath().normalize(), jsonBeside(report).toAbsolutePath().normalize());
        return endings.stream().anyMatch(Runner.Failed.class::isInstance) ? 1 : 0;
    }

    private void write(Report written) throws IOException {
        write(jsonBeside(report), Json.of(written));
        write(report, Html.of(written));
    }

    /** Beside it first: whoever is stopped in the middle leaves the one before whole. */
    private static void write(Path file, String text) throws IOException {
        Path whole = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(whole, text);
        Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private static Programs programs(Ground.Run run) {
        return new Programs(withoutPassword(ServerProcess.flags()), withoutPassword(Programs.flagsHere()), run.jdbc().flatMap(Loadtest::postgresql),
                Redis.version());
    }

    private static List<String> withoutPassword(List<String> flags) {
        return flags.stream().map(Loadtest::withoutPassword).toList();
    }

    private static Optional<String> postgresql(String jdbc) {
        try (Connection connection = DriverManager.getConnection(jdbc)) {
            return Optional.of(connection.getMetaData().getDatabaseProductVersion());
        } catch (SQLException e) {
            return Optional.empty();
        }
    }

    private Settings settings() {
        int round = atLeast(1, "--seconds", seconds.orElse(quick ? 1 : ROUND));
        int count = atLeast(1, "--rounds", rounds.orElse(quick ? 1 : ROUNDS));
        int before = atLeast(0, "--warm-up", warmUp.orElse(quick ? QUICK_WARM_UP : WARM_UP));
        return settings(before, round, count, atLeast(1, "--connections", connections), quick, full, log);
    }

    private static URI metricsOf(String target) {
        int colon = target.lastIndexOf(':');
        return URI.create("http://" + (colon < 0 ? target : target.substring(0, colon)) + ":7401/metrics");
    }

    private static int atLeast(int least, String option, int value) {
        if (value < least) {
            throw new BadOption(option + " takes a number from " + least + " on, not " + value);
        }
        return value;
    }

    /** What would only be found out at the end, or in the middle, is found out now. */
    private void requirePlaces() {
        Path folder = report.toAbsolutePath().normalize().getParent();
        if (folder == null || !Files.isDirectory(folder) || !Files.isWritable(folder)
                || Files.exists(report) && !Files.isRegularFile(report)) {
            throw new BadOption("the report can't be written to " + report + "; name a file in a folder that is there");
        }
        log.filter(file -> !Files.isReadable(file) || Files.isDirectory(file)).ifPresent(file -> {
            throw new BadOption("--log: there is no readable file " + file);
        });
        if (target.isEmpty() && jdbc.isPresent()) {
            throw new BadOption("--jdbc goes with --target; the ledger that this run starts has a PostgreSQL of its own");
        }
        target.ifPresent(address -> {
            try (LedgerClient client = LedgerClient.connect(address)) {
                client.awaitReachable(Duration.ofSeconds(5));
            } catch (LedgerException | IllegalArgumentException e) {
                throw new BadOption("--target: " + e.getMessage());
            }
        });
        jdbc.ifPresent(url -> {
            try {
                DriverManager.getConnection(url).close();
            } catch (SQLException e) {
                throw new BadOption("--jdbc: " + e.getMessage().lines().findFirst().orElse("no connection"));
            }
        });
    }

    private void list(List<Workload> workloads, Settings settings) {
        int widest = workloads.stream().mapToInt(workload -> workload.name().length()).max().orElse(0);
        out.printf(Locale.ROOT, "%-" + widest + "s  %-9s  %7s  %s%n", "NAME", "GROUP", "SECONDS", "");
        for (Workload workload : workloads) {
            out.printf(Locale.ROOT, "%-" + widest + "s  %-9s  %7.0f  %s%n",
                    workload.name(), workload.group(), workload.seconds(settings), workload.about());
        }
        out.printf(Locale.ROOT, "%nTogether about %.0f minutes.%n",
                Math.ceil(Catalogue.seconds(workloads, settings) / 60));
    }

    static Path jsonBeside(Path report) {
        String name = report.getFileName().toString();
        String stem = name.endsWith(".html") ? name.substring(0, name.length() - ".html".length()) : name;
        return report.resolveSibling(stem + ".json");
    }

    /** The report is passed on; what opens the database is not. */
    static String withoutPassword(String command) {
        return command.replaceAll("password=[^& ]*", "password=...").replaceAll("//[^/@ ]*@", "//...@");
    }

    private void delete(Path folder) {
        try (var files = Files.walk(folder)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            err.println("left behind: " + folder + " (" + e.getMessage() + ")");
        }
    }
}
