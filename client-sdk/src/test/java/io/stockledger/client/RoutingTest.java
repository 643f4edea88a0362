package io.stockledger.client;

import static io.stockledger.client.Routing.Decider.LEDGER;
import static io.stockledger.client.Routing.Decider.OLD_PATH;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who decides about a SKU during a migration. */
class RoutingTest {

    @TempDir
    private Path folder;

    private Path file;
    private final AtomicLong nanos = new AtomicLong();

    @BeforeEach
    void name() {
        file = folder.resolve("routing.tsv");
    }

    private void record(Routing.Decider to, String prefix, String channel) throws IOException {
        Routing.record(file, new Routing.Switch(Instant.EPOCH, to, prefix, channel, "olga", "it held for a week"));
    }

    private Routing loaded() throws IOException {
        return new Routing(file, nanos::get);
    }

    private Routing.Decider afterASecond(Routing routing, String sku, String channel) {
        nanos.addAndGet(Duration.ofSeconds(1).toNanos());
        return routing.decides(sku, channel);
    }

    @Test
    void theLastSwitchThatTakesInASkuAndChannelDecides() throws IOException {
        record(LEDGER, "A", "");
        record(OLD_PATH, "AB", "");
        record(LEDGER, "", "pos");
        record(LEDGER, "C", "web");
        Routing routing = loaded();

        assertEquals(LEDGER, routing.decides("A-1", "web"));
        assertEquals(OLD_PATH, routing.decides("AB-1", "web"));
        assertEquals(LEDGER, routing.decides("AB-1", "pos"));
        assertEquals(LEDGER, routing.decides("C-1", "web"));
        assertEquals(OLD_PATH, routing.decides("C-1", "app"));
        assertEquals(4, routing.history().size());
        assertEquals("olga", routing.history().get(0).by());
    }

    @Test
    void aSwitchAndTheWayBackAreSeenWhileItRuns() throws IOException {
        Routing routing = loaded();
        assertEquals(OLD_PATH, routing.decides("A", "web"));
        record(LEDGER, "", "");
        assertEquals(LEDGER, afterASecond(routing, "A", "web"));
        record(OLD_PATH, "", "");
        assertEquals(OLD_PATH, afterASecond(routing, "A", "web"));
    }

    @Test
    void whatCantBeReadAnyMoreLeavesItAsItWas() throws IOException {
        record(LEDGER, "", "");
        Routing routing = loaded();
        Files.writeString(file, "nonsense\n", StandardOpenOption.APPEND);
        assertEquals(LEDGER, afterASecond(routing, "A", "web"));
        Files.delete(file);
        assertEquals(LEDGER, afterASecond(routing, "A", "web"));
    }

    @Test
    void aFileThatIsNoneIsToldByItsLineWhenItIsLoaded() throws IOException {
        record(LEDGER, "", "");
        Files.writeString(file, "nonsense\n", StandardOpenOption.APPEND);
        assertTrue(assertThrows(IOException.class, this::loaded).getMessage().contains("line 3 is no switch"));
    }

    @Test
    void aSwitchThatWasBrokenOffIsNoneAndTheNextOneIsWhole() throws IOException {
        record(LEDGER, "A", "");
        Files.writeString(file, "2026-11-28T00:00:00Z\tLEDGER\t", StandardOpenOption.APPEND);
        assertEquals(OLD_PATH, loaded().decides("B", "web"));
        record(LEDGER, "B", "");
        assertEquals(LEDGER, loaded().decides("B", "web"));
        assertEquals(2, loaded().history().size());
    }

    @Test
    void switchesThatAreMadeAtOnceAreAllKept() throws Exception {
        ExecutorService people = Executors.newFixedThreadPool(8);
        List<Future<?>> made = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            String prefix = "P" + i;
            made.add(people.submit(() -> {
                record(LEDGER, prefix, "");
                return null;
            }));
        }
        for (Future<?> one : made) {
            one.get();
        }
        people.shutdown();
        assertEquals(40, loaded().history().stream().map(Routing.Switch::skuPrefix).distinct().count());
    }
}
