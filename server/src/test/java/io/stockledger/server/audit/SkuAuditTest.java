package io.stockledger.server.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.stockledger.server.audit.JournalAudit.Asked;
import io.stockledger.server.audit.JournalAudit.Verdict;
import io.stockledger.server.journal.AuditReader;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.TestJournalWriter;
import io.stockledger.server.journal.TestPostgresql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class SkuAuditTest {
    private static final int ROWS = 12;

    /** A busy SKU has newer snapshots by the time that its replay comes to those which were there at first. */
    @Test
    void snapshotThatHasTakenTheOthersPlaceIsHeldAgainstTheReplay() throws Exception {
        assertEquals(List.of(8L), drift(8));
    }

    /** Its row is not read any more. */
    @Test
    void snapshotThatWasMadeOfALaterRowMeanwhileIsNoFinding() throws Exception {
        assertEquals(List.of(), drift(ROWS + 1));
    }

    /** Where an audit finds that snapshots differ which had listed others before, while the store has a damaged one of this row. */
    private static List<Long> drift(long ofRow) throws Exception {
        try (Database database = TestPostgresql.database()) {
            TestJournalWriter writer = new TestJournalWriter();
            for (int row = 0; row < ROWS; row++) {
                writer.write(database, "busy", TestJournalWriter.receipts(1, "main"));
            }
            try (Connection connection = TestPostgresql.connect(database); PreparedStatement insert = connection.prepareStatement(
                    "INSERT INTO snapshot (persistence_id, sequence_number, created, snapshot_ser_id, snapshot_ser_manifest,"
                            + " snapshot_payload) VALUES ('busy', ?, 0, 0, '', 'damaged')")) {
                insert.setLong(1, ofRow);
                insert.executeUpdate();
            }
            List<Long> listedBefore = List.of(3L, 5L);
            SkuAudit audit = new SkuAudit(new Asked("busy", List.of()), listedBefore, new JournalReader(database, 4, 1 << 20),
                    new AuditReader(database), List.of());
            Optional<Verdict> verdict = Optional.empty();
            while (verdict.isEmpty()) {
                verdict = audit.page(new Pace(1).begin());
            }
            // Its entries are about nothing else: they say no balances.
            return verdict.get().findings().stream().filter(finding -> finding.kind() == Finding.Kind.SNAPSHOT_DRIFT)
                    .map(Finding::sequence).toList();
        }
    }
}
