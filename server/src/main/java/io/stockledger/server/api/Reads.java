package io.stockledger.server.api;

import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.History;
import io.stockledger.server.journal.Pace;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one sort of reads of the journal, on a few threads of its own with a bounded queue: what a caller waits for in a
 * checkout must not queue behind an audit. Where there is a pace, a thread rests between reads while mutations come in.
 */
final class Reads implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reads.class);
    private static final Status UNREADABLE = Errors.status(Code.UNAVAILABLE, Outcome.Failure.NOT_STARTED.name(),
            "the ledger's store can't be read now; ask again");

    private final ThreadPoolExecutor threads;

    private final Optional<Pace> pace;

    Reads(String name, int threads, int waitingMax, Optional<Pace> pace) {
        this.pace = pace;
        this.threads = new ThreadPoolExecutor(threads, threads, 1, TimeUnit.MINUTES,
                new LinkedBlockingQueue<>(waitingMax), task -> {
                    Thread thread = new Thread(task, name);
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
                long begun = System.nanoTime();
                try {
                    read.run();
                } catch (GroupRow.DamagedException e) {
                    LOG.error("A read met a damaged journal: {}", e.getMessage());
                    failed.accept(Errors.damaged());
                } catch (SQLException | History.UnreadableException e) {
                    LOG.warn("A read of the journal failed: {}", e.toString());
                    failed.accept(UNREADABLE);
                } catch (RuntimeException e) {
                    LOG.error("A read of the journal failed", e);
                    failed.accept(UNREADABLE);
                }
                pace.ifPresent(kept -> kept.rest(System.nanoTime() - begun));
            });
        } catch (RejectedExecutionException full) {
            failed.accept(Errors.of(Outcome.Failure.TOO_MANY_LOOKUPS));
        }
    }

    /** False where the next read would be turned away: what prepares it may be spared. */
    boolean hasRoom() {
        return threads.getQueue().remainingCapacity() > 0;
    }

    int waiting() {
        return threads.getQueue().size();
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
