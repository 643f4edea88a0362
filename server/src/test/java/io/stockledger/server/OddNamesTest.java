package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Mutations;
import io.stockledger.v1.Entry;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.Stock;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A SKU is whatever the shop calls it: through sharding, persistence and restart it stays one name. */
class OddNamesTest {
    private static final List<String> NAMES = List.of(
            "with space", " leading and trailing ", "a/b/c", "/", "//", ".", "..", "../../etc/passwd", "C:\\stock\\x",
            "a|b|c", "|", "100%", "%2F", "%00", "a+b", "$self", "#1", "?q=1&r=2", "'; DROP TABLE event_journal; --",
            "\"quoted\"", "{json}", "caf\u00e9", "\u65e5\u672c\u8a9e", "\ud83d\udc55 red \ud83e\uddf5", "Case", "case", "CASE", "\u0645\u0644\u0635\u0642",
            "a\u200db", "\ufeffbom", "null", "user/sku-1", "sku|x", "~", "-", "_", "\u00ad", "\u2028",
            "\ud83d\udc55".repeat(128), "x".repeat(128), "/".repeat(128), "\u00fc".repeat(128));

    @Test
    void skusOfAnyCharactersAreEachTheirOwnThroughARestart() {
        try (RunningLedger ledger = RunningLedger.start("stockledger.entity.snapshot-rows = 3")) {
            StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
            for (int round = 0; round < 4; round++) {
                for (int i = 0; i < NAMES.size(); i++) {
                    stream.send(Mutations.receive(NAMES.get(i), i + 1).setMutationId("r-" + round)
                            .setLocation(location(i)).setReference(NAMES.get(i)));
                }
                assertTrue(stream.results(NAMES.size()).stream().allMatch(MutationResult::hasApplied));
            }
            stream.complete();
            stream.awaitCompletion();
            ledger.restart();
            for (int i = 0; i < NAMES.size(); i++) {
                String name = NAMES.get(i);
                Stock stock = ledger.stock(name);
                assertEquals(name, stock.getSku());
                assertEquals(4L * (i + 1), stock.getOnHand(), name);
                assertEquals(4, stock.getSequence(), name);
                assertEquals(location(i), stock.getBalances(0).getLocation());
                List<Entry> entries = ledger.entries(name);
                assertEquals(4, entries.size());
                assertEquals(name, entries.get(3).getSku());
                assertEquals(name, entries.get(3).getReference());
                assertEquals(MutationState.MUTATION_STATE_APPLIED, ledger.mutation(name, "r-1").getState());
                assertEquals(5, ledger.applied(Mutations.sell(name, 1).setLocation(location(i))).getSequence());
            }
        }
    }

    private static String location(int i) {
        return List.of("shelf 7 / left", "a|b", "\ud83c\udfec", "%2F").get(i % 4);
    }

    @Test
    void composedAndDecomposedSpellingsAreTheSameSku() {
        try (RunningLedger ledger = RunningLedger.start("")) {
            String composed = "Caf\u00e9 \u00c5";
            String decomposed = "Cafe\u0301 A\u030a";
            ledger.applied(Mutations.receive(decomposed, 5).setLocation("Mu\u0308nchen").setChannel("Mu\u0308"));
            ledger.applied(Mutations.sell(composed, 2).setLocation("M\u00fcnchen"));
            for (String spelling : List.of(composed, decomposed)) {
                Stock stock = ledger.stock(spelling);
                assertEquals(composed, stock.getSku());
                assertEquals(3, stock.getOnHand());
                assertEquals(2, stock.getSequence());
                assertEquals(1, stock.getBalancesCount());
                assertEquals("M\u00fcnchen", stock.getBalances(0).getLocation());
                assertEquals(2, ledger.entries(spelling).size());
            }
            assertEquals("M\u00fc", ledger.entries(composed).get(0).getChannel());
            // 128 characters are counted after they are composed.
            List<MutationResult> results = new ArrayList<>();
            results.add(ledger.apply(Mutations.receive("u\u0308".repeat(128), 1)));
            results.add(ledger.apply(Mutations.receive("\u00fc".repeat(128), 1)));
            assertEquals(List.of(1L, 2L), results.stream().map(result -> result.getApplied().getSequence()).toList());
        }
    }
}
