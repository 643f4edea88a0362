package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Timestamp;
import io.stockledger.v1.ImportLine;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.MutationResult;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Imports at once, whose SKUs answer on threads of theirs while what is left of a call rests on another. */
class StockImportsThreadsTest {
    private static final int CALLERS = 4;
    private static final int CALLS = 3;
    private static final int LINES = 200;
    /** More than a call hands on at once. */
    private static final int SKUS = 40;

    @Test
    void eachCallIsAnsweredWholeAndInOrderAndEachLineCountsOnce() {
        try (RunningLedger ledger = RunningLedger.start("")) {
            Timestamp begun = ledger.now();
            Runnable[] callers = new Runnable[CALLERS];
            for (int i = 0; i < CALLERS; i++) {
                int caller = i;
                callers[i] = () -> {
                    for (int call = 0; call < CALLS; call++) {
                        String name = "from-" + caller + "-" + call;
                        // The second time as one that got no answer does.
                        for (boolean again : new boolean[] {false, true}) {
                            List<MutationResult> results = ledger.admin().importStock(request(name, begun)).getResultsList();
                            assertEquals(IntStream.rangeClosed(1, LINES).mapToObj(line -> "import/" + name + "/" + line).toList(),
                                    results.stream().map(MutationResult::getMutationId).toList());
                            results.forEach(result -> assertEquals(again, result.getApplied().getReplayed()));
                        }
                    }
                };
            }
            Interleavings.together(callers);
            for (int sku = 0; sku < SKUS; sku++) {
                assertEquals(CALLERS * CALLS * LINES / SKUS, ledger.stock("IMPORTED-" + sku).getOnHand());
            }
        }
    }

    private static ImportStockRequest request(String name, Timestamp begun) {
        return ImportStockRequest.newBuilder().setImportName(name).setCreatedAt(begun)
                .addAllLines(IntStream.rangeClosed(1, LINES).mapToObj(line -> ImportLine.newBuilder().setLine(line)
                        .setSku("IMPORTED-" + line % SKUS).setQuantity(1).build()).toList()).build();
    }
}
