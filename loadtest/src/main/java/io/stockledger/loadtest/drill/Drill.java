package io.stockledger.loadtest.drill;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The drills: long fault tests, run by hand before a release. Each breaks a ledger of its own on purpose, in a folder
 * of its own, and says whether the promise held: exit code 0, else 1.
 */
@Command(name = "stockledger drill", mixinStandardHelpOptions = true, synopsisSubcommandLabel = "NAME",
        commandListHeading = "%nDrills:%n", sortOptions = false,
        description = "Breaks a ledger of its own on purpose, and checks that its promises hold. Minutes long; run them before a release.",
        footer = {"", "FILE is a CSV as `stockledger replay` takes it.", "Exit codes: 0 the promises held, 1 one did not."})
public final class Drill implements Runnable {
    /** One drill's work: says and checks on its ground. */
    private interface Work {
        void on(Ground ground) throws Exception;
    }

    private record Ending(String name, boolean held, String verdict, Duration time) {}

    private final PrintStream out = System.out;

    @Spec
    private CommandSpec spec;

    @Option(names = "--seed", paramLabel = "N", scope = ScopeType.INHERIT,
            description = "What chance grows from; said at the start (default: a new one each time).")
    private Optional<Long> seed = Optional.empty();

    @Option(names = "--keep", scope = ScopeType.INHERIT, description = "Keep the folder of data and logs, also where all held.")
    private boolean keep;

    public static void main(String[] args) {
        CommandLine line = new CommandLine(new Drill());
        line.setUsageHelpWidth(100);
        // Picocli's own codes for bad usage and failures are others.
        line.setParameterExceptionHandler((e, arguments) -> {
            System.err.println("stockledger: " + e.getMessage() + " (see './stockledger drill --help')");
            return 1;
        });
        System.exit(line.execute(args));
    }

    @Override
    public void run() {
        spec.commandLine().usage(out);
    }

    @Command(name = "replay-crash", mixinStandardHelpOptions = true,
            description = "A replay ends exact although the ledger, its PostgreSQL and the replay itself are killed in the middle.")
    int replayCrash(
            @Parameters(paramLabel = "FILE") Path file,
            @Option(names = "--kills", paramLabel = "N", defaultValue = "4", description = "Kills of the server (default: 4).") int kills,
            @Option(names = "--kill-replay", description = "Also kill the replay, as often.") boolean killReplay) {
        return exit(drill("replay-crash", ground -> new ReplayCrash(ground, file, kills, killReplay).run()));
    }

    @Command(name = "last-units", mixinStandardHelpOptions = true,
            description = "1,000 callers at once get the last 6 units: exactly 6 do.")
    int lastUnits(
            @Option(names = "--rounds", paramLabel = "N", description = "Default: 20; with --crash 10.") Optional<Integer> rounds,
            @Option(names = "--crash", description = "Kill the server between send and answer, and let the callers resend.") boolean crash) {
        return exit(drill("last-units", ground -> new LastUnits(ground, rounds.orElse(crash ? 10 : 20), crash).run()));
    }

    @Command(name = "subscribers", mixinStandardHelpOptions = true,
            description = "Subscribers that are killed, stalled, cut off and filtered miss nothing of a replay.")
    int subscribers(@Parameters(paramLabel = "FILE") Path file) {
        return exit(drill("subscribers", ground -> new Subscribers(ground, file).run()));
    }

    @Command(name = "consumers", mixinStandardHelpOptions = true,
            description = "Consumers of one named subscription that are killed, stopped and joined by others apply all of a replay, in order.")
    int consumers(
            @Parameters(paramLabel = "FILE") Path file,
            @Option(names = "--lost", paramLabel = "SHARE", defaultValue = "0", description = "Throw away this share of the acknowledgements (default: 0).") double lost,
            @Option(names = "--behind-max", paramLabel = "SECONDS", defaultValue = "30",
                    description = "How old an entry may be when it is first applied (default: 30).") int behindMax) {
        return exit(drill("consumers", ground -> new Consumers(ground, file, lost, Duration.ofSeconds(behindMax)).run()));
    }

    @Command(name = "views", mixinStandardHelpOptions = true,
            description = "A stock view that is killed while it writes its snapshot begins with a good one, and ends exact.")
    int views(@Parameters(paramLabel = "FILE") Path file) {
        return exit(drill("views", ground -> new Views(ground, file).run()));
    }

    @Command(name = "spread", mixinStandardHelpOptions = true, description = "10,000 SKUs are written at once, and each write is answered.")
    int spread(
            @Option(names = "--skus", paramLabel = "N", defaultValue = "10000", description = "Default: 10,000.") int skus,
            @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Default: 5.") int rounds) {
        return exit(drill("spread", ground -> new Spread(ground, skus, rounds).run()));
    }

    @Command(name = "not-after", mixinStandardHelpOptions = true,
            description = "A mutation that the network holds back past its not_after is never applied.")
    int notAfter() {
        return exit(drill("not-after", ground -> new NotAfter(ground).run()));
    }

    @Command(name = "ids", mixinStandardHelpOptions = true,
            description = "An id is recognised after very many newer ones, restarts and passivation.")
    int ids(@Option(names = "--newer", paramLabel = "N", defaultValue = "200000", description = "Newer ids (default: 200,000).") int newer) {
        return exit(drill("ids", ground -> new Ids(ground, newer).run()));
    }

    @Command(name = "expiry", mixinStandardHelpOptions = true, description = "Holds expire in time, by themselves, and over a restart.")
    int expiry() {
        return exit(drill("expiry", ground -> new Expiry(ground).run()));
    }

    @Command(name = "store-away", mixinStandardHelpOptions = true,
            description = "PostgreSQL is killed under load: every call is answered promptly, and the stock is exact afterwards.")
    int storeAway() {
        return exit(drill("store-away", ground -> new StoreAway(ground).run()));
    }

    @Command(name = "projection", mixinStandardHelpOptions = true,
            description = "The projection is built anew during writes: it equals a replay, is read all along, and a sale's p99 stays.")
    int projection(
            @Option(names = "--rate", paramLabel = "N", defaultValue = "2000", description = "Sales a second (default: 2,000).") int perSecond,
            @Option(names = "--history", paramLabel = "N", defaultValue = "40",
                    description = "Entries before it, of each of 1,000 SKUs (default: 40).") int history) {
        return exit(drill("projection", ground -> new Projection(ground, perSecond, history).run()));
    }

    @Command(name = "migration", mixinStandardHelpOptions = true,
            description = "A shop's way from its cron job to the ledger, from the import to the retirement; what each oversells is counted.")
    int migration(
            @Parameters(paramLabel = "FILE") Path file,
            @Option(names = "--opening", paramLabel = "N", defaultValue = "100", description = "Units of each SKU at first (default: 100).") long opening,
            @Option(names = "--lag", paramLabel = "SECONDS", defaultValue = "5", description = "The lag that the comparison allows (default: 5).") int lag) {
        return exit(drill("migration", ground -> new Migration(ground, file, opening, Duration.ofSeconds(lag), Duration.ofSeconds(2L * lag)).run()));
    }

    @Command(name = "audit", mixinStandardHelpOptions = true,
            description = "An audit of a million entries finds nothing, then each fault that was planted; with --kills, nothing after as many.")
    int audit(
            @Option(names = "--entries", paramLabel = "N", defaultValue = "1000000", description = "Default: 1,000,000.") long entries,
            @Option(names = "--kills", paramLabel = "N", description = "Instead: kill the server so often under load, then audit.") Optional<Integer> kills) {
        return exit(kills.isPresent() ? drill("audit --kills", ground -> new Audit(ground).kills(kills.get()))
                : drill("audit", ground -> new Audit(ground).faults(entries)));
    }

    @Command(name = "all", mixinStandardHelpOptions = true, description = "All of them, and a table at the end.")
    int all(@Parameters(paramLabel = "FILE") Path file) {
        List<Ending> endings = new ArrayList<>();
        endings.add(drill("not-after", ground -> new NotAfter(ground).run()));
        endings.add(drill("expiry", ground -> new Expiry(ground).run()));
        endings.add(drill("ids", ground -> new Ids(ground, 200_000).run()));
        endings.add(drill("spread", ground -> new Spread(ground, 10_000, 5).run()));
        endings.add(drill("store-away", ground -> new StoreAway(ground).run()));
        endings.add(drill("last-units", ground -> new LastUnits(ground, 20, false).run()));
        endings.add(drill("last-units --crash", ground -> new LastUnits(ground, 10, true).run()));
        endings.add(drill("audit", ground -> new Audit(ground).faults(1_000_000)));
        endings.add(drill("audit --kills", ground -> new Audit(ground).kills(50)));
        endings.add(drill("replay-crash", ground -> new ReplayCrash(ground, file, 4, false).run()));
        endings.add(drill("replay-crash --kill-replay", ground -> new ReplayCrash(ground, file, 4, true).run()));
        endings.add(drill("projection", ground -> new Projection(ground, 2_000, 40).run()));
        endings.add(drill("subscribers", ground -> new Subscribers(ground, file).run()));
        endings.add(drill("consumers", ground -> new Consumers(ground, file, 0, Duration.ofSeconds(30)).run()));
        endings.add(drill("consumers --lost 0.5", ground -> new Consumers(ground, file, 0.5, Duration.ofSeconds(30)).run()));
        endings.add(drill("views", ground -> new Views(ground, file).run()));
        endings.add(drill("migration", ground -> new Migration(ground, file, 100, Duration.ofSeconds(5), Duration.ofSeconds(10)).run()));
        out.printf("%n%-28s %-8s %8s   %s%n", "DRILL", "HELD", "SECONDS", "");
        endings.forEach(ending -> out.printf("%-28s %-8s %8d   %s%n", ending.name(), ending.held() ? "yes" : "NO",
                ending.time().toSeconds(), ending.verdict()));
        return endings.stream().allMatch(Ending::held) ? 0 : 1;
    }

    @Command(name = "subscriber", hidden = true, description = "A subscriber as a process, for `subscribers`: to be killed.")
    int subscriber(@Option(names = "--target") String target, @Option(names = "--notes") Path notes) throws Exception {
        new SubscriberProcess(target, notes).run();
        return 0;
    }

    @Command(name = "consumer", hidden = true, description = "A consumer as a process, for `consumers`: to be killed.")
    int consumer(@Option(names = "--target") String target, @Option(names = "--name") String name, @Option(names = "--consumer") String consumer,
            @Option(names = "--notes") Path notes, @Option(names = "--lost") double lost) throws Exception {
        new ConsumerProcess(target, name, consumer, notes, lost).run();
        return 0;
    }

    @Command(name = "view", hidden = true, description = "A stock view as a process, for `views`: to be killed.")
    int view(@Option(names = "--target") String target, @Option(names = "--snapshot") Path snapshot, @Option(names = "--notes") Path notes)
            throws Exception {
        new ViewProcess(target, snapshot, notes).run();
        return 0;
    }

    private Ending drill(String name, Work work) {
        long chance = seed.orElse(System.nanoTime() & 0xffff_ffffL);
        long begun = System.nanoTime();
        out.printf("drill %s (--seed %d)%n", name, chance);
        Ground ground = new Ground(name.replaceAll("[ -]+", "-"), out, keep, chance);
        try (ground) {
            try {
                work.on(ground);
            } catch (Exception e) {
                ground.check(false, "it ran to its end: %s", e);
                e.printStackTrace(out);
            }
        }
        Duration time = Duration.ofNanos(System.nanoTime() - begun);
        out.printf("%s: %s, after %d s%n", name, ground.verdict(), time.toSeconds());
        return new Ending(name, ground.held(), ground.verdict(), time);
    }

    private static int exit(Ending ending) {
        return ending.held() ? 0 : 1;
    }
}
