package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.grpc.Context;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.client.StockView;
import io.stockledger.server.RunningLedger.Problem;
import io.stockledger.server.audit.AuditedProjection;
import io.stockledger.server.audit.JournalAudit;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Bucket;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.EntryKind;
import io.stockledger.server.domain.Movement;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.Position;
import io.stockledger.server.journal.snapshot.StockSnapshot;
import io.stockledger.v1.AdjustReason;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import io.stockledger.v1.ChainHead;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import io.stockledger.v1.UnavailableReason;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.time.Duration;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** An audit finds nothing in a ledger that nobody touched, and whatever was planted, at its first bad entry. */
class AuditTest {
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger { entity { snapshot-rows = 4, ids-kept = 16, sweep-interval = 100 ms }, audit.background = false, projection.enabled = false }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private record Audited(List<AuditFinding> findings, List<ChainHead> heads, AuditTotal total) {
        List<String> told() {
            return findings.stream().map(finding -> finding.getKind().name().replace("AUDIT_FINDING_KIND_", "") + " " + finding.getSequence()).toList();
        }

        /** Only this was found, there. */
        void assertFound(AuditFindingKind kind, long sequence) {
            assertEquals(List.of(kind.name().replace("AUDIT_FINDING_KIND_", "") + " " + sequence), told(), findings::toString);
            assertFalse(findings.get(0).getAdvice().isEmpty());
            assertFalse(findings.get(0).getExpected().equals(findings.get(0).getFound()));
        }
    }

    private static Audited audit(AuditRequest.Builder request) {
        Iterator<AuditResponse> answers = ledger.admin().audit(request.build());
        List<AuditFinding> findings = new ArrayList<>();
        List<ChainHead> heads = new ArrayList<>();
        while (true) {
            AuditResponse answer = answers.next();
            if (answer.hasTotal()) {
                assertFalse(answers.hasNext());
                assertEquals(findings.size(), answer.getTotal().getFindings());
                assertEquals(findings.isEmpty(), answer.getTotal().getClean());
                return new Audited(findings, heads, answer.getTotal());
            } else if (answer.hasFinding()) {
                findings.add(answer.getFinding());
            } else if (answer.hasChainHead()) {
                heads.add(answer.getChainHead());
            }
        }
    }

    private static Audited audit(String sku) {
        return audit(AuditRequest.newBuilder().addSkus(sku));
    }

    private static ChainHead head(String sku) {
        return audit(AuditRequest.newBuilder().addSkus(sku).setChainHeads(true)).heads().get(0);
    }

    private static void receipts(String sku, int count) {
        for (int i = 0; i < count; i++) {
            ledger.applied(Mutations.receive(sku, 1));
        }
    }

    /** The entry of this sequence as {@code forgery} makes it, the others as they are. */
    private static UnaryOperator<Entry> at(long sequence, UnaryOperator<Entry> forgery) {
        return entry -> entry.sequence() == sequence ? forgery.apply(entry) : entry;
    }

    private static Entry with(Entry entry, EntryKind kind, List<Movement> movements, List<Balance> balances, String reservationId) {
        return new Entry(entry.sku(), entry.sequence(), kind, movements, entry.mutationId(), entry.location(), entry.channel(),
                entry.reference(), entry.principal(), entry.occurredAtMs(), entry.recordedAtMs(), entry.createdAtMs(), balances,
                reservationId, entry.expiresAtMs(), entry.unavailableReason(), entry.adjustReason(), entry.contentFingerprint());
    }

    private static List<Movement> moved(Entry entry, long quantity) {
        Movement movement = entry.movements().get(0);
        return List.of(new Movement(movement.from(), movement.to(), quantity, movement.location(), movement.toLocation()));
    }

    private static List<Balance> available(Entry entry, long more) {
        Balance balance = entry.balances().get(0);
        return List.of(new Balance(balance.location(), balance.available() + more, balance.reserved(), balance.committed(), balance.damaged(),
                balance.qualityControl(), balance.otherUnavailable(), balance.incoming(), balance.safetyStock(), balance.allocations()));
    }

    @Test
    void nothingIsFoundAfterAMixOfAllVerbs() {
        Random random = new Random(5);
        List<String> skus = List.of("mix-1", "mix-2", "mix-3");
        List<String> holds = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            String sku = skus.get(random.nextInt(skus.size()));
            String hold = holds.isEmpty() ? "none" : holds.get(random.nextInt(holds.size()));
            long some = 1 + random.nextInt(9);
            String order = "order-" + some % 3;
            Mutation.Builder mutation = switch (random.nextInt(24)) {
                case 0, 1 -> Mutations.receive(sku, 10 * some);
                case 2 -> Mutations.expect(sku, some, order);
                case 3 -> Mutations.cancelExpected(sku, 1, order);
                case 4 -> Mutations.receiveExpected(sku, 1, order);
                case 5, 6, 7 -> Mutations.reserve(sku, some, Duration.ofSeconds(30 + random.nextInt(600)));
                case 8 -> Mutations.extend(sku, hold, Duration.ofSeconds(30 + random.nextInt(600)));
                case 9 -> Mutations.release(sku, hold, 1);
                case 10, 11 -> Mutations.commit(sku, hold);
                case 12 -> Mutations.fulfill(sku, hold);
                case 13 -> Mutations.cancelCommitted(sku, hold);
                case 14 -> Mutations.sell(sku, some);
                case 15 -> Mutations.sellAlreadyHappened(sku, 3 * some);
                case 16 -> Mutations.returned(sku, some, UnavailableReason.UNAVAILABLE_REASON_QUALITY_CONTROL);
                case 17 -> Mutations.setAside(sku, some, UnavailableReason.UNAVAILABLE_REASON_DAMAGED);
                case 18 -> Mutations.putBack(sku, 1, UnavailableReason.UNAVAILABLE_REASON_DAMAGED);
                case 19 -> Mutations.shipTransfer(sku, some, "shop", order);
                case 20 -> Mutations.receiveTransfer(sku, 1, order).setLocation("shop");
                case 21 -> Mutations.count(sku, 5 * some);
                case 22 -> some > 5 ? Mutations.setSafetyStock(sku, some % 3) : Mutations.setChannelAllocation(sku, "web", some, 50);
                default -> Mutations.adjust(sku, some == 5 ? 1 : some - 5, AdjustReason.ADJUST_REASON_OTHER);
            };
            if (mutation.getChannel().isEmpty()) {
                mutation.setChannel(some % 2 == 0 ? "web" : "pos");
            }
            if (ledger.apply(mutation).hasApplied() && mutation.hasReserve()) {
                holds.add(mutation.getMutationId());
            }
            if (i % 100 == 99) {
                ledger.clock.forward(Duration.ofMinutes(2));
            }
        }
        Audited audited = audit(AuditRequest.newBuilder().addAllSkus(skus));
        assertEquals(List.of(), audited.findings());
        assertEquals(3, audited.total().getSkus());
        assertTrue(audited.total().getEntries() > 200);
    }

    @Test
    void nothingIsFoundWhileMutationsAndSnapshotsAreWritten() {
        try (LedgerClient client = LedgerClient.connect("127.0.0.1:" + ledger.port())) {
            List<CompletableFuture<Outcome>> answers = new ArrayList<>();
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 50; i++) {
                    String sku = "busy-" + i % 5;
                    for (Mutation.Builder mutation : List.of(Mutations.receive(sku, 1), Mutations.reserve(sku, 1, Duration.ofHours(1)))) {
                        // By the ledger's clock, which another test has moved.
                        answers.add(client.submit(mutation.setNotAfter(ledger.at(Duration.ofMinutes(5))).build()));
                    }
                }
                assertEquals(List.of(), audit(AuditRequest.newBuilder().addAllSkus(List.of("busy-0", "busy-1", "busy-2", "busy-3", "busy-4"))).findings());
            }
            answers.forEach(CompletableFuture::join);
        }
    }

    // Three rows: the ledger has made no snapshot yet, which would bear witness too.

    @Test
    void unitsThatNoMovementMadeAreFoundBehindARightLookingChain() throws Exception {
        receipts("forged-units", 3);
        ForgedRows.rewrite(ledger, "forged-units", at(2, entry -> with(entry, entry.kind(), moved(entry, 3), entry.balances(), "")));
        audit("forged-units").assertFound(AuditFindingKind.AUDIT_FINDING_KIND_BALANCE_DRIFT, 2);
    }

    @Test
    void reservedUnitsThatBelongToNoHoldAreFoundBehindARightLookingChain() throws Exception {
        receipts("forged-hold", 1);
        ledger.applied(Mutations.setAside("forged-hold", 1, UnavailableReason.UNAVAILABLE_REASON_OTHER));
        receipts("forged-hold", 1);
        ForgedRows.rewrite(ledger, "forged-hold", entry -> {
            if (entry.sequence() < 2) {
                return entry;
            }
            Balance was = entry.balances().get(0);
            Balance is = new Balance(was.location(), was.available(), 1, 0, 0, 0, 0, 0, 0, List.of());
            List<Movement> movements = entry.sequence() > 2 ? entry.movements()
                    : List.of(new Movement(Bucket.AVAILABLE, Bucket.RESERVED, 1, was.location(), was.location()));
            return with(entry, entry.kind(), movements, List.of(is), "");
        });
        audit("forged-hold").assertFound(AuditFindingKind.AUDIT_FINDING_KIND_HOLDS_DRIFT, 2);
    }

    @Test
    void aReservationThatWasNeverMadeIsAFindingAndNoCrash() throws Exception {
        receipts("forged-commit", 1);
        String hold = RunningLedger.newId();
        ledger.applied(Mutations.reserve("forged-commit", 1, Duration.ofHours(1)).setMutationId(hold));
        ledger.applied(Mutations.commit("forged-commit", hold));
        ForgedRows.rewrite(ledger, "forged-commit", at(3, entry -> with(entry, entry.kind(), entry.movements(), entry.balances(), "another")));
        Audited audited = audit("forged-commit");
        assertEquals(AuditFindingKind.AUDIT_FINDING_KIND_HOLDS_DRIFT, audited.findings().get(0).getKind(), audited::toString);
        assertTrue(audited.findings().stream().allMatch(finding -> finding.getSequence() == 3), audited::toString);
    }

    @Test
    void aBucketBelowZeroWithoutASaleOrACountIsFound() throws Exception {
        ledger.applied(Mutations.receive("forged-below", 3));
        ledger.applied(Mutations.adjust("forged-below", -1, AdjustReason.ADJUST_REASON_OTHER));
        ledger.applied(Mutations.receive("forged-below", 9));
        ForgedRows.rewrite(ledger, "forged-below", entry -> entry.sequence() < 2 ? entry
                : with(entry, entry.kind(), entry.sequence() == 2 ? moved(entry, 5) : entry.movements(), available(entry, -4), ""));
        audit("forged-below").assertFound(AuditFindingKind.AUDIT_FINDING_KIND_BELOW_ZERO, 2);
    }

    @Test
    void aForgedHistoryContradictsTheSnapshotsThatWereMadeOfTheOther() throws Exception {
        receipts("forged-late", 4);
        await("a snapshot", () -> ledger.count("SELECT count(*) FROM snapshot WHERE persistence_id = 'forged-late'") == 1);
        ForgedRows.rewrite(ledger, "forged-late", at(1, entry -> new Entry(entry.sku(), 1, entry.kind(), entry.movements(), "another",
                entry.location(), entry.channel(), "forged", entry.principal(), entry.occurredAtMs(), entry.recordedAtMs(), 0,
                entry.balances(), "", 0, entry.unavailableReason(), entry.adjustReason(), entry.contentFingerprint())));
        audit("forged-late").assertFound(AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT, 4);
    }

    @Test
    void aHistoryThatWasRewrittenWithoutAFlawContradictsAHeadThatWasKept() throws Exception {
        ledger.applied(Mutations.receive("rewritten", 3));
        ChainHead before = head("rewritten");
        ledger.applied(Mutations.sell("rewritten", 2));
        receipts("rewritten", 1);
        ChainHead after = head("rewritten");
        assertEquals(List.of(), audit(AuditRequest.newBuilder().addHeads(before).addHeads(after)).told());
        ForgedRows.rewrite(ledger, "rewritten", entry -> entry.sequence() < 2 ? entry
                : with(entry, entry.kind(), entry.sequence() == 2 ? moved(entry, 1) : entry.movements(), available(entry, 1), ""));
        assertEquals(List.of(), audit("rewritten").told(), "by itself it is as right as any");
        audit(AuditRequest.newBuilder().addHeads(after).addHeads(before)).assertFound(AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED, 2);
        audit(AuditRequest.newBuilder().addHeads(after)).assertFound(AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED, 1);
    }

    @Test
    void aRowsColumnsThatSayOtherThanItsHeaderAreFound() throws Exception {
        receipts("mislabelled", 3);
        ForgedRows.tamper(ledger, "UPDATE event_journal SET first_sequence = 77 WHERE persistence_id = 'mislabelled' AND sequence_number = 2");
        audit("mislabelled").assertFound(AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED, 2);
        ForgedRows.tamper(ledger, "UPDATE event_journal SET first_sequence = 2, announced_due = 5 WHERE persistence_id = 'mislabelled' AND sequence_number = 2");
        audit("mislabelled").assertFound(AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED, 2);
        ForgedRows.tamper(ledger, "UPDATE event_journal SET announced_due = 0 WHERE persistence_id = 'mislabelled' AND sequence_number = 2");
        assertEquals(List.of(), audit("mislabelled").told());
        // So large that a page of rows ends behind it: what follows is audited all the same.
        ForgedRows.tamper(ledger, "UPDATE event_journal SET row_bytes = 1 << 30 WHERE persistence_id = 'mislabelled' AND sequence_number = 2",
                "UPDATE event_journal SET first_sequence = 77 WHERE persistence_id = 'mislabelled' AND sequence_number = 3");
        assertEquals(List.of("ROW_CHANGED 2", "ROW_CHANGED 3"), audit("mislabelled").told());
    }

    @Test
    void lastRowsThatWereDeletedContradictAHeadThatWasKept() throws Exception {
        receipts("cut", 3);
        ChainHead head = head("cut");
        ForgedRows.tamper(ledger, "DELETE FROM event_journal WHERE persistence_id = 'cut' AND sequence_number > 1");
        assertEquals(List.of(), audit("cut").told(), "by itself it is as right as any");
        audit(AuditRequest.newBuilder().addHeads(head)).assertFound(AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED, 2);
        ForgedRows.tamper(ledger, "DELETE FROM event_journal WHERE persistence_id = 'cut'");
        audit(AuditRequest.newBuilder().addHeads(head)).assertFound(AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED, 1);
    }

    @Test
    void aSnapshotOfRowsThatWereDeletedIsFoundAlsoWhereNoRowIsLeft() throws Exception {
        receipts("orphan", 5);
        await("a snapshot", () -> ledger.count("SELECT count(*) FROM snapshot WHERE persistence_id = 'orphan'") == 1);
        ForgedRows.tamper(ledger, "DELETE FROM event_journal WHERE persistence_id = 'orphan'");
        Audited everything = audit(AuditRequest.newBuilder().setAfterSku("orpha"));
        assertTrue(everything.findings().stream().anyMatch(finding -> finding.getSku().equals("orphan") && finding.getSequence() == 1
                && finding.getKind() == AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT), everything::toString);
    }

    @Test
    void aSnapshotThatWasAlteredWithItsChecksumIsFound() throws Exception {
        receipts("altered", 3);
        ledger.applied(Mutations.reserve("altered", 2, Duration.ofHours(1)));
        await("a snapshot", () -> ledger.count("SELECT count(*) FROM snapshot WHERE persistence_id = 'altered'") == 1);
        assertEquals(List.of(), audit("altered").told());
        alterSnapshot("altered", snapshot -> snapshot.setBalances(0, snapshot.getBalances(0).toBuilder().setAvailable(100)));
        Audited units = audit("altered");
        units.assertFound(AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT, 4);
        assertEquals("1 available at main in the snapshot", units.findings().get(0).getExpected());
        assertEquals("100 available at main", units.findings().get(0).getFound());
        alterSnapshot("altered", snapshot -> snapshot.setBalances(0, snapshot.getBalances(0).toBuilder().setAvailable(1)).clearReservations());
        audit("altered").assertFound(AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT, 4);
        alterSnapshot("altered", snapshot -> snapshot.getAppliedIdsBuilder().clearNewest());
        assertEquals(2, audit("altered").findings().size(), "an id that is missing is found too");
    }

    private static void alterSnapshot(String sku, Consumer<StockSnapshot.Builder> alter) throws Exception {
        try (Connection connection = ledger.superuser();
                PreparedStatement select = connection.prepareStatement("SELECT snapshot_payload FROM snapshot WHERE persistence_id = ?");
                PreparedStatement update = connection.prepareStatement("UPDATE snapshot SET snapshot_payload = ? WHERE persistence_id = ?")) {
            select.setString(1, sku);
            var row = select.executeQuery();
            assertTrue(row.next());
            byte[] stored = row.getBytes(1);
            StockSnapshot.Builder snapshot = StockSnapshot.parseFrom(ByteBuffer.wrap(stored).position(4)).toBuilder();
            alter.accept(snapshot);
            byte[] message = snapshot.build().toByteArray();
            CRC32 crc = new CRC32();
            crc.update(message);
            update.setBytes(1, ByteBuffer.allocate(4 + message.length).putInt((int) crc.getValue()).put(message).array());
            update.setString(2, sku);
            update.executeUpdate();
        }
    }

    @Test
    void anAuditOfEverythingGoesThroughAllSkusAndOnAfterOne() {
        for (int i = 0; i < 9; i++) {
            receipts("zz-" + i, 2);
        }
        Audited all = audit(AuditRequest.newBuilder().setAfterSku("zz").setChainHeads(true));
        assertEquals(9, all.total().getSkus());
        assertEquals(18, all.total().getEntries());
        assertEquals(List.of("zz-0", "zz-1", "zz-2", "zz-3", "zz-4", "zz-5", "zz-6", "zz-7", "zz-8"), all.heads().stream().map(ChainHead::getSku).toList());
        assertEquals(4, audit(AuditRequest.newBuilder().setAfterSku("zz-4")).total().getSkus());
        assertTrue(all.heads().stream().allMatch(head -> head.getDigest().size() == 32 && head.getSequence() == 2));
        assertFalse(all.heads().get(0).getDigest().equals(ByteString.copyFrom(new byte[32])));
    }

    @Test
    void oneAuditOfEverythingIsAtWorkAtATime() throws Exception {
        Iterator<AuditResponse> first;
        try (Connection holder = ledger.superuser(); Statement statement = holder.createStatement()) {
            holder.setAutoCommit(false);
            statement.execute("LOCK TABLE event_journal IN ACCESS EXCLUSIVE MODE");
            first = ledger.admin().audit(AuditRequest.newBuilder().setAfterSku("zzzz").build());
            await("the first waits in the store", () -> ledger.count("SELECT count(*) FROM pg_stat_activity"
                    + " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%recursive walk%'") == 1);
            Problem second = problem(() -> ledger.admin().audit(AuditRequest.getDefaultInstance()).hasNext());
            assertEquals("RESOURCE_EXHAUSTED/AUDIT_UNDER_WAY", second.name());
            assertTrue(second.retryAfter().isPresent());
            holder.rollback();
        }
        assertTrue(first.next().getTotal().getClean());
        assertEquals(0, audit(AuditRequest.newBuilder().setAfterSku("zzzz")).total().getSkus());
    }

    @Test
    void aViewIsHeldAgainstTheLedgerAtItsOwnSequence() {
        try (RunningLedger other = RunningLedger.start("stockledger.audit.background = false");
                LedgerClient client = LedgerClient.connect("127.0.0.1:" + ledger.port());
                LedgerClient otherClient = LedgerClient.connect("127.0.0.1:" + other.port());
                StockView view = otherClient.stockView()) {
            for (RunningLedger both : List.of(ledger, other)) {
                both.applied(Mutations.receive("viewed", 5));
                both.applied(Mutations.sell("viewed", both == ledger ? 2 : 1));
            }
            other.applied(Mutations.receive("viewed-elsewhere", 1));
            await("the view has it", () -> view.sequence("viewed") == 2 && view.sequence("viewed-elsewhere") == 1);
            ledger.applied(Mutations.receive("viewed", 9));
            assertEquals(List.of(), otherClient.auditView(view));
            List<AuditFinding> findings = new ArrayList<>(client.auditView(view));
            findings.sort(Comparator.comparing(AuditFinding::getSku));
            assertEquals(List.of("viewed 2", "viewed-elsewhere 1"), findings.stream().map(finding -> finding.getSku() + " " + finding.getSequence()).toList());
            assertTrue(findings.stream().allMatch(finding -> finding.getKind() == AuditFindingKind.AUDIT_FINDING_KIND_VIEW_DRIFT));
            assertTrue(findings.get(0).getExpected().startsWith("3 available"), findings::toString);
            assertTrue(findings.get(0).getFound().startsWith("4 available"), findings::toString);
        }
    }

    /** What is found of a SKU, in words, beside such a projection. */
    private static List<String> auditWith(String sku, AuditedProjection projection) throws Exception {
        Config journal = Server.config(ConfigFactory.empty()).getConfig("stockledger.journal");
        List<String> told = new ArrayList<>();
        try (Database database = Database.open(ledger.database(), journal)) {
            JournalAudit audit = new JournalAudit(database, new JournalReader(database, journal), List.of(projection), new Pace(journal));
            audit.some(List.of(new JournalAudit.Asked(sku, List.of())), new JournalAudit.Follower() {
                @Override
                public boolean goesOn(JournalAudit.Progress soFar) {
                    return true;
                }

                @Override
                public boolean done(JournalAudit.Verdict verdict, JournalAudit.Progress soFar) {
                    verdict.findings().forEach(finding -> told.add(
                            finding.kind() + " " + finding.sequence() + ": " + finding.expected() + ", not " + finding.found()));
                    return true;
                }
            });
        }
        return told;
    }

    /** Up to the row of this number, of a SKU whose rows hold an entry each. */
    private static AuditedProjection upTo(String sku, long row, long sequence, Balance... balances) throws Exception {
        Position position = new Position(ledger.count("SELECT tx::text::bigint FROM event_journal WHERE persistence_id = ? AND sequence_number = ?", sku, row),
                ledger.count("SELECT ordering FROM event_journal WHERE persistence_id = ? AND sequence_number = ?", sku, row));
        Map<AuditedProjection.Flow, AuditedProjection.Moved> moved = new HashMap<>();
        for (long i = 1; i <= row; i++) {
            LocalDate day = LocalDate.ofEpochDay(ledger.count(
                    "SELECT write_timestamp / 86400000 FROM event_journal WHERE persistence_id = ? AND sequence_number = ?", sku, i));
            // As the test below makes them: receipts of so many units as their number, then a hold.
            AuditedProjection.Flow flow = i < 5
                    ? new AuditedProjection.Flow(day, "main", "main", "supplier", "available", "receive", "")
                    : new AuditedProjection.Flow(day, "main", "main", "available", "reserved", "reserve", "");
            moved.merge(flow, new AuditedProjection.Moved(i < 5 ? i : 2, 1),
                    (one, more) -> new AuditedProjection.Moved(one.units() + more.units(), one.entries() + more.entries()));
        }
        return new Projected(Optional.of(new AuditedProjection.Standing(Cursor.after(position), sequence, List.of(balances), Map.of(), List.of(), 0, moved)));
    }

    /** A projection that says this of every SKU, and knows no closed reservation. */
    private record Projected(Optional<AuditedProjection.Standing> standing) implements AuditedProjection {
        @Override
        public Optional<Standing> of(String sku) {
            return standing;
        }

        @Override
        public Optional<Map<String, Reservation>> reservations(String sku, Collection<String> ids, Cursor atLeast) {
            return Optional.of(Map.of());
        }
    }

    private static Balance standing(long available, long reserved) {
        return new Balance("main", available, reserved, 0, 0, 0, 0, 0, 0, List.of());
    }

    @Test
    void aProjectionIsHeldAgainstTheReplayOfTheRowsThatItHasTakenOver() throws Exception {
        String sku = "projected";
        for (int i = 1; i <= 4; i++) {
            ledger.applied(Mutations.receive(sku, i));
        }
        ledger.applied(Mutations.reserve(sku, 2, Duration.ofHours(1)).setMutationId("projected-hold"));
        assertEquals(List.of(), auditWith(sku, new Projected(Optional.empty())), "not built yet");
        assertEquals(List.of(), auditWith(sku, upTo(sku, 3, 3, standing(6, 0))), "behind, and right");
        assertEquals(List.of("PROJECTION_DRIFT 3: 10 available at main after entry 4, not 3 available at main"),
                auditWith(sku, upTo(sku, 4, 4, standing(3, 0))), "it lacks entry 3 and the next");
        assertEquals(List.of("PROJECTION_DRIFT 4: 10 available at main after entry 4, not 99 available at main"),
                auditWith(sku, upTo(sku, 4, 4, standing(99, 0))), "edited by hand");
        assertEquals(List.of("PROJECTION_DRIFT 3: 6 available at main after entry 3, not 0 available at main"),
                auditWith(sku, upTo(sku, 3, 0)), "deleted by hand");
        assertEquals(List.of("PROJECTION_DRIFT 5: entries up to 4 at most, not a projection that says it reflects entry 9"),
                auditWith(sku, upTo(sku, 4, 9, standing(10, 0))), "ahead of the journal");
        List<String> hold = auditWith(sku, upTo(sku, 5, 5, standing(8, 2)));
        assertEquals(1, hold.size());
        assertTrue(hold.get(0).matches("PROJECTION_DRIFT 5: open reservation projected-hold of 2 at main, made by entry 5: 2 held until"
                + " 20[0-9]{2}-[0-9T:.-]+Z, 0 committed after entry 5, not no open reservation projected-hold"), hold.get(0));
    }

    @Test
    void chainHeadsComeWithTheFeedAndBearWitness() throws Exception {
        Context.CancellableContext call = Context.current().withCancellation();
        try {
            Iterator<SubscribeResponse> messages = call.call(() -> ledger.feed().subscribe(SubscribeRequest.newBuilder().setFromBeginning(true)
                    .setFilter(FeedFilter.newBuilder().setSkuPrefix("told-")).setChainHeads(true).build()));
            receipts("told-1", 3);
            receipts("told-2", 1);
            Map<String, ChainHead> heads = new HashMap<>();
            while (!heads.containsKey("told-2") || heads.get("told-1").getSequence() < 3) {
                SubscribeResponse message = messages.next();
                assertTrue(message.getChainHeadsCount() == 0 || !message.getCursor().isEmpty());
                message.getChainHeadsList().forEach(head -> heads.put(head.getSku(), head));
            }
            assertEquals(List.of(), audit(AuditRequest.newBuilder().addAllHeads(heads.values())).told());
            ForgedRows.tamper(ledger, "DELETE FROM event_journal WHERE persistence_id = 'told-1' AND sequence_number = 3");
            audit(AuditRequest.newBuilder().addAllHeads(heads.values())).assertFound(AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED, 3);
        } finally {
            call.cancel(null);
        }
    }
}
