package io.stockledger.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait before the next attempt: doubling from 20 ms to 1 s, of which a random half is taken off, so that
 * the clients of a ledger that comes back do not all come at once. The bound is low because a mutation's whole life
 * is seconds, and a checkout waits at the other end.
 */
final class Backoff {

    private static final long FIRST_MS = 20;
    private static final long MAX_MS = 1_000;

    private Backoff() {}

    /**
     * @param failures attempts that failed in a row, 1 or more
     * @param failure the last of them
     */
    static Duration delay(int failures, Failure failure) {
        long ceiling = Math.min(MAX_MS, FIRST_MS << Math.min(failures - 1, 10));
        long jittered = ceiling / 2 + ThreadLocalRandom.current().nextLong(ceiling / 2 + 1);
        Duration own = Duration.ofMillis(jittered);
        // The ledger's wish is a floor; the jitter on top keeps those that it put off together from returning together.
        return failure.retryAfter().map(own::plus).orElse(own);
    }
}
