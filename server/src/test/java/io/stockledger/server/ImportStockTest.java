package io.stockledger.server;

import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Mutations;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.ImportLine;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.MutationResult;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Opening stock comes in once, however often its lines are sent. */
class ImportStockTest {
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static ImportLine line(long number, String sku, String location, long quantity) {
        return ImportLine.newBuilder().setLine(number).setSku(sku).setLocation(location).setQuantity(quantity).build();
    }

    private static ImportStockRequest.Builder request(String name, ImportLine... lines) {
        return ImportStockRequest.newBuilder().setImportName(name).setCreatedAt(ledger.now()).addAllLines(List.of(lines));
    }

    private static List<MutationResult> results(ImportStockRequest.Builder request) {
        return ledger.admin().importStock(request.build()).getResultsList();
    }

    @Test
    void eachLineIsAReceiveStraightFromTheSupplierUnderAnIdThatSaysWhereItCameFrom() {
        results(request("opening", line(2, "IMP-A", "shop", 5), line(3, "IMP-A", "", 7)));

        List<Entry> entries = ledger.entries("IMP-A");
        assertEquals(List.of("import/opening/2", "import/opening/3"), entries.stream().map(Entry::getMutationId).toList());
        assertEquals(List.of("shop", "main"), entries.stream().map(Entry::getLocation).toList());
        assertTrue(entries.stream().allMatch(entry -> entry.getKind() == EntryKind.ENTRY_KIND_RECEIVE
                && entry.getReference().equals("import/opening")));
        assertEquals(12, ledger.stock("IMP-A").getOnHand());
    }

    @Test
    void linesSentAgainAreKnownAlsoAfterARestart() {
        ImportStockRequest.Builder request = request("again", line(2, "IMP-B", "", 5), line(3, "IMP-C", "", 7));
        results(request);
        ledger.restart();

        List<MutationResult> second = results(request.addLines(line(4, "IMP-D", "", 1)));
        assertEquals(List.of(true, true, false), second.stream().map(result -> result.getApplied().getReplayed()).toList());
        assertEquals(5, ledger.stock("IMP-B").getOnHand());
    }

    @Test
    void aBadLineIsToldInItsPlaceAndTheOthersComeIn() {
        List<MutationResult> results = results(request("odd", line(1, "IMP-E", "", 1), line(2, "", "", 1), line(3, "IMP-E", "", -4),
                line(0, "IMP-E", "", 1), line(5, "IMP-E", "", Long.MAX_VALUE), line(1, "IMP-E", "", 2)));

        assertEquals(List.of("", "INVALID_ARGUMENT/INVALID_FIELD", "INVALID_ARGUMENT/INVALID_FIELD", "INVALID_ARGUMENT/INVALID_FIELD",
                        "INVALID_ARGUMENT/INVALID_FIELD", "ALREADY_EXISTS/MUTATION_ID_REUSED"),
                results.stream().map(result -> result.hasError() ? RunningLedger.Problem.of(result.getError()).name() : "").toList());
        assertEquals("import/odd/2", results.get(1).getMutationId());
        assertEquals(1, ledger.stock("IMP-E").getOnHand());
    }

    @Test
    void anImportOlderThanTheWindowIsNeverAddedAgain() {
        ImportStockRequest.Builder request = request("old", line(2, "IMP-F", "", 5));
        results(request);
        ledger.clock.forward(Duration.ofDays(8));

        // The first may still be recognised; the second, sent for the first time, might have been forgotten as well.
        results(request);
        List<MutationResult> late = results(request.addLines(line(3, "IMP-F", "", 5)));
        assertEquals("FAILED_PRECONDITION/MUTATION_EXPIRED", RunningLedger.Problem.of(late.get(1).getError()).name());
        assertEquals(5, ledger.stock("IMP-F").getOnHand());
    }

    @Test
    void manySkusComeInWhileOthersSell() throws Exception {
        ledger.applied(Mutations.receive("IMP-HOT", 1_000_000));
        AtomicBoolean over = new AtomicBoolean();
        Thread seller = new Thread(() -> {
            while (!over.get()) {
                ledger.applied(Mutations.sell("IMP-HOT", 1));
            }
        });
        seller.start();
        List<MutationResult> results = results(request("many", IntStream.rangeClosed(1, 300)
                .mapToObj(i -> line(i, "IMP-MANY-" + i % 100, "shop " + i / 100, i)).toArray(ImportLine[]::new)));
        over.set(true);
        seller.join();

        assertEquals(IntStream.rangeClosed(1, 300).mapToObj(i -> "import/many/" + i).toList(),
                results.stream().filter(MutationResult::hasApplied).map(MutationResult::getMutationId).toList());
        assertEquals(7 + 107 + 207, ledger.stock("IMP-MANY-7").getOnHand());
        assertTrue(ledger.stock("IMP-HOT").getOnHand() < 1_000_000);
    }

    @Test
    void aCallThatIsNoneIsRefusedAsAWhole() {
        ImportLine line = line(1, "IMP-G", "", 1);
        for (ImportStockRequest.Builder bad : List.of(request("", line), request("n".repeat(45), line), request("none"),
                request("many").addAllLines(java.util.Collections.nCopies(1_001, line)), request("when", line).clearCreatedAt())) {
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", problem(() -> results(bad)).name());
        }
        assertEquals(0, ledger.stock("IMP-G").getSequence());
        // The longest of both is an id of 64 characters.
        assertTrue(results(request("n".repeat(44), line(999_999_999_999L, "IMP-G", "", 1))).get(0).hasApplied());
    }
}
