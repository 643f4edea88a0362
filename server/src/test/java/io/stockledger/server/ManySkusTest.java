package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Mutations;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Very many SKUs written at the same moment: the journal's write buffer and breaker stand it. */
class ManySkusTest {
    @Test
    void tenThousandSkusWrittenAtOnceAreAllApplied() throws Exception {
        int skus = 10_000;
        try (RunningLedger ledger = RunningLedger.start("")) {
            StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
            for (int round = 1; round <= 2; round++) {
                for (int from = 0; from < skus; from += 1_000) {
                    List<Mutation.Builder> batch = new ArrayList<>();
                    for (int i = from; i < from + 1_000; i++) {
                        batch.add(Mutations.receive("sku-" + i, 1));
                    }
                    stream.send(batch);
                }
                for (MutationResult result : stream.results(skus / 1_000)) {
                    assertTrue(result.hasApplied(), result::toString);
                    assertEquals(round, result.getApplied().getSequence());
                }
            }
            assertEquals(2L * skus, ledger.count("SELECT count(*) FROM event_journal"));
        }
    }
}
