package io.stockledger.server.journal;

import com.typesafe.config.Config;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How fast whoever reads much may go (an audit, a listing, a subscriber that catches up): as fast as it can while
 * nobody writes; while mutations are being committed it works for a share of the time only, so that the cores are the
 * checkout's.
 */
public final class Pace {
    /** A commit within this time means that mutations come in. */
    private static final long BUSY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    /** A rest is at most so long: what reads slowly must notice soon that the ledger has become quiet. */
    private static final long REST_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(250);

    private final double share;
    private final LongSupplier nanoTime;
    private volatile long lastCommitNanos;

    /** {@code config}: stockledger.journal. */
    public Pace(Config config) {
        this(config.getDouble("reads.share-while-writing"), System::nanoTime);
    }

    /** @param share of the time, above 0 up to 1, that one reader works while mutations come in */
    public Pace(double share) {
        this(share, System::nanoTime);
    }

    Pace(double share, LongSupplier nanoTime) {
        if (!(share > 0 && share <= 1)) {
            throw new StartupException("stockledger.journal.reads.share-while-writing is " + share + ": set it above 0, up to 1.");
        }
        this.share = share;
        this.nanoTime = nanoTime;
        this.lastCommitNanos = nanoTime.getAsLong() - 2 * BUSY_NANOS;
    }

    /** Something has been committed. Any thread; cheap. */
    public void committed() {
        lastCommitNanos = nanoTime.getAsLong();
    }

    /** How long to rest after having read for so long. */
    public long restNanos(long workedNanos) {
        if (nanoTime.getAsLong() - lastCommitNanos > BUSY_NANOS) {
            return 0;
        }
        return Math.min((long) (workedNanos * (1 / share - 1)), REST_NANOS_MAX);
    }

    /** Rests; a thread that is interrupted meanwhile stays so, and goes on at once. */
    public void rest(long workedNanos) {
        try {
            TimeUnit.NANOSECONDS.sleep(restNanos(workedNanos));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
