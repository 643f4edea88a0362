package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Mutations;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Refusal;
import io.stockledger.v1.RefusalReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** No unit is sold twice, however many ask for it at once and however often they ask. */
class LastUnitTest {
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    @Test
    void secondClaimOnTheLastUnitIsRefused() {
        ledger.applied(Mutations.receive("last", 1));
        ledger.applied(Mutations.reserve("last", 1, Duration.ofMinutes(10)).setChannel("web"));

        Refusal sale = ledger.refused(Mutations.sell("last", 1).setChannel("store"));
        assertEquals(RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK, sale.getReason());
        assertEquals(0, sale.getAvailable());
        assertEquals(2, sale.getSequence());
        assertEquals(2, ledger.stock("last").getSequence(), "a refusal writes nothing");
    }

    @Test
    void ofAThousandCallersForSixUnitsExactlySixAreAccepted() throws Exception {
        for (int run = 0; run < 5; run++) {
            String sku = "six-" + run;
            ledger.applied(Mutations.receive(sku, 6));
            List<ApplyMutationRequest> claims = new ArrayList<>();
            for (int i = 0; i < 1_000; i++) {
                claims.add(claim(sku, sku + "-" + i, i));
            }
            long accepted = atOnce(claims).stream().filter(MutationResult::hasApplied).count();
            assertEquals(6, accepted);
            assertEquals(0, ledger.stock(sku).getAvailableToSell());
            assertEquals(7, ledger.stock(sku).getSequence());
        }
    }

    @Test
    void anIdThatIsSentSeveralTimesAtOnceHasOneOutcome() throws Exception {
        Random random = new Random(20261124);
        for (int run = 0; run < 3; run++) {
            String sku = "again-" + run;
            ledger.applied(Mutations.receive(sku, 6));
            List<ApplyMutationRequest> claims = new ArrayList<>();
            for (int i = 0; i < 1_000; i++) {
                int copies = i % 2 == 0 ? 1 : 2 + random.nextInt(4);
                for (int copy = 0; copy < copies; copy++) {
                    claims.add(claim(sku, sku + "-" + i, i));
                }
            }
            java.util.Collections.shuffle(claims, random);

            Map<String, Set<Long>> sequencesById = new LinkedHashMap<>();
            Map<String, Integer> firsts = new LinkedHashMap<>();
            for (MutationResult result : atOnce(claims)) {
                assertTrue(result.hasApplied() || result.hasRefusal(), result::toString);
                sequencesById.computeIfAbsent(result.getMutationId(), id -> new HashSet<>())
                        .add(result.getApplied().getSequence());
                if (result.hasApplied() && !result.getApplied().getReplayed()) {
                    firsts.merge(result.getMutationId(), 1, Integer::sum);
                }
            }
            sequencesById.forEach((id, sequences) -> assertEquals(1, sequences.size(),
                    () -> id + " has several outcomes: " + sequences));
            assertEquals(6, firsts.size());
            assertTrue(firsts.values().stream().allMatch(times -> times == 1), firsts::toString);
            assertEquals(7, ledger.stock(sku).getSequence());
            assertEquals(0, ledger.stock(sku).getAvailableToSell());
        }
    }

    private static ApplyMutationRequest claim(String sku, String id, int caller) {
        return RunningLedger.request(caller % 3 == 0
                ? Mutations.reserve(sku, 1, Duration.ofMinutes(10)).setMutationId(id).setChannel("web")
                : Mutations.sell(sku, 1).setMutationId(id).setChannel("store"));
    }

    private static List<MutationResult> atOnce(List<ApplyMutationRequest> claims) throws Exception {
        LedgerServiceGrpc.LedgerServiceFutureStub calls = LedgerServiceGrpc.newFutureStub(ledger.channel())
                .withDeadlineAfter(RunningLedger.BOUND.toSeconds(), TimeUnit.SECONDS);
        List<Future<io.stockledger.v1.ApplyMutationResponse>> answers = new ArrayList<>();
        claims.forEach(claim -> answers.add(calls.applyMutation(claim)));
        List<MutationResult> results = new ArrayList<>();
        for (Future<io.stockledger.v1.ApplyMutationResponse> answer : answers) {
            results.add(answer.get().getResult());
        }
        return results;
    }
}
