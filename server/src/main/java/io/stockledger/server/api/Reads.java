package io.stockledger.server.api;

import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.stockledger.server.entity.Outcome;
import java.sql.SQLException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs what reads the journal, on a few threads with a bounded queue, so that heavy readers slow only each other. */
final class Reads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reads.class);
    private static final Status UNREADABLE = Errors.status(Code.UNAVAILABLE, Outcome.Failure.NOT_STARTED.name(),
            "the ledger's store can't be read now; ask again");

    private final ThreadPoolExecutor threads;

    Reads(int threads, int waitingMax) {
        this.threads = new ThreadPoolExecutor(threads, threads, 1, TimeUnit.MINUTES,
                new LinkedBlockingQueue<>(waitingMax), task -> {
                    Thread thread = new Thread(task, "read");
                    thread.setDaemon(true);
                    return thread;
                });
        this.threads.allowCoreThreadTimeOut(true);
    }

    /** Something that reads the journal. */
    interface Read {
        void run() throws SQLException;
    }

    /** Runs a read that ends by answering; where it throws or can't run, {@code failed} is told what to answer. */
    void run(Consumer<Status> failed, Read read) {
        try {
            threads.execute(() -> {
                try {
                    read.run();
                } catch (SQLException | RuntimeException e) {
                    LOG.warn("A read of the journal failed: {}", e.toString());
                    failed.accept(UNREADABLE);
                }
            });
        } catch (RejectedExecutionException full) {
            failed.accept(Errors.of(Outcome.Failure.TOO_MANY_LOOKUPS));
        }
    }

    int waiting() {
        return threads.getQueue().size();
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
