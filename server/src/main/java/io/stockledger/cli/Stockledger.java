package io.stockledger.cli;

import io.stockledger.cli.migrate.Migrate;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line: {@code stockledger VERB ...}.
 *
 * <p>A verb is set up only when it is asked for, so none pays for another: a
 * client verb never loads a class of the server.
 */
@Command(
        name = "stockledger",
        mixinStandardHelpOptions = true,
        version = Stockledger.VERSION,
        synopsisSubcommandLabel = "VERB",
        commandListHeading = "%nVerbs:%n",
        sortOptions = false,
        header = "The inventory ledger: every unit's movements, in one order a SKU, none sold twice.",
        description = {
            "",
            "Units stand in buckets, and a mutation moves them from one bucket to another:",
            "",
            "  supplier -> INCOMING -> AVAILABLE -> RESERVED -> COMMITTED -> customer",
            "                          AVAILABLE <-> UNAVAILABLE (damaged, quality control)",
            "",
            "On hand is AVAILABLE + RESERVED + COMMITTED + UNAVAILABLE. A mutation that the stock",
            "does not allow is refused and changes nothing.",
            ""},
        footer = {
            "",
            "Try it, in two terminals:",
            "",
            "  stockledger serve",
            "",
            "  stockledger receive MUG 6",
            "  stockledger reserve MUG 2 --id cart-1 --channel web",
            "  stockledger commit MUG cart-1",
            "  stockledger stock MUG",
            "  stockledger entries MUG",
            "",
            "Exit codes: 0 done, 1 error, 2 refused by the ledger, 3 something was found (audit,",
            "migrate compare --once, migrate retire).",
            "'stockledger VERB --help' says more about each verb."})
public final class Stockledger implements Runnable {
    static final String VERSION = "stockledger 0.1.0-SNAPSHOT";

    public static final int DONE = 0;
    public static final int ERROR = 1;
    public static final int REFUSED = 2;
    public static final int FOUND = 3;

    @Spec
    private CommandSpec spec;

    private Stockledger() {
    }

    public static void main(String[] args) {
        System.exit(run(args, new PrintWriter(System.out), new PrintWriter(System.err, true)));
    }

    /** Runs one verb and returns its exit code. */
    static int run(String[] args, PrintWriter out, PrintWriter err) {
        CommandLine root = new CommandLine(new Stockledger());
        Map<String, Supplier<CommandLine>> verbs = verbs();
        if (args.length > 0 && verbs.containsKey(args[0])) {
            root.addSubcommand(args[0], verbs.get(args[0]).get());
        } else {
            verbs.forEach((name, verb) -> root.addSubcommand(name, verb.get()));
        }
        root.getSubcommands().values().forEach(Stockledger::asWeShowIt);
        Converters.register(root);
        root.setOut(out);
        root.setErr(err);
        root.setUsageHelpWidth(100);
        root.setUsageHelpAutoWidth(false);
        root.setCaseInsensitiveEnumValuesAllowed(true);
        root.setParameterExceptionHandler(BAD_USAGE);
        root.setExecutionExceptionHandler(FAILED);
        int code = root.execute(args);
        out.flush();
        err.flush();
        return code;
    }

    private static void asWeShowIt(CommandLine verb) {
        verb.getCommandSpec().usageMessage().sortOptions(false).abbreviateSynopsis(true);
        verb.getSubcommands().values().forEach(Stockledger::asWeShowIt);
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    private static Map<String, Supplier<CommandLine>> verbs() {
        Map<String, Supplier<CommandLine>> verbs = new LinkedHashMap<>();
        verbs.put("serve", () -> new CommandLine(new Serve()));
        verbs.put("demo", () -> new CommandLine(new Demo()));
        for (String name : MutationVerbs.NAMES) {
            verbs.put(name, () -> MutationVerbs.verb(name));
        }
        verbs.put("stock", () -> new CommandLine(new Reads.StockVerb()));
        verbs.put("entries", () -> new CommandLine(new Reads.EntriesVerb()));
        verbs.put("explain", () -> new CommandLine(new Explain()));
        verbs.put("reservation", () -> new CommandLine(new Reads.ReservationVerb()));
        verbs.put("list-stock", () -> new CommandLine(new ProjectionVerbs.ListStockVerb()));
        verbs.put("list-reservations", () -> new CommandLine(new ProjectionVerbs.ListReservationsVerb()));
        verbs.put("mutation", () -> new CommandLine(new Reads.MutationVerb()));
        verbs.put("audit", () -> new CommandLine(new Audit()));
        verbs.put("rebuild-projection", () -> new CommandLine(new ProjectionVerbs.RebuildVerb()));
        verbs.put("watch", () -> new CommandLine(new Watch()));
        verbs.put("subscriptions", () -> new CommandLine(new SubscriptionVerbs()));
        verbs.put("replay", () -> new CommandLine(new Replay()));
        verbs.put("migrate", Migrate::verb);
        verbs.put("example", () -> launcherVerb("example",
                "Runs an example of the Java client: checkout, channel, or migration."));
        verbs.put("test", () -> launcherVerb("test",
                "Builds everything and runs the tests; arguments go on to Maven."));
        verbs.put("bench", () -> launcherVerb("bench",
                "Times single parts (JMH); which ones a pattern says, -l lists them, -prof gc tells their garbage."));
        verbs.put("loadtest", () -> launcherVerb("loadtest",
                "Measures a ledger beside a row lock on the same PostgreSQL."));
        verbs.put("drill", () -> launcherVerb("drill",
                "Breaks a ledger of its own on purpose and checks its promises; minutes long."));
        verbs.put("version", () -> new CommandLine(new Version()));
        verbs.put("rehearse", () -> new CommandLine(new Rehearsal()));
        verbs.put("rehearse-serve", () -> new CommandLine(new ServeRehearsal()));
        return verbs;
    }

    // Picocli's own code for bad usage is 2, which here means refused.
    private static final IParameterExceptionHandler BAD_USAGE = (e, args) -> {
        CommandLine verb = e.getCommandLine();
        String hint = "";
        if (e instanceof UnmatchedArgumentException unmatched) {
            hint = unmatched.getSuggestions().stream().limit(3).reduce((a, b) -> a + ", " + b)
                    .map(names -> "; did you mean " + names + "?").orElse("");
        }
        String message = e.getMessage().replaceAll("\\s*\\R\\s*", " ").replaceAll("[.?!]$", "");
        verb.getErr().println("stockledger: " + message + hint + " (see '" + verb.getCommandSpec().qualifiedName() + " --help')");
        return ERROR;
    };

    private static final IExecutionExceptionHandler FAILED = (e, verb, parsed) -> {
        verb.getOut().flush();
        verb.getErr().println("stockledger: " + Complaint.of(e));
        return ERROR;
    };

    @Command(name = "version", description = "Says which version this is.", mixinStandardHelpOptions = true)
    private static final class Version implements Runnable {
        @Spec
        private CommandSpec spec;

        @Override
        public void run() {
            spec.commandLine().getOut().println(VERSION + ", Java " + Runtime.version());
        }
    }

    /** What the launcher does itself; here for the list of verbs. */
    private static CommandLine launcherVerb(String name, String description) {
        CommandSpec verb = CommandSpec.wrapWithoutInspection((Runnable) () -> {
            throw new Failure("the launcher does this: ./stockledger " + name);
        });
        verb.name(name).mixinStandardHelpOptions(true).usageMessage().description(description);
        return new CommandLine(verb);
    }
}
