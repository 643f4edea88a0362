package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class HalfReadRowsTest {
    private static final GroupRow GROUP = SomeEntries.row(SomeEntries.sales(20));
    private static final int ROW_BYTES = GROUP.bytes().length;

    private final HalfReadRows rows = new HalfReadRows(2L * ROW_BYTES);

    @Test
    void rowIsTakenOnceAtItsPlace() {
        JournalRow row = row(1);
        rows.put("A", 7, row);
        assertEquals(List.of(Optional.empty(), Optional.empty()), List.of(rows.take("A", 8), rows.take("a", 7)));
        assertSame(row, rows.take("A", 7).orElseThrow());
        assertEquals(Optional.empty(), rows.take("A", 7));
    }

    @Test
    void longestKeptMakesRoom() {
        for (long sequence = 1; sequence <= 3; sequence++) {
            rows.put("A", sequence, row(sequence));
        }
        assertEquals(List.of(0L, 2L, 3L), List.of(taken(1), taken(2), taken(3)));
    }

    @Test
    void samePlaceTakesNoRoomTwice() {
        rows.put("A", 1, row(1));
        for (long number = 2; number <= 9; number++) {
            rows.put("A", 2, row(number));
        }
        assertEquals(List.of(1L, 9L), List.of(taken(1), taken(2)));
    }

    @Test
    void rowBeyondTheBoundIsNotKept() {
        HalfReadRows narrow = new HalfReadRows(ROW_BYTES - 1);
        narrow.put("A", 1, row(1));
        assertEquals(Optional.empty(), narrow.take("A", 1));
    }

    private long taken(long sequence) {
        return rows.take("A", sequence).map(JournalRow::rowNumber).orElse(0L);
    }

    private static JournalRow row(long number) {
        return new JournalRow(number, 1, SomeEntries.SKU, number, GROUP);
    }
}
