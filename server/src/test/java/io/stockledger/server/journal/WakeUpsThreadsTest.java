package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.Interleavings;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The tail's wake-ups, told by every SKU that commits. */
class WakeUpsThreadsTest {
    @Test
    void whatCommitsAfterALookBeganLeadsToAnotherLook() {
        Interleavings.of(500, () -> {
            WakeUps wakeUps = new WakeUps();
            AtomicInteger committed = new AtomicInteger();
            AtomicInteger seen = new AtomicInteger();
            Runnable commit = () -> {
                committed.incrementAndGet();
                wakeUps.wake();
            };
            Interleavings.together(commit, commit, () -> {
                for (int i = 0; i < 2; i++) {
                    wakeUps.lookBegins();
                    seen.set(committed.get());
                }
            });
            assertTrue(seen.get() == committed.get() || isAwake(wakeUps), "a commit would wait for the slow poll");
        });
    }

    private static boolean isAwake(WakeUps wakeUps) {
        try {
            return wakeUps.await(0);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
