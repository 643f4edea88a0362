package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class JournalReaderTest {
    private Database database;
    private JournalReader reader;
    private final TestJournalWriter writer = new TestJournalWriter();

    @BeforeEach
    void open() {
        database = TestPostgresql.database();
        reader = new JournalReader(database, 3, 1 << 20);
    }

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void anyEntryIsFoundByItsSequence() throws Exception {
        for (int count : new int[] {1, 5, 2}) {
            writer.write(database, "A", TestJournalWriter.receipts(count, "main"));
        }
        for (long sequence = 1; sequence <= 8; sequence++) {
            GroupRow row = reader.rowContaining("A", sequence).orElseThrow().group();
            assertTrue(row.firstSequence() <= sequence && sequence <= row.lastSequence(), "sequence " + sequence);
        }
        assertTrue(reader.rowContaining("A", 9).isEmpty());
        assertTrue(reader.rowContaining("A", 0).isEmpty());
        assertTrue(reader.rowContaining("a", 1).isEmpty());
        assertEquals(8, reader.lastRow("A").orElseThrow().group().lastSequence());
    }

    @Test
    void rowsComeInPagesForwardAndBackward() throws Exception {
        for (int i = 0; i < 7; i++) {
            writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        }
        writer.write(database, "B", TestJournalWriter.receipts(1, "main"));
        assertEquals(List.of(1L, 2L, 3L), numbers(reader.rowsForward("A", 1)));
        assertEquals(List.of(7L), numbers(reader.rowsForward("A", 7)));
        assertEquals(List.of(7L, 6L, 5L), numbers(reader.rowsBackward("A", Long.MAX_VALUE)));
        assertEquals(List.of(1L), numbers(reader.rowsBackward("A", 2)));
    }

    @Test
    void pageEndsBySizeButHoldsARowAtLeast() throws Exception {
        for (int i = 0; i < 3; i++) {
            writer.write(database, "A", TestJournalWriter.receipts(100, "main"));
        }
        assertEquals(List.of(1L), numbers(new JournalReader(database, 1000, 1).rowsForward("A", 1)));
        assertEquals(1, new JournalReader(database, 1000, 1).feedAfter(Position.START, 1, false).rows().size());
    }

    @Test
    void aSkuIsBusyThatHasItsPartOfTheNewestRows() throws Exception {
        writer.write(database, "before", TestJournalWriter.receipts(1, "main"));
        for (int i = 0; i < 4; i++) {
            writer.write(database, "hot", TestJournalWriter.receipts(1, "main"));
            writer.write(database, "one of many " + i, TestJournalWriter.receipts(1, "main"));
            writer.write(database, i < 2 ? "warm" : "another of many " + i, TestJournalWriter.receipts(1, "main"));
        }
        assertEquals(List.of("hot", "warm"), reader.busiestSkus(12, 6));
        assertEquals(List.of("hot"), reader.busiestSkus(12, 3));
        assertEquals(List.of(), reader.busiestSkus(12, 2));
        assertEquals(List.of(), reader.busiestSkus(0, 100));
    }

    @Test
    void newestWriteUnderWayIsWaitedFor() throws Exception {
        try (Connection writing = TestPostgresql.connect(database)) {
            writing.setAutoCommit(false);
            writer.write(writing, "A", TestJournalWriter.receipts(1, "main"));
            assertThrows(SQLException.class, () -> reader.awaitWritesUnderWay(100));
            writing.commit();
            reader.awaitWritesUnderWay(10_000);
        }
    }

    @Test
    void transactionElsewhereInTheInstanceIsNotWaitedFor() throws Exception {
        try (Connection elsewhere = TestPostgresql.superuser("postgres"); Statement statement = elsewhere.createStatement()) {
            elsewhere.setAutoCommit(false);
            statement.execute("SELECT pg_current_xact_id()");
            writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
            reader.awaitWritesUnderWay(100);
            elsewhere.rollback();
        }
    }

    @Test
    void rowIsFoundByATextInIt() throws Exception {
        for (int i = 0; i < 5; i++) {
            writer.write(database, "A", TestJournalWriter.receipts(10, "main"));
        }
        JournalReader.Search found = reader.rowsHolding("A", "A-23", 0, Long.MAX_VALUE);
        assertEquals(List.of(3L), numbers(found.rows()));
        assertEquals(0, found.searchedDownTo());
        assertEquals(3, new JournalReader(database, 3, 1).rowsHolding("A", "A-23", 0, Long.MAX_VALUE).searchedDownTo());
        assertEquals(List.of(), reader.rowsHolding("A", "A-23", 0, 3).rows());
        assertEquals(List.of(), reader.rowsHolding("A", "A-23", System.currentTimeMillis() + 60_000, Long.MAX_VALUE).rows());
        assertEquals(0, reader.rowsHolding("A", "A-23", 0, 1).searchedDownTo());
    }

    @Test
    void skusComeInTheOrderOfTheirBytesWhateverTheyHold() throws Exception {
        List<String> skus = List.of("A", "A B", "A|B", "B", "a", "ä", "日本");
        for (String sku : skus) {
            writer.write(database, sku, TestJournalWriter.receipts(1, "main"));
            writer.write(database, sku, TestJournalWriter.receipts(1, "main"));
        }
        assertEquals(skus, reader.skusAfter("", "", 100));
        assertEquals(List.of("B", "a"), reader.skusAfter("A|B", "", 2));
        assertEquals(List.of("A", "A B", "A|B"), reader.skusAfter("", "A", 100));
        assertEquals(List.of("A|B"), reader.skusAfter("A B", "A", 100));
        assertEquals(List.of(), reader.skusAfter("", "C", 100));
    }

    @Test
    void lastRowsAreThoseOfThePositionAsked() throws Exception {
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        writer.write(database, "B", TestJournalWriter.receipts(1, "main"));
        Position then = reader.watermark();
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        writer.write(database, "C", TestJournalWriter.receipts(1, "main"));
        List<JournalRow> rows = reader.lastRowsAt(then, List.of("A", "B", "C", "D"));
        assertEquals(List.of("A", "B"), rows.stream().map(JournalRow::sku).toList());
        assertEquals(1, rows.get(0).group().lastSequence());
        assertTrue(reader.holds(then));
        assertFalse(reader.holds(new Position(then.tx(), then.ordering() + 1000)));
    }

    @Test
    void feedOfSomeSkusLooksPastTheOthers() throws Exception {
        for (int i = 0; i < 10; i++) {
            writer.write(database, "X" + i, TestJournalWriter.receipts(1, "main"));
        }
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        Position at = Position.START;
        List<String> found = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            JournalReader.FeedPage page = reader.feedAfter(at, 1 << 20, Set.of("A", "X3"), "");
            page.rows().forEach(row -> found.add(row.sku()));
            at = page.end();
        }
        assertEquals(List.of("X3", "A"), found);
        assertEquals(reader.watermark(), at);
        assertEquals(10, reader.feedAfter(Position.START, 1 << 20, Set.of(), "X").rows().size());
    }

    @Test
    void skuWithAnOverdueHoldIsFoundUntilItIsExpired() throws Exception {
        long now = 0x0102_0304_0506_0708L;
        try (Connection connection = database.connect()) {
            // Due, then expired: nothing is held any more.
            writer.write(connection, "expired", TestJournalWriter.receipts(1, "main"), now - 5000, now - 5000);
            writer.write(connection, "expired", TestJournalWriter.receipts(1, "main"), 0, 0);
            // Due, and a later row that changed nothing about it.
            writer.write(connection, "due", TestJournalWriter.receipts(1, "main"), now - 1000, now - 1000);
            writer.write(connection, "due", TestJournalWriter.receipts(1, "main"), now - 1000, 0);
            // Not yet.
            writer.write(connection, "later", TestJournalWriter.receipts(1, "main"), now + 1000, now + 1000);
        }
        assertEquals(List.of("due"), overdueSkus(0, now));
        assertEquals(Set.of("due"), reader.overdueOf(List.of("expired", "due", "later", "none"), now));
        assertEquals(List.of("due", "later"), overdueSkus(0, now + 2000));
        assertEquals(List.of("later"), overdueSkus(now - 1000, now + 2000), "what was announced before is not looked at");
    }

    private List<String> overdueSkus(long afterMs, long nowMs) throws SQLException {
        JournalReader.OverduePage page = reader.overdueHoldsAfter(afterMs, nowMs, 100);
        assertEquals(nowMs, page.lookedThroughMs());
        return page.holds().stream().map(JournalReader.OverdueHold::sku).toList();
    }

    @Test
    void overdueHoldsComeInPagesThatLeaveNoneOut() throws Exception {
        long now = 1_000_000;
        try (Connection connection = database.connect()) {
            for (int i = 0; i < 20; i++) {
                // Three of them are due at the same time, wherever a page ends.
                long due = now - 20 + i / 3;
                writer.write(connection, "sku" + i, TestJournalWriter.receipts(1, "main"), due, due);
            }
        }
        Set<String> found = new HashSet<>();
        int pages = 0;
        for (long through = 0; through < now; pages++) {
            JournalReader.OverduePage page = reader.overdueHoldsAfter(through, now, 2);
            page.holds().forEach(hold -> found.add(hold.sku()));
            through = page.lookedThroughMs();
        }
        assertEquals(20, found.size());
        assertTrue(pages > 5, pages + " pages");
    }

    @Test
    void theSweepsMarkStaysBehindByAMarginAndNeverGoesBack() throws Exception {
        long now = 1_000_000;
        reader.holdsSweptUntil(now);
        assertEquals(now - JournalReader.SWEEP_MARGIN_MS, reader.holdsSweptUntil(), "within the margin a row may still commit");
        reader.holdsSweptUntil(now - 500_000);
        assertEquals(now - JournalReader.SWEEP_MARGIN_MS, reader.holdsSweptUntil());
    }

    @Test
    void raisedEpochIsKept() throws Exception {
        LedgerIdentity before = LedgerIdentity.read(database);
        LedgerIdentity after = LedgerIdentity.raiseEpoch(database);
        assertEquals(before.feedEpoch() + 1, after.feedEpoch());
        assertEquals(after, LedgerIdentity.read(database));
    }

    private static List<Long> numbers(List<JournalRow> rows) {
        return rows.stream().map(JournalRow::rowNumber).toList();
    }
}
