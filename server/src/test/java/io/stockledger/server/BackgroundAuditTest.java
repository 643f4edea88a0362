package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.stockledger.client.Mutations;
import io.stockledger.server.journal.AuditRound;
import io.stockledger.server.journal.Database;
import org.junit.jupiter.api.Test;

/** The ledger audits itself: round after round, on one node, going on where a restart cut it short. */
class BackgroundAuditTest {
    @Test
    void whatItFindsIsCountedAndStaysSoRoundAfterRound() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.audit.pause = 1 ms")) {
            await("a round of nothing", () -> ledger.metric("stockledger_audit_complete_time_seconds") > 0);
            for (int i = 0; i < 3; i++) {
                ledger.applied(Mutations.receive("MUG", 1));
            }
            await("the entries are audited", () -> ledger.metric("stockledger_audit_entries_total") >= 3);
            assertEquals(0, ledger.metric("stockledger_audit_findings"));
            ForgedRows.tamper(ledger, "DELETE FROM event_journal WHERE persistence_id = 'MUG' AND sequence_number = 2");
            await("it is found", () -> ledger.metric("stockledger_audit_findings") > 0);
            await("a round is noted with it", () -> ledger.count("SELECT ended_findings FROM audit_round") > 0);
        }
    }

    @Test
    void aRestartGoesOnWhereTheNotesSay() throws Exception {
        // So slow that it comes to no end of its own.
        try (RunningLedger ledger = RunningLedger.start("stockledger { audit { entries-per-second = 4, note-every = 1 ms, pause = 1 ms },"
                + " entity.wake-at-start-rows = 0 }")) {
            for (int sku = 0; sku < 50; sku++) {
                ledger.applied(Mutations.receive("SKU-" + String.format("%03d", sku), 1));
            }
            await("a round is under way", () -> ledger.count("SELECT skus FROM audit_round") >= 2);
            ledger.stop();
            Config journal = Server.config(ConfigFactory.empty()).getConfig("stockledger.journal");
            AuditRound.Notes before;
            try (Database database = Database.open(ledger.database(), journal); AuditRound round = new AuditRound(database)) {
                before = round.read();
            }
            assertTrue(before.skus() < 50 && before.lastSku().equals("SKU-" + String.format("%03d", before.skus() - 1)), before::toString);
            ledger.startAgain();
            await("it goes on", () -> ledger.count("SELECT skus FROM audit_round") > before.skus());
            assertEquals(1, ledger.count("SELECT count(*) FROM audit_round WHERE last_sku = 'SKU-' || lpad((skus - 1)::text, 3, '0')"));
        }
    }

    @Test
    void oneNodeAtATimeHasTheRightToIt() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.audit.background = false")) {
            Config journal = Server.config(ConfigFactory.empty()).getConfig("stockledger.journal");
            try (Database database = Database.open(ledger.database(), journal);
                    AuditRound one = new AuditRound(database); AuditRound other = new AuditRound(database)) {
                assertTrue(one.take());
                assertTrue(one.take(), "it has it already");
                assertFalse(other.take());
                one.close();
                await("the other takes over", other::take);
            }
        }
    }
}
