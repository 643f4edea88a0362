package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.stockledger.client.Mutations;
import io.stockledger.server.journal.TestPostgresql;
import org.junit.jupiter.api.Test;

/** What shortens the way of a SKU back into memory. */
class ComeBackTest {
    private static final String SNAPSHOTS = "SELECT count(*) FROM snapshot WHERE persistence_id = ? AND sequence_number = ?";

    @Test
    void aSkuThatHasGoneQuietMakesASnapshotOfWhatIsInNone() throws Exception {
        try (RunningLedger ledger = RunningLedger.start(
                "stockledger.entity { quiet-after = 100 ms, quiet-snapshot-entries = 3 }")) {
            for (int row = 1; row <= 3; row++) {
                ledger.applied(Mutations.receive("quiet", 1));
            }
            await("its snapshot", () -> ledger.count(SNAPSHOTS, "quiet", 3) == 1);
            ledger.restart();
            assertEquals(3, ledger.stock("quiet").getOnHand());
            assertEquals(4, ledger.applied(Mutations.receive("quiet", 1)).getSequence());
        }
    }

    @Test
    void aSkuThatHadMuchToReplayMakesASnapshotUncalled() throws Exception {
        Server.Store store = new Server.Store.Postgresql(TestPostgresql.emptyDatabase());
        try (RunningLedger ledger = RunningLedger.start(store, "stockledger.entity.quiet-after = 1 hour")) {
            for (int row = 1; row <= 3; row++) {
                ledger.applied(Mutations.receive("sold", 1));
            }
        }
        // It was among the newest rows, so the start itself has it come back.
        try (RunningLedger ledger = RunningLedger.start(store, "stockledger.entity { quiet-after = 100 ms, quiet-snapshot-entries = 3 }")) {
            await("its snapshot", () -> ledger.count(SNAPSHOTS, "sold", 3) == 1);
        }
    }

    @Test
    void aSkuWithLittleToReplayMakesNone() throws Exception {
        try (RunningLedger ledger = RunningLedger.start(
                "stockledger.entity { quiet-after = 100 ms, quiet-snapshot-entries = 3 }")) {
            ledger.applied(Mutations.receive("little", 1));
            for (int row = 1; row <= 3; row++) {
                ledger.applied(Mutations.receive("quiet", 1));
            }
            // Both are looked at in the same round.
            await("the other's snapshot", () -> ledger.count(SNAPSHOTS, "quiet", 3) == 1);
            assertEquals(0, ledger.count(SNAPSHOTS, "little", 1));
        }
    }
}
