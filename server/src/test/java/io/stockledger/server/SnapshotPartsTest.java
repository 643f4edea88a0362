package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Mutations;
import io.stockledger.v1.Applied;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.Mutation;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All but the newest ids are stored once for all snapshots of a SKU that hold them, and none of them is ever lost. */
class SnapshotPartsTest {
    /** No mutation can be looked up in the journal: what is recognised is so by the ids that the SKU came back with. */
    private static final String SETTINGS =
            "stockledger.entity { ids-kept = 32, snapshot-rows = 10, look-ups-waiting-max = 0 }, stockledger.audit.background = false";
    /** A full table of newest ids: of four words here, where older ones have more before their first id. */
    private static final String OF_NEWEST = "(length(payload) = 4 * 8)";
    private static final int ROWS = 300;
    private static final String NEWEST = "SELECT coalesce(max(sequence_number), 0) FROM snapshot WHERE persistence_id = ?";
    private static final String PARTS = "SELECT count(*) FROM snapshot_part WHERE persistence_id = ?";

    /** Receipts, a row each, one after the other; each snapshot is written before the next is due. */
    private static List<Mutation.Builder> receipts(RunningLedger ledger, String sku) throws Exception {
        List<Mutation.Builder> receipts = new ArrayList<>();
        for (int row = 1; row <= ROWS; row++) {
            Mutation.Builder receipt = Mutations.receive(sku, 1);
            ledger.applied(receipt);
            receipts.add(receipt);
            if (row % 10 == 0) {
                long due = row;
                await("the snapshot of row " + row, () -> ledger.count(NEWEST, sku) == due);
            }
        }
        return receipts;
    }

    private static void recognisesAll(RunningLedger ledger, List<Mutation.Builder> receipts) {
        for (Mutation.Builder receipt : receipts) {
            Applied again = ledger.applied(receipt);
            assertTrue(again.getReplayed(), receipt.getMutationId());
        }
        assertEquals(ROWS, ledger.stock(receipts.get(0).getSku()).getSequence());
    }

    private static Set<AuditFindingKind> audited(RunningLedger ledger, String sku) {
        Set<AuditFindingKind> kinds = EnumSet.noneOf(AuditFindingKind.class);
        ledger.admin().audit(AuditRequest.newBuilder().addSkus(sku).build()).forEachRemaining((AuditResponse answer) -> {
            if (answer.hasFinding()) {
                kinds.add(answer.getFinding().getKind());
            }
        });
        return kinds;
    }

    @Test
    void aPartIsStoredOnceAndGoesWithTheLastSnapshotThatHoldsIt() throws Exception {
        try (RunningLedger ledger = RunningLedger.start(SETTINGS.replace("look-ups-waiting-max = 0", ""))) {
            List<Mutation.Builder> receipts = receipts(ledger, "parts");
            assertEquals(Set.of(), audited(ledger, "parts"));
            // 300 ids in parts that are merged four by four; two snapshots may each hold some that the other has merged.
            long parts = ledger.count(PARTS, "parts");
            assertTrue(parts > 3 && parts < 30, () -> parts + " parts");
            assertEquals(2, ledger.count("SELECT count(*) FROM snapshot WHERE persistence_id = ?", "parts"));
            assertTrue(ledger.count("SELECT count(*) FROM snapshot_part p WHERE persistence_id = ? AND newest_snapshot = "
                    + ROWS, "parts") >= 1);
            ledger.restart();
            recognisesAll(ledger, receipts);
        }
    }

    @Test
    void aSkuComesBackWithAllOfItsIds() throws Exception {
        try (RunningLedger ledger = RunningLedger.start(SETTINGS)) {
            receipts(ledger, "back");
            ledger.restart();
            // A fresh id would have to be looked up, which can't be, if any id had been forgotten.
            assertEquals(ROWS + 1, ledger.applied(Mutations.receive("back", 1)).getSequence());
        }
    }

    /** The plan of the trigger that drops old ones is made while there are few, where reading all is the cheapest way, and kept. */
    @Test
    void whatDropsOldOnesDoesNotReadThemAll() throws Exception {
        try (RunningLedger ledger = RunningLedger.start(SETTINGS.replace("snapshot-rows = 10", "snapshot-rows = 1"))) {
            ledger.applied(Mutations.receive("plan", 1));
            try (Connection connection = ledger.superuser(); Statement statement = connection.createStatement()) {
                statement.execute("ANALYZE snapshot, snapshot_part");
            }
            long whole = reads(ledger, "seq_scan");
            long written = reads(ledger, "n_tup_ins");
            await("the store's counts", () -> {
                ledger.applied(Mutations.receive("plan", 1));
                return reads(ledger, "n_tup_ins") - written >= 100;
            });
            long wholeSince = reads(ledger, "seq_scan") - whole;
            assertTrue(wholeSince < 10, () -> wholeSince + " times all snapshots for a hundred");
        }
    }

    private static long reads(RunningLedger ledger, String which) throws SQLException {
        return ledger.count("SELECT sum(" + which + ") FROM pg_stat_all_tables WHERE relname IN ('snapshot', 'snapshot_part')");
    }

    @ParameterizedTest
    @ValueSource(strings = {
            "UPDATE snapshot_part SET payload = set_byte(payload, length(payload) / 2, get_byte(payload, length(payload) / 2) # 1) WHERE " + OF_NEWEST,
            "DELETE FROM snapshot_part WHERE " + OF_NEWEST,
            "UPDATE snapshot_part SET payload = set_byte(payload, length(payload) / 2, get_byte(payload, length(payload) / 2) # 1) WHERE NOT " + OF_NEWEST,
            "DELETE FROM snapshot_part WHERE NOT " + OF_NEWEST})
    void aSnapshotWithADamagedOrMissingPartIsPassedOver(String damage) throws Exception {
        try (RunningLedger ledger = RunningLedger.start(SETTINGS.replace("look-ups-waiting-max = 0", ""))) {
            List<Mutation.Builder> receipts = receipts(ledger, "damaged");
            ForgedRows.tamper(ledger, damage);
            assertEquals(Set.of(AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT), audited(ledger, "damaged"));
            ledger.restart();
            recognisesAll(ledger, receipts);
        }
    }
}
