package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowPackingTest {
    @Test
    void rowOfAnyLengthComesBackAsItWas() {
        for (int entries : new int[] {1, 2, 3, 5, 8, 64, 1_000, 8_192}) {
            GroupRow row = SomeEntries.row(SomeEntries.sales(entries));
            byte[] stored = RowPacking.packed(row);
            GroupRow back = GroupRow.of(stored);
            assertArrayEquals(row.bytes(), back.bytes(), entries + " entries");
            assertTrue(back.isWhole());
            assertTrue(stored.length <= row.bytes().length);
        }
    }

    @Test
    void manyEntriesTakeLessThanHalf() {
        GroupRow row = SomeEntries.row(SomeEntries.sales(1_000));
        byte[] stored = RowPacking.packed(row);
        assertEquals("SLG2", RowPacking.layout(stored));
        assertTrue(stored.length < row.bytes().length / 2, stored.length + " of " + row.bytes().length + " bytes");
    }

    @Test
    void shortRowStaysAsItIs() {
        GroupRow row = SomeEntries.row(SomeEntries.sales(1));
        assertSame(row.bytes(), RowPacking.packed(row));
        assertEquals("SLG1", RowPacking.layout(row.bytes()));
    }

    @Test
    void whatDoesNotGetShorterStaysAsItIs() {
        byte[] noise = new byte[5_000];
        new Random(1).nextBytes(noise);
        ByteBuffer.wrap(noise).putInt(GroupRow.MAGIC);
        GroupRow row = GroupRow.of(noise);
        assertSame(row.bytes(), RowPacking.packed(row));
    }

    @Test
    void changedByteIsNeverTakenForWhatWasWritten() {
        GroupRow row = SomeEntries.row(SomeEntries.sales(50));
        byte[] stored = RowPacking.packed(row);
        for (int at = 0; at < stored.length; at++) {
            for (int bit : new int[] {0, 7}) {
                byte[] changed = stored.clone();
                changed[at] ^= (byte) (1 << bit);
                GroupRow read = GroupRow.of(changed);
                // A bit of the frame that means nothing may change; what it holds may not.
                assertTrue(!read.isWhole() || Arrays.equals(row.bytes(), read.bytes()), "bit " + bit + " of byte " + at);
            }
        }
    }

    @Test
    void rowCutShortAnywhereIsReadAroundAndNotWhole() {
        byte[] stored = RowPacking.packed(SomeEntries.row(SomeEntries.sales(50)));
        for (int length = 0; length < stored.length; length++) {
            assertFalse(GroupRow.of(Arrays.copyOf(stored, length)).isWhole(), length + " bytes");
        }
    }

    @Test
    void rowOfADamagedLengthIsNotWhole() {
        byte[] stored = RowPacking.packed(SomeEntries.row(SomeEntries.sales(50)));
        for (int length : new int[] {Integer.MIN_VALUE, -1, 0, 106, 107, 108, 109, 1 << 20, 64 << 20, Integer.MAX_VALUE}) {
            byte[] changed = stored.clone();
            ByteBuffer.wrap(changed).putInt(76, length);
            assertFalse(GroupRow.of(changed).isWhole(), length + " bytes");
        }
    }

    @Test
    void whatCannotBeUnpackedKeepsHeaderAndDigestAndMayHoldAnything() {
        GroupRow row = SomeEntries.row(SomeEntries.sales(50));
        byte[] stored = RowPacking.packed(row);
        Arrays.fill(stored, 80, 120, (byte) 0x55);
        GroupRow read = GroupRow.of(stored);
        assertFalse(read.isWhole());
        assertEquals(row.firstSequence(), read.firstSequence());
        assertEquals(row.entryCount(), read.entryCount());
        assertArrayEquals(row.digest(), read.digest());
        assertThrows(GroupRow.DamagedException.class, read::entries);
        assertTrue(read.mayHold("anything"));
        assertFalse(row.mayHold("anything"));
    }

    @Test
    void storeReadsTheHeaderOfEitherForm() throws Exception {
        try (Database database = TestPostgresql.database(); Connection connection = database.connect()) {
            for (int entries : new int[] {1, 50}) {
                GroupRow row = SomeEntries.row(SomeEntries.sales(entries));
                try (PreparedStatement statement = connection.prepareStatement(
                        "SELECT header_long(substring(p FROM 5 FOR 8), 0), header_long(substring(p FROM 17 FOR 8), 0) FROM (SELECT ?::bytea AS p) p")) {
                    statement.setBytes(1, RowPacking.packed(row));
                    try (ResultSet read = statement.executeQuery()) {
                        read.next();
                        assertEquals(row.firstSequence(), read.getLong(1));
                        assertEquals(row.recordedAtMs(), read.getLong(2));
                    }
                }
            }
        }
    }

    @Test
    void journalHoldsRowsOfBothForms() throws Exception {
        try (Database database = TestPostgresql.database()) {
            TestJournalWriter writer = new TestJournalWriter();
            for (int entries : new int[] {1, 500, 2, 500}) {
                writer.write(database, "A", TestJournalWriter.receipts(entries, "main"));
            }
            JournalReader reader = new JournalReader(database, 10, 8 << 20);
            List<JournalRow> rows = reader.rowsForward("A", 1);
            assertEquals(List.of(1, 500, 2, 500), rows.stream().map(row -> row.whole().group().entries().size()).toList());
            assertEquals("A-777", reader.rowContaining("A", 777).orElseThrow().group().entry(777).getMutationId());
            // By what each is once unpacked: two of the large ones have passed the bound.
            long twoBytes = rows.get(1).payload().length + rows.get(3).payload().length;
            assertEquals(3, new JournalReader(database, 10, twoBytes / 2).rowsForward("A", 1).size());

            assertEquals(List.of(4L), reader.rowsHolding("A", "A-777", 0, Long.MAX_VALUE).rows().stream().map(JournalRow::rowNumber).toList());
            JournalReader.Search firstPage = new JournalReader(database, 10, 1).rowsHolding("A", "A-2", 0, Long.MAX_VALUE);
            assertEquals(List.of(), firstPage.rows().stream().filter(row -> row.rowNumber() == 2).toList());
            assertEquals(4, firstPage.searchedDownTo());
            // A text beyond ASCII is searched as it is stored.
            writer.write(database, "Größe", TestJournalWriter.receipts(500, "main"));
            assertEquals(1, reader.rowsHolding("Größe", "Größe-77", 0, Long.MAX_VALUE).rows().size());
            assertEquals(0, reader.rowsHolding("Größe", "Größe-777", 0, Long.MAX_VALUE).rows().size());
        }
    }

    @Test
    void longRowOfTheOlderFormIsReadAsEver() throws Exception {
        try (Database database = TestPostgresql.database()) {
            TestJournalWriter writer = new TestJournalWriter();
            for (int row = 0; row < 3; row++) {
                writer.write(database, "A", TestJournalWriter.receipts(500, "main"));
            }
            List<JournalRow> packed = new JournalReader(database, 10, 8 << 20).rowsForward("A", 1);
            JournalRow second = packed.get(1);
            change(database, "UPDATE event_journal SET event_payload = ?, event_ser_manifest = 'SLG1', row_bytes = NULL WHERE sequence_number = 2",
                    second.payload());
            JournalReader reader = new JournalReader(database, 10, 8 << 20);
            List<JournalRow> mixed = reader.rowsForward("A", 1);
            assertEquals(List.of(500, 500, 500), mixed.stream().map(row -> row.whole().group().entries().size()).toList());
            assertEquals(packed.stream().map(JournalRow::bytes).toList(), mixed.stream().map(JournalRow::bytes).toList());
            assertEquals(List.of(2L), reader.rowsHolding("A", "A-777", 0, Long.MAX_VALUE).rows().stream().map(JournalRow::rowNumber).toList());
        }
    }

    @Test
    void pageThatEndsWithARowThatCannotBeUnpackedIsNotTheLast() throws Exception {
        try (Database database = TestPostgresql.database()) {
            TestJournalWriter writer = new TestJournalWriter();
            for (int entries : new int[] {500, 500, 1}) {
                writer.write(database, "A", TestJournalWriter.receipts(entries, "main"));
            }
            byte[] damaged = RowPacking.packed(new JournalReader(database, 1, 1).rowsForward("A", 1).get(0).group());
            Arrays.fill(damaged, 80, 120, (byte) 0x55);
            change(database, "UPDATE event_journal SET event_payload = ? WHERE sequence_number = 1", damaged);
            JournalReader reader = new JournalReader(database, 10, 10_000);
            List<JournalRow> page = reader.rowsForward("A", 1);
            assertEquals(1, page.size());
            assertFalse(page.get(0).group().isWhole());
            assertFalse(reader.isLast(page));
            assertFalse(reader.indexedRowsForward("A", 1).get(0).columnsAgree());
        }
    }

    private static void change(Database database, String update, byte[] payload) throws SQLException {
        try (Connection connection = TestPostgresql.superuser(database.address().url().replaceFirst(".*/", ""));
                Statement statement = connection.createStatement(); PreparedStatement change = connection.prepareStatement(update)) {
            statement.execute("SET search_path = stockledger");
            statement.execute("SET session_replication_role = replica");
            change.setBytes(1, payload);
            assertEquals(1, change.executeUpdate());
        }
    }
}
