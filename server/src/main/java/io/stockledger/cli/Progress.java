package io.stockledger.cli;

import java.io.PrintWriter;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

/** How far long work has come: a bar where somebody watches a terminal, else nothing. */
public sealed interface Progress extends AutoCloseable {
    void at(long done);

    @Override
    void close();

    static Progress of(PrintWriter err, String task, long total) {
        err.flush();
        // The launcher has looked; Java itself cannot tell standard error from a file.
        return Boolean.getBoolean("stockledger.terminal") ? new Bar(task, total) : new Silent();
    }

    /** No terminal: a log file wants no bars. */
    record Silent() implements Progress {
        @Override
        public void at(long done) {
        }

        @Override
        public void close() {
        }
    }

    /** Redrawn a few times a second by a thread of its own. */
    final class Bar implements Progress {
        private static final int WIDTH = 79;
        private final ProgressBar bar;

        private Bar(String task, long total) {
            bar = new ProgressBarBuilder()
                    .setTaskName(task)
                    .setInitialMax(total)
                    .setUpdateIntervalMillis((int) Duration.ofMillis(200).toMillis())
                    .showSpeed()
                    .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
                    .build();
        }

        @Override
        public void at(long done) {
            bar.stepTo(done);
        }

        @Override
        public void close() {
            bar.close();
        }
    }
}
