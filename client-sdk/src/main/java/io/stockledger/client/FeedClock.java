package io.stockledger.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Says how old a view of the feed may be at most, without two clocks having to agree: by the ledger's clock between
 * its moments, by this process's steady clock since.
 *
 * <p>What ties the two together is an exchange: asked at a local moment, the ledger told its time, which it can only
 * have read later. So local time less ledger time is at least "asked less told", and an age reckoned by that is never
 * too low; it is too high by what the question took on its way. Since clocks drift apart, what an exchange said is
 * worth a little less each second; a later one that says more takes its place.
 */
final class FeedClock {

    /** Time synchronisation moves a clock by at most 500 millionths, and two clocks the opposite way by twice that. */
    private static final long DRIFT_MILLIONTHS = 1_000;
    /** The ledger tells whole milliseconds, rounded down. */
    private static final long TOLD_NANOS = Duration.ofMillis(1).toNanos();

    private final LongSupplier nanoTime;
    /** What readers read: written by one thread at a time, whole, so that none of them sees a moment in between. */
    private volatile Reading reading = new Reading(Optional.empty(), Optional.empty());

    /** @param complete the ledger's time up to which all is in the view */
    private record Reading(Optional<Instant> complete, Optional<Exchange> exchange) {}

    /** @param atLeastNanos local steady clock less ledger's clock, when the local one read {@code askedNanos} */
    private record Exchange(long askedNanos, long atLeastNanos) {
        private long atLeastNanos(long now) {
            return atLeastNanos - ((now - askedNanos) / 1_000_000 + 1) * DRIFT_MILLIONTHS;
        }
    }

    FeedClock(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** The same on a new connection, behind which there may be another node's clock: what was known before is void. */
    void connected(long askedNanos, Instant ledgerTime) {
        reading = new Reading(reading.complete, Optional.of(exchange(askedNanos, ledgerTime)));
    }

    /** The ledger, asked at this moment of the steady clock or later, told its time. */
    void exchanged(long askedNanos, Instant ledgerTime) {
        Exchange next = exchange(askedNanos, ledgerTime);
        long now = nanoTime.getAsLong();
        if (reading.exchange
                .map(last -> next.atLeastNanos(now) - last.atLeastNanos(now) >= 0)
                .orElse(true)) {
            reading = new Reading(reading.complete, Optional.of(next));
        }
    }

    private static Exchange exchange(long askedNanos, Instant ledgerTime) {
        return new Exchange(askedNanos, askedNanos - nanos(ledgerTime) - TOLD_NANOS);
    }

    /** A view begins with what was complete at this time. */
    void complete(Instant time) {
        reading = new Reading(Optional.of(time), reading.exchange);
    }

    /** A message was applied. While catching up it tells no complete time: the last one stands, and grows old. */
    void told(FeedProgress progress) {
        told(progress, reading.complete.map(last -> progress.completeTime().orElse(last)));
    }

    /** A message was applied that says that everything has been told: complete at least up to when it said so. */
    void caughtUp(FeedProgress progress) {
        told(progress, Optional.of(progress.completeTime().orElse(progress.ledgerTime())));
    }

    private void told(FeedProgress progress, Optional<Instant> complete) {
        long now = nanoTime.getAsLong();
        long atMost = now - nanos(progress.ledgerTime());
        // A message can't come from the future: the ledger's clock was set forward, and the exchange is void. Until the
        // next one nothing better is known than that this message took no time.
        Optional<Exchange> exchange = reading.exchange.map(
                last -> atMost - last.atLeastNanos(now) < 0 ? new Exchange(now, atMost) : last);
        reading = new Reading(complete, exchange);
    }

    Optional<Instant> completeTime() {
        return reading.complete;
    }

    /** {@link Long#MAX_VALUE} where the age has no bound yet. */
    long stalenessMillis() {
        Reading last = reading;
        if (last.complete.isEmpty() || last.exchange.isEmpty()) {
            return Long.MAX_VALUE;
        }
        long now = nanoTime.getAsLong();
        long age = now - last.exchange.get().atLeastNanos(now) - nanos(last.complete.get());
        // Rounded up: a bound must not promise more than is known.
        return Math.max(0, Math.floorDiv(age + 999_999, 1_000_000L));
    }

    /** How far a wall clock, read now, is ahead of the ledger's; too low by what the exchange took. */
    Optional<Duration> aheadOfLedger(Instant wallClock) {
        long now = nanoTime.getAsLong();
        return reading.exchange.map(last -> Duration.ofNanos(nanos(wallClock) - (now - last.atLeastNanos)));
    }

    /** Good until the year 2262; only differences are used. */
    private static long nanos(Instant time) {
        return time.getEpochSecond() * 1_000_000_000L + time.getNano();
    }
}
