package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who decides, asked by all of a shop's threads while somebody switches. */
class RoutingThreadsTest {
    private static final int SWITCHES = 600;
    private static final int CALLERS = 6;

    @TempDir
    private Path folder;

    /** A fifth of a second goes by with each question, so that looks at the file take longer than the next is due. */
    private final AtomicLong nanos = new AtomicLong();

    @Test
    void aSwitchThatWasSeenStaysSeen() throws IOException {
        Path file = folder.resolve("routing.tsv");
        Routing routing = new Routing(file, () -> nanos.addAndGet(Duration.ofMillis(200).toNanos()));
        AtomicLong made = new AtomicLong();
        AtomicBoolean over = new AtomicBoolean();
        Runnable[] parts = new Runnable[CALLERS + 1];
        for (int i = 0; i < CALLERS; i++) {
            parts[i] = () -> {
                int seen = 0;
                while (!over.get()) {
                    List<Routing.Switch> history = routing.history();
                    assertTrue(history.size() >= seen, history.size() + " switches after " + seen);
                    seen = history.size();
                    assertTrue(seen <= made.get() + 1);
                    for (int n = 0; n < seen; n++) {
                        assertEquals(decider(n), history.get(n).to());
                    }
                }
            };
        }
        parts[CALLERS] = () -> {
            try {
                for (int n = 0; n < SWITCHES; n++) {
                    Routing.record(file, new Routing.Switch(Instant.EPOCH, decider(n), "", "", "olga", "switch " + n));
                    made.incrementAndGet();
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } finally {
                over.set(true);
            }
        };
        Interleavings.together(parts);
        nanos.addAndGet(Duration.ofSeconds(1).toNanos());
        assertEquals(SWITCHES, routing.history().size());
        assertEquals(decider(SWITCHES - 1), routing.decides("A", "web"));
    }

    private static Routing.Decider decider(int n) {
        return n % 2 == 0 ? Routing.Decider.LEDGER : Routing.Decider.OLD_PATH;
    }
}
