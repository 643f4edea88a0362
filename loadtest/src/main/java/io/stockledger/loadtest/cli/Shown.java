package io.stockledger.loadtest.cli;

import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Runner;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.report.Numbers;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.TimeUnit;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/** How a run goes, on standard error: a line a figure, and on a terminal a bar that tells the time left. */
final class Shown implements Ground.Watcher, Runner.Steps, AutoCloseable {
    private static final int WIDTH = 79;

    private final PrintStream err;
    private final Settings settings;
    private final List<Workload> workloads;
    private final ProgressBar bar;
    private final Thread ticks;
    private int begun;
    private double secondsBefore;
    private double secondsNow;
    private long sinceNanos = System.nanoTime();

    Shown(PrintStream err, Settings settings, List<Workload> workloads) {
        this.err = err;
        this.settings = settings;
        this.workloads = workloads;
        double total = Catalogue.seconds(workloads, settings);
        // The launcher has looked; Java itself cannot tell standard error from a file.
        if (!Boolean.getBoolean("stockledger.terminal")) {
            this.bar = null;
            this.ticks = new Thread();
            return;
        }
        this.bar = new ProgressBarBuilder().setTaskName("loadtest").setInitialMax((long) total).setUnit(" s", 1)
                .setUpdateIntervalMillis(500).setConsumer(new ConsoleProgressBarConsumer(err, WIDTH)).build();
        this.ticks = new Thread(this::tick, "progress");
        ticks.setDaemon(true);
        ticks.start();
    }

    @Override
    public synchronized void begins(Workload workload) {
        begun++;
        sinceNanos = System.nanoTime();
        secondsNow = workload.seconds(settings);
        line(String.format(java.util.Locale.ROOT, "[%d/%d] %s: %s (about %.0f s)",
                begun, workloads.size(), workload.name(), workload.about(), secondsNow));
    }

    @Override
    public synchronized void ended(Runner.Ending ending) {
        secondsBefore += secondsNow;
        secondsNow = 0;
        if (ending instanceof Runner.NotHere notHere) {
            line("    left out: " + notHere.why());
        } else if (ending instanceof Runner.Failed failed) {
            line("    FAILED: " + failed.why());
        }
    }

    @Override
    public void say(String line) {
        line("    " + line);
    }

    @Override
    public void measured(Figure figure) {
        line("    " + figure.title() + ": " + Numbers.shown(figure.value()) + " " + figure.unit());
    }

    /** Above the bar, where there is one. */
    private synchronized void line(String line) {
        if (bar != null) {
            err.print("\r" + " ".repeat(WIDTH) + "\r");
        }
        err.println(line);
        err.flush();
    }

    private void tick() {
        try {
            while (true) {
                TimeUnit.MILLISECONDS.sleep(500);
                synchronized (this) {
                    double within = Math.min(secondsNow, (System.nanoTime() - sinceNanos) / 1e9);
                    bar.stepTo((long) (secondsBefore + within));
                }
            }
        } catch (InterruptedException closing) {
            // The bar is closed next.
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            ticks.interrupt();
            bar.close();
        }
    }
}
