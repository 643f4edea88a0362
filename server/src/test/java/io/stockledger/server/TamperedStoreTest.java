package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.stockledger.client.Mutations;
import io.stockledger.v1.Applied;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditVerdict;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.GetStockAtRequest;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Somebody's hand in the database: a snapshot is not trusted over the journal, and a changed journal is found out. */
class TamperedStoreTest {
    private static final int ROWS = 9;
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger.entity { snapshot-rows = 4, ids-kept = 16 }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static void rows(String sku) {
        for (int i = 1; i <= ROWS; i++) {
            ledger.applied(Mutations.receive(sku, i).setReference("row " + i));
        }
    }

    private static void tamper(String... statements) throws Exception {
        ForgedRows.tamper(ledger, statements);
    }

    private static String changeByte(String sku, int row, String at) {
        return "UPDATE event_journal SET event_payload = set_byte(event_payload, " + at + ", get_byte(event_payload, " + at
                + ") # 1) WHERE persistence_id = '" + sku + "' AND sequence_number = " + row;
    }

    private record Audited(List<AuditFinding> findings, AuditVerdict verdict) {
        Set<AuditFindingKind> kinds() {
            Set<AuditFindingKind> kinds = EnumSet.noneOf(AuditFindingKind.class);
            findings.forEach(finding -> kinds.add(finding.getKind()));
            return kinds;
        }
    }

    private static Audited audit(String sku) {
        Iterator<AuditResponse> answers = ledger.admin().audit(AuditRequest.newBuilder().addSkus(sku).build());
        List<AuditFinding> findings = new ArrayList<>();
        while (true) {
            AuditResponse answer = answers.next();
            if (answer.hasVerdict()) {
                assertEquals(findings.isEmpty(), answer.getVerdict().getClean());
                assertEquals(findings.size(), answers.next().getTotal().getFindings());
                assertFalse(answers.hasNext());
                return new Audited(findings, answer.getVerdict());
            }
            assertEquals(sku, answer.getFinding().getSku());
            findings.add(answer.getFinding());
        }
    }

    @Test
    void aDamagedSnapshotIsPassedOver() throws Exception {
        Mutation.Builder first = Mutations.receive("snapshot", 1);
        Applied applied = ledger.applied(first);
        rows("snapshot");
        await("snapshots", () -> ledger.count("SELECT count(*) FROM snapshot WHERE persistence_id = 'snapshot'") == 2);
        assertTrue(audit("snapshot").verdict().getClean());
        ledger.stop();
        tamper("UPDATE snapshot SET snapshot_payload = set_byte(snapshot_payload, length(snapshot_payload) / 2,"
                + " get_byte(snapshot_payload, length(snapshot_payload) / 2) # 255) WHERE persistence_id = 'snapshot'");
        ledger.startAgain();
        assertEquals(EnumSet.of(AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT), audit("snapshot").kinds());
        assertEquals(1 + ROWS * (ROWS + 1) / 2, ledger.stock("snapshot").getOnHand());
        assertEquals(applied.toBuilder().setReplayed(true).build(), ledger.applied(first));
        assertEquals(ROWS + 2, ledger.applied(Mutations.sell("snapshot", 1)).getSequence());
    }

    @Test
    void anUntouchedSkuIsClean() {
        rows("clean");
        Audited audited = audit("clean");
        assertTrue(audited.findings().isEmpty(), audited::toString);
        assertEquals(ROWS, audited.verdict().getRows());
        assertEquals(ROWS, audited.verdict().getEntries());
        assertTrue(audit("never seen").verdict().getClean());
    }

    @Test
    void aByteChangedAnywhereIsFound() throws Exception {
        // In the header, among the entries, and in the row's own digest; in the first, a middle and the last row.
        for (String at : List.of("20", "length(event_payload) / 2", "length(event_payload) - 5")) {
            for (int row : new int[] {1, 5, ROWS}) {
                String sku = "byte-" + row + "-" + Integer.toHexString(at.hashCode());
                rows(sku);
                tamper(changeByte(sku, row, at));
                Audited audited = audit(sku);
                AuditFinding found = audited.findings().stream()
                        .filter(finding -> finding.getKind() == AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED)
                        .findFirst().orElseThrow(() -> new AssertionError("not found: " + sku + audited));
                assertEquals(row, found.getSequence(), audited::toString);
            }
        }
    }

    @Test
    void aQuantityChangedTogetherWithItsDigestIsStillFound() throws Exception {
        rows("forged");
        // The row's own digest made anew: the next row was chained to the old one.
        tamper(changeByte("forged", 4, "length(event_payload) / 2"),
                "UPDATE event_journal SET event_payload = substring(event_payload FROM 1 FOR length(event_payload) - 32)"
                        + " || sha256(substring(event_payload FROM 1 FOR length(event_payload) - 32))"
                        + " WHERE persistence_id = 'forged' AND sequence_number = 4");
        Audited audited = audit("forged");
        assertTrue(audited.kinds().contains(AuditFindingKind.AUDIT_FINDING_KIND_CHAIN_BROKEN), audited::toString);
        assertTrue(audited.findings().stream().anyMatch(finding ->
                finding.getKind() == AuditFindingKind.AUDIT_FINDING_KIND_CHAIN_BROKEN && finding.getSequence() == 5));
    }

    @Test
    void aRowThatCantBeFoundByItsSequenceIsDamageAndNotNothing() throws Exception {
        Mutation.Builder sale = Mutations.sell("mislaid", 1);
        ledger.applied(Mutations.receive("mislaid", 5));
        Applied applied = ledger.applied(sale);
        ledger.applied(Mutations.receive("mislaid", 1));
        String column = "UPDATE event_journal SET first_sequence = %d WHERE persistence_id = 'mislaid' AND sequence_number = 2";
        tamper(column.formatted(77));
        assertDamaged(() -> ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("mislaid").setFromSequence(2).build()));
        assertDamaged(() -> ledger.mutation("mislaid", sale.getMutationId()));
        assertDamaged(() -> ledger.apply(sale));
        assertDamaged(() -> ledger.calls().getStockAt(GetStockAtRequest.newBuilder().setSku("mislaid").setAtSequence(2).build()));
        assertEquals(EnumSet.of(AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED), audit("mislaid").kinds());
        tamper(column.formatted(2));
        assertEquals(applied.toBuilder().setReplayed(true).build(), ledger.applied(sale));
    }

    @Test
    void aLastRowThatHidesItsEntriesIsNotPassedOver() throws Exception {
        // Cut short, none of its entries counted, and counted among those before it.
        List<String> payloads = List.of("'SLG1'", "set_byte(event_payload, 15, 0)", "set_byte(event_payload, 11, 1)");
        for (String payload : payloads) {
            String sku = "hidden-" + payloads.indexOf(payload);
            rows(sku);
            ledger.stop();
            tamper("UPDATE event_journal SET event_payload = " + payload + " WHERE persistence_id = '" + sku + "' AND sequence_number = " + ROWS);
            ledger.startAgain();
            assertDamaged(() -> ledger.stock(sku));
            assertDamaged(() -> ledger.apply(Mutations.sell(sku, 1)));
        }
    }

    /** One sale, read in every way that reads the journal; its row's balance is then one unit more. */
    @Test
    void whatReadsADamagedRowSaysSoAndDoesNotTellIt() throws Exception {
        Mutation.Builder sale = Mutations.sell("told", 1);
        ledger.applied(Mutations.receive("told", 5));
        ledger.applied(sale);
        ledger.applied(Mutations.receive("told", 1));
        tamper(changeByte("told", 2, "length(event_payload) - 34"));

        assertDamaged(() -> ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("told").build()));
        assertDamaged(() -> ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("told").setFromSequence(2).build()));
        assertEquals(3, ledger.calls().listEntries(ListEntriesRequest.newBuilder().setSku("told").setFromSequence(3).build())
                .getEntries(0).getSequence());
        assertDamaged(() -> ledger.mutation("told", sale.getMutationId()));
        assertDamaged(() -> ledger.apply(sale));
        assertDamaged(() -> ledger.apply(Mutations.countAtSequence("told", 4, 2)));
        assertDamaged(() -> feedOf("told"));
        assertDamaged(() -> ledger.calls().getStockAt(GetStockAtRequest.newBuilder().setSku("told").setAtSequence(2).build()));

        // In memory it stands as it was written; once it is to come back from its rows, nothing is decided on them.
        assertEquals(5, ledger.stock("told").getOnHand());
        ledger.restart();
        assertDamaged(() -> ledger.apply(Mutations.sell("told", 1)));
        assertDamaged(() -> ledger.stock("told"));
        ledger.applied(Mutations.receive("beside it", 1));
        assertTrue(metrics().contains("stockledger_store_failures_total{during=\"replay\"} 0.0"), "the store is well, and raises no alarm");

        tamper(changeByte("told", 2, "length(event_payload) - 34"));
        await("the SKU is back", () -> {
            try {
                return ledger.stock("told").getOnHand() == 5;
            } catch (StatusRuntimeException e) {
                return false;
            }
        });
        assertEquals(3, ledger.entries("told").size());
    }

    private static String metrics() throws IOException {
        try (InputStream page = URI.create(ledger.server().metricsUrl().orElseThrow()).toURL().openStream()) {
            return new String(page.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aListingDoesNotPassOverAGap() throws Exception {
        rows("gap");
        tamper("DELETE FROM event_journal WHERE persistence_id = 'gap' AND sequence_number = 5");
        assertDamaged(() -> ledger.entries("gap"));
    }

    private static void assertDamaged(Supplier<?> call) {
        assertEquals("DATA_LOSS/JOURNAL_DAMAGED", problem(call).name());
    }

    /** Reads the SKU's feed until it has caught up. */
    private static ByteString feedOf(String sku) {
        Iterator<SubscribeResponse> feed = ledger.feed().subscribe(SubscribeRequest.newBuilder()
                .setFromBeginning(true).setFilter(FeedFilter.newBuilder().addSkus(sku)).build());
        SubscribeResponse message = feed.next();
        while (!message.getCaughtUp()) {
            message = feed.next();
        }
        return message.getCursor();
    }

    @Test
    void aDeletedRowIsFound() throws Exception {
        for (int row : new int[] {1, 5}) {
            String sku = "deleted-" + row;
            rows(sku);
            tamper("DELETE FROM event_journal WHERE persistence_id = '" + sku + "' AND sequence_number = " + row);
            Audited audited = audit(sku);
            assertTrue(audited.kinds().containsAll(EnumSet.of(AuditFindingKind.AUDIT_FINDING_KIND_CHAIN_BROKEN,
                    AuditFindingKind.AUDIT_FINDING_KIND_SEQUENCE_GAP)), audited::toString);
        }
    }

    @Test
    void aSwappedPairIsFound() throws Exception {
        rows("swapped");
        String move = "UPDATE event_journal SET sequence_number = %d WHERE persistence_id = 'swapped' AND sequence_number = %d";
        tamper(move.formatted(99, 3), move.formatted(3, 4), move.formatted(4, 99));
        Audited audited = audit("swapped");
        assertTrue(audited.kinds().contains(AuditFindingKind.AUDIT_FINDING_KIND_CHAIN_BROKEN), audited::toString);
        assertTrue(audited.kinds().contains(AuditFindingKind.AUDIT_FINDING_KIND_SEQUENCE_GAP), audited::toString);
    }
}
