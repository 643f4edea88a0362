package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the old path did, told by all of a shop's threads, while what was missed is sent again. */
@Timeout(60)
class DualWriteThreadsTest {
    private static final int CALLERS = 3;
    private static final int MUTATIONS = 1_000;

    @TempDir
    private Path folder;

    @Test
    void nothingIsLostOrCountedTwiceWhileWhatWasMissedIsSentAgain() throws IOException {
        try (ScriptedLedger ledger = new ScriptedLedger();
                LedgerClient client = LedgerClient.connect(ledger.target());
                DualWrite dual = DualWrite.open(client, folder.resolve("missed.tsv"))) {
            // Two in three are missed at first.
            ledger.mutationError = (mutation, nth) -> nth == 1 && mutation.getMutationId().hashCode() % 3 != 0
                    ? Status.newBuilder().setCode(7).build() : null;
            Set<String> ids = new HashSet<>();
            AtomicInteger atWork = new AtomicInteger(CALLERS);
            Runnable[] parts = new Runnable[CALLERS + 3];
            for (int i = 0; i < CALLERS; i++) {
                int caller = i;
                for (int n = 0; n < MUTATIONS; n++) {
                    ids.add(id(caller, n));
                }
                parts[i] = () -> {
                    for (int n = 0; n < MUTATIONS; n++) {
                        dual.after(Mutations.sellAlreadyHappened("SKU", 1).setMutationId(id(caller, n)).build());
                    }
                    atWork.decrementAndGet();
                };
            }
            // One an operator's, say, beside the shop's own.
            Runnable resender = () -> {
                while (atWork.get() > 0) {
                    resend(dual);
                }
            };
            parts[CALLERS] = resender;
            parts[CALLERS + 1] = resender;
            parts[CALLERS + 2] = () -> {
                while (atWork.get() > 0) {
                    DualWrite.Counts counts = dual.counts();
                    assertTrue(counts.underWay() >= 0, () -> "an end without a beginning: " + counts);
                }
            };
            Interleavings.together(parts);
            while (!dual.awaitSettled(Duration.ofSeconds(10)) || !dual.missed().isEmpty()) {
                resend(dual);
            }
            List<String> applied = ledger.applied.get("SKU");
            assertEquals(CALLERS * MUTATIONS, applied.size());
            assertEquals(ids, Set.copyOf(applied));
            DualWrite.Counts counts = dual.counts();
            assertEquals(CALLERS * MUTATIONS, counts.applied());
            assertEquals(0, counts.lost());
            assertTrue(counts.missed() > 0 && counts.handedOver() == counts.applied() + counts.missed(), counts::toString);
        }
    }

    private static String id(int caller, int n) {
        return "order-" + caller + "-" + n;
    }

    private static void resend(DualWrite dual) {
        try {
            dual.resend();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
