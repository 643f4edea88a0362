package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.fail;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Awaits what another thread brings about, with a bound. */
final class Eventually {

    private static final Duration BOUND = Duration.ofSeconds(10);

    private Eventually() {}

    static void eventually(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + BOUND.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                fail("did not come about within " + BOUND + ": " + what);
            }
            Thread.sleep(2);
        }
    }
}
