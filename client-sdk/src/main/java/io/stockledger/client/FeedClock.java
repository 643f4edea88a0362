package io.stockledger.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Says how old a view of the feed may be, without two clocks having to agree: by the ledger's clock between its
 * moments, by this process's steady clock since.
 *
 * <p>For each message, local arrival less ledger time is the difference of the clocks plus the time on the way. The
 * smallest of the last minutes is taken as the difference, which leaves the extra delay of a slower message (queued
 * behind a slow listener, say) counted as age. Only of the last minutes, since clocks drift apart: 50 millionths are
 * 4 s a day, and 12 ms in the four minutes that a sample lasts at most.
 */
final class FeedClock {

    private static final long WINDOW_NANOS = Duration.ofMinutes(2).toNanos();

    private final LongSupplier nanoTime;
    /** What readers read: written by the subscription's thread alone. */
    private volatile Reading reading = new Reading(false, 0, 0, Optional.empty());

    // Touched on the subscription's thread only.
    private boolean started;
    private long windowStartNanos;
    private long smallestNow;
    private long smallestBefore;

    /**
     * @param caughtUp whether it ever was
     * @param completeNanos the ledger's time up to which all is in the view
     * @param differenceNanos local steady clock less ledger's clock
     */
    private record Reading(boolean caughtUp, long completeNanos, long differenceNanos, Optional<Instant> completeTime) {}

    FeedClock(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** A message was applied. */
    void told(FeedProgress progress) {
        note(progress, reading.caughtUp);
    }

    /** A message was applied that says that everything has been told. */
    void caughtUp(FeedProgress progress) {
        // A ledger that has told everything is complete at least up to the moment it said so.
        note(
                new FeedProgress(
                        progress.cursor(),
                        progress.ledgerTime(),
                        Optional.of(progress.completeTime().orElse(progress.ledgerTime()))),
                true);
    }

    Optional<Instant> completeTime() {
        return reading.completeTime;
    }

    long stalenessMillis() {
        Reading last = reading;
        if (!last.caughtUp) {
            return Long.MAX_VALUE;
        }
        long age = nanoTime.getAsLong() - last.differenceNanos - last.completeNanos;
        // Rounded up: a bound must not promise more than is known.
        return Math.max(0, Math.floorDiv(age + 999_999, 1_000_000L));
    }

    private void note(FeedProgress progress, boolean caughtUp) {
        long now = nanoTime.getAsLong();
        long difference = now - nanos(progress.ledgerTime());
        if (!started) {
            started = true;
            windowStartNanos = now;
            smallestNow = difference;
            smallestBefore = difference;
        } else if (now - windowStartNanos > WINDOW_NANOS) {
            windowStartNanos = now;
            smallestBefore = smallestNow;
            smallestNow = difference;
        } else if (difference - smallestNow < 0) {
            smallestNow = difference;
        }
        long smallest = smallestBefore - smallestNow < 0 ? smallestBefore : smallestNow;
        // While catching up no complete time is told: the last one stands, and grows old.
        reading = new Reading(
                caughtUp,
                progress.completeTime().map(FeedClock::nanos).orElse(reading.completeNanos),
                smallest,
                progress.completeTime().or(() -> reading.completeTime));
    }

    /** Good until the year 2262; only differences are used. */
    private static long nanos(Instant time) {
        return time.getEpochSecond() * 1_000_000_000L + time.getNano();
    }
}
