package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.StatusRuntimeException;
import io.stockledger.client.Mutations;
import io.stockledger.server.RunningLedger.Problem;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.MutationState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL dies under load: callers are told soon, and what they were told stays true. */
class StoreAwayTest {
    private static final int CALLERS = 8;
    private static final int SKUS = 20;
    private static final Set<String> TOLD = Set.of("UNAVAILABLE/OUTCOME_UNKNOWN", "UNAVAILABLE/NOT_STARTED");
    /** The longest that a call may take while the store is away; nobody hangs till his own deadline. */
    private static final Duration PROMPT = Duration.ofSeconds(15);

    @TempDir
    Path folder;

    private long postmaster() throws IOException {
        try (Stream<String> lines = Files.lines(folder.resolve("data/postgresql/postmaster.pid"))) {
            return Long.parseLong(lines.findFirst().orElseThrow().strip());
        }
    }

    @Test
    void whenTheStoreDiesUnderLoadCallersAreToldSoonAndWhatTheyWereToldStaysTrue() throws Exception {
        try (RunningLedger ledger = RunningLedger.start(new Server.Store.Embedded(folder.resolve("data")),
                "stockledger.entity.sweep-interval = 200 ms")) {
            ConcurrentMap<String, String> told = new ConcurrentHashMap<>();
            ConcurrentMap<String, Mutation> asked = new ConcurrentHashMap<>();
            ConcurrentMap<String, Integer> problems = new ConcurrentHashMap<>();
            AtomicLong slowestNanos = new AtomicLong();
            AtomicLong applied = new AtomicLong();
            AtomicBoolean goOn = new AtomicBoolean(true);
            List<Thread> callers = new ArrayList<>();
            for (int caller = 0; caller < CALLERS; caller++) {
                int number = caller;
                Thread thread = new Thread(() -> {
                    for (int i = 0; goOn.get(); i++) {
                        // Known SKUs, and now and then one that must first come into memory.
                        String sku = i % 10 == 9 ? "new-" + number + "-" + i : "sku-" + (number * 7 + i) % SKUS;
                        Mutation.Builder mutation = Mutations.receive(sku, 1).setMutationId("m-" + number + "-" + i);
                        asked.put(mutation.getMutationId(), mutation.build());
                        long begun = System.nanoTime();
                        String outcome = call(ledger, mutation);
                        slowestNanos.accumulateAndGet(System.nanoTime() - begun, Math::max);
                        told.put(mutation.getMutationId(), outcome);
                        if (outcome.equals("applied")) {
                            applied.incrementAndGet();
                        } else {
                            problems.merge(outcome, 1, Integer::sum);
                        }
                    }
                }, "caller-" + caller);
                callers.add(thread);
                thread.start();
            }
            await("load", () -> applied.get() > 500);
            for (int death = 0; death < 2; death++) {
                int problemsBefore = problems.values().stream().mapToInt(Integer::intValue).sum();
                ProcessHandle.of(postmaster()).orElseThrow().destroyForcibly();
                await("callers are told", PROMPT, () ->
                        problems.values().stream().mapToInt(Integer::intValue).sum() > problemsBefore);
                long appliedBefore = applied.get();
                await("the ledger works again", Duration.ofSeconds(30), () -> applied.get() > appliedBefore + 500);
            }
            goOn.set(false);
            for (Thread caller : callers) {
                caller.join(RunningLedger.BOUND.toMillis());
                assertTrue(!caller.isAlive(), "a caller hangs");
            }
            assertTrue(TOLD.containsAll(problems.keySet()), () -> "told: " + problems);
            assertTrue(slowestNanos.get() < PROMPT.toNanos(), () -> "a call took "
                    + TimeUnit.NANOSECONDS.toMillis(slowestNanos.get()) + " ms; " + problems);

            // Every SKU answers again, and holds what its callers were told, once.
            Map<String, Integer> times = new HashMap<>();
            Set<String> skus = ConcurrentHashMap.newKeySet();
            asked.values().forEach(mutation -> skus.add(mutation.getSku()));
            for (String sku : skus) {
                await(sku + " answers again", Duration.ofSeconds(15), () -> answers(ledger, sku));
                List<Entry> entries = ledger.entries(sku);
                assertEquals(entries.size(), ledger.stock(sku).getSequence());
                assertEquals(entries.size(), ledger.stock(sku).getOnHand());
                entries.forEach(entry -> times.merge(entry.getMutationId(), 1, Integer::sum));
            }
            told.forEach((id, outcome) -> {
                int there = times.getOrDefault(id, 0);
                if (outcome.equals("applied")) {
                    assertEquals(1, there, id);
                } else if (outcome.endsWith("NOT_STARTED")) {
                    assertEquals(0, there, () -> id + " was said not to be applied");
                } else {
                    assertTrue(there <= 1, id);
                }
            });
            // An unknown outcome is learned by sending the same again.
            for (Map.Entry<String, String> unknown : told.entrySet().stream()
                    .filter(entry -> entry.getValue().endsWith("OUTCOME_UNKNOWN")).toList()) {
                Mutation mutation = asked.get(unknown.getKey());
                MutationResult again = ledger.apply(mutation.toBuilder());
                assertTrue(again.hasApplied());
                assertEquals(times.containsKey(unknown.getKey()), again.getApplied().getReplayed());
                assertEquals(MutationState.MUTATION_STATE_APPLIED,
                        ledger.mutation(mutation.getSku(), mutation.getMutationId()).getState());
            }
        }
    }

    @Test
    void whileTheStoreStaysAwayCallersOfManyNewSkusAreToldSoon() throws Exception {
        Database.Address direct = TestPostgresql.emptyDatabase();
        try (HoldingProxy network = HoldingProxy.before(direct);
                RunningLedger ledger = RunningLedger.start(new Server.Store.Postgresql(network.addressOf(direct)), "")) {
            ledger.applied(Mutations.receive("known", 1));
            network.breakDown();
            LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel())
                    .withDeadlineAfter(60, TimeUnit.SECONDS);
            List<Future<ApplyMutationResponse>> answers = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                answers.add(calls.applyMutation(RunningLedger.request(Mutations.receive("cold-" + i, 1))));
            }
            await("all are told", PROMPT, () -> answers.stream().allMatch(Future::isDone));
            for (Future<ApplyMutationResponse> answer : answers) {
                ExecutionException failed = assertThrows(ExecutionException.class, answer::get);
                assertEquals("UNAVAILABLE/NOT_STARTED", Problem.of(failed.getCause()).name());
            }
            network.mend();
            await("every SKU works", Duration.ofSeconds(30), () -> {
                for (int i = 0; i < 300; i += 50) {
                    if (!answers(ledger, "cold-" + i)) {
                        return false;
                    }
                }
                return answers(ledger, "known");
            });
            assertEquals(0, ledger.stock("cold-0").getSequence());
            assertEquals(1, ledger.applied(Mutations.receive("cold-0", 1)).getSequence());
        }
    }

    /** A SKU whose write failed replays before it answers; until then it says so. */
    private static boolean answers(RunningLedger ledger, String sku) {
        try {
            return !ledger.stock(sku).getSku().isEmpty();
        } catch (StatusRuntimeException e) {
            assertEquals("UNAVAILABLE/NOT_STARTED", Problem.of(e).name());
            return false;
        }
    }

    private static String call(RunningLedger ledger, Mutation.Builder mutation) {
        try {
            MutationResult result = LedgerServiceGrpc.newBlockingStub(ledger.channel()).withDeadlineAfter(60, TimeUnit.SECONDS)
                    .applyMutation(RunningLedger.request(mutation)).getResult();
            return result.hasApplied() ? "applied" : "refused";
        } catch (StatusRuntimeException e) {
            return Problem.of(e).name();
        }
    }

    @Test
    void readsOfAStoreThatIsAwayAreToldSoToo() throws Exception {
        try (RunningLedger ledger = RunningLedger.start(new Server.Store.Embedded(folder.resolve("data")),
                "stockledger.journal.reads.wait = 1 s")) {
            ledger.applied(Mutations.receive("read", 1));
            ProcessHandle.of(postmaster()).orElseThrow().destroyForcibly();
            // What is in memory needs no store.
            assertEquals(1, ledger.stock("read").getSequence());
            await("works again", () -> {
                try {
                    return ledger.entries("read").size() == 1;
                } catch (StatusRuntimeException e) {
                    assertEquals("UNAVAILABLE/NOT_STARTED", Problem.of(e).name());
                    return false;
                }
            });
        }
    }
}
