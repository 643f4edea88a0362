package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.StockView;
import io.stockledger.client.Subscription;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Stock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stock view against the real ledger: begun with a snapshot, and while the ledger is away. */
class ViewSnapshotTest {
    private static final int SKUS = 60;

    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static LedgerClient client() {
        return LedgerClient.connect("127.0.0.1:" + ledger.port());
    }

    private static void mutate(Random random, int count) {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        List<Mutation.Builder> some = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String sku = "view-" + random.nextInt(SKUS);
            some.add((switch (random.nextInt(4)) {
                case 0 -> Mutations.sell(sku, 1 + random.nextInt(3));
                case 1 -> Mutations.reserve(sku, 1, Duration.ofDays(1));
                case 2 -> Mutations.setSafetyStock(sku, random.nextInt(3));
                default -> Mutations.receive(sku, 1 + random.nextInt(5));
            }).setLocation(random.nextBoolean() ? "main" : "shop"));
        }
        stream.send(some);
        stream.results();
    }

    private static Map<String, Stock> held(StockView view) {
        Map<String, Stock> held = new TreeMap<>();
        view.skus().forEach(sku -> held.put(sku, view.stock(sku, "web").orElseThrow().toBuilder().clearAsOfTime().build()));
        return held;
    }

    @Test
    void aViewThatBeginsWithItsSnapshotHoldsWhatAFreshOneHolds(@TempDir Path folder) {
        Random random = new Random(3);
        Path file = folder.resolve("view");
        for (int process = 0; process < 4; process++) {
            mutate(random, 150);
            try (LedgerClient client = client();
                    StockView view = client.stockViewBuilder().snapshot(file).open();
                    StockView fresh = client.stockView()) {
                assertEquals(Optional.empty(), view.coldStart());
                assertEquals(process > 0, !view.skus().isEmpty(), "it holds what the last process held");
                assertTrue(view.awaitCaughtUp(RunningLedger.BOUND) && fresh.awaitCaughtUp(RunningLedger.BOUND));
                mutate(random, 50);
                for (String sku : fresh.skus()) {
                    Stock stock = ledger.stock(sku);
                    RunningLedger.await("the view is at the ledger's", () -> view.sequence(sku) == stock.getSequence());
                    assertEquals(stock.getBalancesList(), view.stock(sku).orElseThrow().getBalancesList());
                    assertEquals(Optional.empty(), view.drift(sku));
                }
                RunningLedger.await("both are at the same entries", () -> held(view).equals(held(fresh)));
            }
            if (process == 1) {
                ledger.restart();
            }
        }
    }

    @Test
    void stalenessGrowsWhileTheLedgerIsAwayAndIsNeverBelowTheTrueAge() {
        ledger.applied(Mutations.receive("away", 1));
        try (LedgerClient client = client(); StockView view = client.stockView()) {
            assertTrue(view.awaitCaughtUp(RunningLedger.BOUND));
            // The ledger's clock is an hour ahead of this machine's, and no figure is wrong by it.
            ledger.clock.forward(Duration.ofHours(1));
            ledger.applied(Mutations.sell("away", 1));
            RunningLedger.await("the entry is in the view", () -> view.sequence("away") == 2);
            RunningLedger.await("it is a second old at most", () -> view.stalenessMillis() < 1_000);
            RunningLedger.await("the clocks were compared", () -> view.clockAheadOfLedger().orElseThrow().toMinutes() == -60);
            ledger.stop();
            Instant stopped = Instant.now();
            RunningLedger.await("the connection broke", () -> view.state() == Subscription.State.CONNECTING);
            long atFirst = view.stalenessMillis();
            RunningLedger.await("it grows", () -> view.stalenessMillis() >= atFirst + 300);
            assertTrue(view.stalenessMillis() >= Duration.between(stopped, Instant.now()).toMillis());
            assertEquals(0, view.onHand("away"));
            assertTrue(view.isStale(Duration.ofMillis(300)));
        } finally {
            ledger.startAgain();
        }
    }
}
