package io.stockledger.loadtest.engine;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.stockledger.client.LedgerClient;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Figures;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What one workload has to work with: the ledger under test, its PostgreSQL, names of its own, and the clocks. What it
 * opened here, and what it gave to {@link #keep}, is closed at its end, the newest first.
 */
public final class Ground implements AutoCloseable {
    /** For so long a workload waits for what those before it left to be done. */
    private static final Duration SETTLE_MAX = Duration.ofMinutes(10);
    private static final Duration SETTLE_LOOK = Duration.ofMillis(200);
    private static final AtomicLong FRESH = new AtomicLong(System.currentTimeMillis() << 16);

    /**
     * What all workloads of a run share.
     *
     * @param started the ledger at {@code target}, where this run started it
     */
    public record Run(Settings settings, String target, Optional<ServerProcess> started, Optional<String> jdbc, Path folder,
            Figures figures, Watcher watcher, Optional<Metrics> metrics) {}

    /** Is told how the run goes. */
    public interface Watcher {
        /** A thing worth a line: what is prepared, what was found. */
        void say(String line);

        void measured(Figure figure);
    }

    private final Run run;
    private final String workload;
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();
    private final List<ManagedChannel> channels = new ArrayList<>();
    private final Thread onCtrlC = new Thread(this::closeOpened);
    private final Map<String, Peak.Seen> seen = new HashMap<>();
    private boolean warm;
    private int ledgers;
    /** Of the ledger under load: the one under test, or the newest of this workload's own, which is started to be measured. */
    private Optional<Metrics> metrics;

    public Ground(Run run, Workload workload) {
        this.run = run;
        this.metrics = run.metrics();
        this.workload = workload.name();
        Runtime.getRuntime().addShutdownHook(onCtrlC);
    }

    /** Waits until the ledger under test has done what the workloads before left it to do. */
    void settle() throws InterruptedException {
        new Settling(SETTLE_MAX, SETTLE_LOOK, () -> run.metrics().flatMap(Metrics::read)).run().ifPresent(behind ->
                say(String.format(Locale.ROOT, "is measured beside the projection, which is still %,.0f s behind", behind)));
    }

    public Settings settings() {
        return run.settings();
    }

    /** {@code HOST:PORT} of the ledger under test. */
    public String target() {
        return run.target();
    }

    /** A connection of its own for each of {@code settings().connections()} callers, then round again. */
    public synchronized ManagedChannel channel(int caller) {
        while (channels.size() < run.settings().connections()) {
            channels.add(channelTo(run.target()));
        }
        return channels.get(caller % channels.size());
    }

    /** A connection to that ledger; answers are handled on its event loop, so what handles them must not block. */
    public ManagedChannel channelTo(String target) {
        ManagedChannel channel = NettyChannelBuilder.forTarget(target).usePlaintext().directExecutor().disableRetry()
                .maxInboundMessageSize(16 << 20).build();
        keep(() -> channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS));
        return channel;
    }

    /** The SDK, as an application uses it. */
    public LedgerClient client() {
        return keep(LedgerClient.builder(run.target()).mutationTimeout(Duration.ofSeconds(60)).maxInFlight(100_000).build());
    }

    /** The ledger's own PostgreSQL, by a JDBC URL that holds user and password. */
    public String jdbc() {
        return run.jdbc().orElseThrow(() -> new LeftOut("needs --jdbc, the PostgreSQL of the ledger under test"));
    }

    /**
     * A ledger of this workload's own, to be filled, stopped and started as it likes; also beside a {@code --target}. The
     * ledger that the workloads share stands still meanwhile: its projection may be minutes behind all that it was sold.
     *
     * @param settings HOCON laid over the defaults; may be empty
     * @param jvmFlags above those that the launcher would give
     */
    public ServerProcess ownLedger(String settings, String... jvmFlags) {
        if (ledgers == 0) {
            run.started().ifPresent(shared -> keep(shared.frozen()));
        }
        ServerProcess ledger = keep(ServerProcess.start(run.folder().resolve(workload + "-" + ++ledgers), settings, jvmFlags));
        metrics = Optional.of(new Metrics(ledger.metrics()));
        return ledger;
    }

    /** A folder that is deleted at the end of the run. */
    public Path folder() {
        return run.folder();
    }

    /** A name that nothing else has, in this run or another: for SKUs, ids, orders. */
    public String fresh(String prefix) {
        return prefix + "-" + Long.toString(FRESH.getAndIncrement(), 36);
    }

    /** Closes it at this workload's end. */
    public synchronized <T extends AutoCloseable> T keep(T part) {
        opened.push(part);
        return part;
    }

    /**
     * The most that a load reaches: after the whole warm-up for this workload's first, a fifth of it for each further
     * one, and longer where compilers are at work.
     */
    public Peak peak(String figure, Load load) throws Exception {
        WarmUp warmUp = warmUpUntilCompiled(run.settings().peakWarmUpTimesMax());
        // Where the load went to another ledger than these metrics are of, this one applied nothing, and tells nothing.
        Peak peak = ClosedLoop.run(figure, load, warmUp, run.settings().round(), run.settings().rounds(), () -> metrics.flatMap(Metrics::read));
        peak.seen().ifPresent(seen -> this.seen.put(figure, seen));
        return peak;
    }

    /** The latency of arrivals at that rate, after a warm-up as for a peak; see {@link OpenLoop}. */
    public OpenLoop.Latency latency(double perSecond, Arrival arrival) throws InterruptedException {
        return new OpenLoop(perSecond, Optional.of(warmUpUntilCompiled(run.settings().latencyWarmUpTimesMax())),
                run.settings().round(), run.settings().rounds(), Duration.ofSeconds(10)).run(arrival);
    }

    /** Adds a figure to the report; a peak of the same name brings what the ledger saw of it. */
    public void add(Figure figure) {
        Figure told = Optional.ofNullable(seen.get(figure.name())).map(both -> beside(figure, both)).orElse(figure);
        if (run.started().isEmpty() && ledgers > 0) {
            told = told.note("not of --target: of a ledger that this run started for it, on the generator's machine");
        }
        run.figures().add(told);
        run.watcher().measured(told);
    }

    private Figure beside(Figure figure, Peak.Seen both) {
        Metrics.Observed observed = both.observed();
        Figure told = figure.note(String.format(Locale.ROOT, "the ledger's metrics: %,.0f mutations/s applied, %.1f entries a group, %.2f ms a commit",
                observed.applied(), observed.groupEntries(), observed.commitMs()));
        if (!figure.unit().equals("mutations/s") || !observed.disagreesWith(both.answered())) {
            return told;
        }
        String disagreement = String.format(Locale.ROOT, "DISAGREES by more than 1 %% with the ledger's metrics: answered %,.0f mutations/s, applied %,.0f",
                both.answered(), observed.applied());
        say(figure.name() + " " + disagreement);
        return told.note(disagreement);
    }

    /** A figure that this run has already, also {@code SERIES-best}. */
    public Optional<Figure> found(String figure) {
        return run.figures().find(figure);
    }

    public void say(String line) {
        run.watcher().say(line);
    }

    /** What comes next was not warmed up by what came before, as after a restart: it gets the whole warm-up. */
    public void cold() {
        warm = false;
    }

    private Duration warmUp() {
        Duration time = warm ? run.settings().warmUpAgain() : run.settings().warmUp();
        warm = true;
        return time;
    }

    private WarmUp warmUpUntilCompiled(int timesMax) {
        return new WarmUp(warmUp(), timesMax, () -> metrics.flatMap(Metrics::read));
    }

    private synchronized void closeOpened() {
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                say(workload + ": something did not close: " + e);
            }
        }
    }

    @Override
    public void close() {
        closeOpened();
        try {
            Runtime.getRuntime().removeShutdownHook(onCtrlC);
        } catch (IllegalStateException stopping) {
            // Then the hook runs, and finds nothing to close.
        }
    }
}
