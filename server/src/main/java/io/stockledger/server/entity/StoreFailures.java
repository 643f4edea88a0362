package io.stockledger.server.entity;

import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs that SKUs could not write or replay: a store that is away fails thousands of them at once, and one line a
 * second says as much as all of theirs.
 */
final class StoreFailures {
    private static final Logger LOG = LoggerFactory.getLogger(StoreFailures.class);
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(1);

    private long lastNanos = System.nanoTime() - QUIET_NANOS;
    private long unsaid;

    synchronized void tell(String sku, String why) {
        long now = System.nanoTime();
        if (now - lastNanos < QUIET_NANOS) {
            unsaid++;
            return;
        }
        LOG.warn("{} lost its store and will replay{}: {}", sku,
                unsaid == 0 ? "" : ", as " + unsaid + " others since the last such line", why);
        lastNanos = now;
        unsaid = 0;
    }
}
