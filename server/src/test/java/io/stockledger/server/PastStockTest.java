package io.stockledger.server;

import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import io.stockledger.client.Mutations;
import io.stockledger.v1.Entry;
import io.stockledger.v1.GetStockAtRequest;
import io.stockledger.v1.GetStockAtResponse;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Stock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Stock at a point of the past. */
class PastStockTest {
    private static final List<String> LOCATIONS = List.of("main", "annex", "shop", "attic");

    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger { entity.group-entries-max = 5, journal.reads.page-rows = 3,"
                + " api { stock-at-waiting-max = 2 } }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static GetStockAtRequest.Builder of(String sku) {
        return GetStockAtRequest.newBuilder().setSku(sku);
    }

    private static Stock past(GetStockAtRequest.Builder request) {
        return ledger.calls().getStockAt(request.build()).getStock();
    }

    private static String refused(GetStockAtRequest.Builder request) {
        return problem(() -> past(request)).name();
    }

    @Test
    void everySequenceAndEveryTimeTellsWhatReplayingTheEntriesTells() {
        Random random = new Random(5);
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        for (int batch = 0; batch < 30; batch++) {
            List<Mutation.Builder> some = new ArrayList<>();
            for (int i = random.nextInt(12); i >= 0; i--) {
                // The attic is touched once, early: what comes after it is long.
                String location = LOCATIONS.get(batch == 2 ? 3 : random.nextInt(Math.min(3, batch / 5 + 1)));
                some.add((switch (random.nextInt(6)) {
                    case 0 -> Mutations.reserve("history", 1, Duration.ofDays(1));
                    case 1 -> Mutations.sell("history", 1 + random.nextInt(3)).setChannel("web");
                    case 2 -> Mutations.setSafetyStock("history", random.nextInt(3));
                    case 3 -> Mutations.setChannelAllocation("history", "web", random.nextInt(4));
                    default -> Mutations.receive("history", 1 + random.nextInt(5));
                }).setLocation(location));
            }
            stream.send(some);
            stream.results();
            ledger.clock.forward(Duration.ofMillis(random.nextInt(3) * 500L));
        }
        ledger.clock.forward(Duration.ofSeconds(1));
        List<Entry> entries = ledger.entries("history");
        assertTrue(entries.size() > 60, () -> "too short to say much: " + entries.size());

        Map<String, LocationBalance> replayed = new TreeMap<>();
        for (int i = 0; i <= entries.size(); i++) {
            if (i > 0) {
                entries.get(i - 1).getBalancesList().forEach(balance -> replayed.put(balance.getLocation(), balance));
            }
            Stock stock = past(of("history").setAtSequence(i).setChannel("web"));
            assertEquals(i, stock.getSequence());
            assertEquals(List.copyOf(replayed.values()), stock.getBalancesList());
            assertEquals(i > 0, stock.hasAsOfTime());
            if (i > 0) {
                Timestamp recorded = entries.get(i - 1).getRecordedAt();
                assertEquals(recorded, stock.getAsOfTime());
                LocationBalance shop = replayed.get("shop");
                assertEquals(shop == null ? List.of() : List.of(shop),
                        past(of("history").setAtSequence(i).setLocation("shop")).getBalancesList());
                if (i == entries.size() || !entries.get(i).getRecordedAt().equals(recorded)) {
                    assertEquals(stock, past(of("history").setAtTime(recorded).setChannel("web")));
                }
                if (i == 1 || Timestamps.compare(Timestamps.add(entries.get(i - 2).getRecordedAt(),
                        com.google.protobuf.util.Durations.fromMillis(1)), recorded) < 0) {
                    Timestamp justBefore = Timestamps.subtract(recorded, com.google.protobuf.util.Durations.fromMillis(1));
                    Stock before = past(of("history").setAtTime(justBefore));
                    assertEquals(i - 1, before.getSequence());
                    assertEquals(justBefore, before.getAsOfTime());
                }
            }
        }
        Stock now = ledger.calls().getStock(GetStockRequest.newBuilder().setSku("history").setChannel("web").build()).getStock();
        Stock last = past(of("history").setAtSequence(entries.size()).setChannel("web"));
        assertEquals(now.toBuilder().clearAsOfTime().build(), last.toBuilder().clearAsOfTime().build());
    }

    @Test
    void aPointThatIsNotInThePastIsRefusedAndSaysWhatIs() {
        ledger.applied(Mutations.receive("young", 4));
        assertEquals("OUT_OF_RANGE/SEQUENCE_AHEAD", refused(of("young").setAtSequence(2)));
        assertTrue(problem(() -> past(of("young").setAtSequence(9))).message().contains("it stands at sequence 1"));
        assertEquals("OUT_OF_RANGE/SEQUENCE_AHEAD", refused(of("unknown").setAtSequence(1)));
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", refused(of("young").setAtTime(ledger.at(Duration.ofSeconds(30)))));
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", refused(of("young")));
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", refused(of("").setAtSequence(1)));
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", refused(of("young").setAtSequence(-1)));
        assertEquals("INVALID_ARGUMENT/INVALID_FIELD", refused(of("young").setAtTime(Timestamp.newBuilder().setNanos(-4))));
        Stock nothing = past(of("young").setAtTime(ledger.at(Duration.ofDays(-900))));
        assertEquals(0, nothing.getSequence());
        assertEquals(0, nothing.getBalancesCount());
        assertEquals(0, past(of("unknown").setAtSequence(0)).getSequence());
    }

    @Test
    void aTimeThatHasPassedWaitsForTheEntryOfItThatIsStillBeingWritten() throws Exception {
        ledger.applied(Mutations.receive("late", 4));
        ListenableFuture<GetStockAtResponse> answer;
        Timestamp between;
        try (RunningLedger.HeldWrites held = ledger.holdWrites()) {
            var sale = LedgerServiceGrpc.newFutureStub(ledger.channel())
                    .applyMutation(RunningLedger.request(Mutations.sell("late", 1)));
            held.awaitOne();
            ledger.clock.forward(Duration.ofSeconds(5));
            between = ledger.at(Duration.ofSeconds(-1));
            ledger.clock.forward(Duration.ofSeconds(5));
            answer = LedgerServiceGrpc.newFutureStub(ledger.channel()).getStockAt(of("late").setAtTime(between).build());
            assertFalse(sale.isDone());
        }
        Stock stock = answer.get().getStock();
        assertEquals(2, stock.getSequence());
        assertEquals(stock, past(of("late").setAtTime(between)), "told once, told for ever");
    }

    @Test
    void thePastHasAQuotaOfItsOwnAndTheCheckoutDoesNotNoticeIt() throws Exception {
        ledger.applied(Mutations.receive("asked for", 4));
        ledger.clock.forward(Duration.ofSeconds(2));
        Timestamp time = ledger.at(Duration.ofSeconds(-1));
        var stub = LedgerServiceGrpc.newFutureStub(ledger.channel());
        List<ListenableFuture<GetStockAtResponse>> many = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            GetStockAtRequest.Builder request = of("asked for");
            many.add(stub.getStockAt((i % 2 == 0 ? request.setAtSequence(1) : request.setAtTime(time)).build()));
        }
        ledger.applied(Mutations.sell("asked for", 1));
        int turnedAway = 0;
        Futures.whenAllComplete(many).call(() -> null, Runnable::run).get();
        for (ListenableFuture<GetStockAtResponse> one : many) {
            try {
                assertEquals(4, one.get().getStock().getOnHand());
            } catch (ExecutionException e) {
                RunningLedger.Problem problem = RunningLedger.Problem.of(e.getCause());
                assertEquals("RESOURCE_EXHAUSTED/TOO_MANY_LOOKUPS", problem.name());
                assertTrue(problem.retryAfter().isPresent());
                turnedAway++;
            }
        }
        assertTrue(turnedAway > 0 && turnedAway < many.size(), "turned away: " + turnedAway);
    }
}
