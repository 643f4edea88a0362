package io.stockledger.server.journal;

import com.typesafe.config.Config;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How fast those who read much may go (an audit, a listing, a subscriber that catches up): as fast as they can while
 * nobody writes; while mutations are being committed all of them together work for a share of the time only, one after
 * the other, so that the cores are the checkout's.
 */
public final class Pace {
    /** A commit within this time means that mutations come in. */
    private static final long BUSY_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    /** A rest is at most so long: what reads slowly must notice soon that the ledger has become quiet. */
    private static final long REST_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(250);
    /** Who has worked for so long rests, also in the middle of a page: for as long a checkout has a core less. */
    private static final long WORK_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(4);

    private final double share;
    private final LongSupplier nanoTime;
    private final AtomicLong lastCommitNanos;
    /** When the next of them may work: each who has worked moves it on by what the others have to leave free. */
    private final AtomicLong nextTurnNanos;

    /** {@code config}: stockledger.journal. */
    public Pace(Config config) {
        this(config.getDouble("reads.share-while-writing"), System::nanoTime);
    }

    /** @param share of the time, above 0 up to 1, that who keeps this pace works while mutations come in */
    public Pace(double share) {
        this(share, System::nanoTime);
    }

    Pace(double share, LongSupplier nanoTime) {
        this(share, nanoTime, new AtomicLong(nanoTime.getAsLong() - 2 * BUSY_NANOS));
    }

    private Pace(double share, LongSupplier nanoTime, AtomicLong lastCommitNanos) {
        if (!(share > 0 && share <= 1)) {
            throw new StartupException("stockledger.journal.reads.share-while-writing is " + share + ": set it above 0, up to 1.");
        }
        this.share = share;
        this.nanoTime = nanoTime;
        this.lastCommitNanos = lastCommitNanos;
        this.nextTurnNanos = new AtomicLong(nanoTime.getAsLong());
    }

    /** The same pace for somebody who must not wait for these: a share of the time of its own. */
    public Pace apart() {
        return new Pace(share, nanoTime, lastCommitNanos);
    }

    /** Something has been committed. Any thread; cheap. */
    public void committed() {
        lastCommitNanos.set(nanoTime.getAsLong());
    }

    /** How long to rest after having read for so long: the longer, the more others read. */
    public long restNanos(long workedNanos) {
        long now = nanoTime.getAsLong();
        if (now - lastCommitNanos.get() > BUSY_NANOS) {
            return 0;
        }
        long rest = (long) (workedNanos * (1 / share - 1));
        return nextTurnNanos.updateAndGet(next -> Math.min(Math.max(next, now) + rest, now + REST_NANOS_MAX)) - now;
    }

    /** Work that begins now. */
    public Turn begin() {
        return new Turn();
    }

    /** What one thread works, with rests in it. */
    public final class Turn {
        private long begunNanos = nanoTime.getAsLong();

        private Turn() {}

        /** Rests where it is time to; cheap where it is not, so to be asked often. */
        public void restIfDue() {
            if (nanoTime.getAsLong() - begunNanos >= WORK_NANOS_MAX) {
                end();
            }
        }

        /** Rests for what has been worked since the last rest. */
        public void end() {
            rest(nanoTime.getAsLong() - begunNanos);
            begunNanos = nanoTime.getAsLong();
        }
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
