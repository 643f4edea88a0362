package io.stockledger.server.feed;

import io.stockledger.server.Interleavings;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.Position;
import io.stockledger.server.journal.SomeEntries;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** The newest rows, put in by the tail while subscriptions read them and fall off the other end. */
public class RingThreadsTest {
    private static final int ROWS_MAX = 3;
    private static final List<JournalRow> ROWS = rows(20);
    private static final int ROW_BYTES = ROWS.get(0).payload().length;

    private final Ring ring = new Ring(ROWS_MAX, 10L * ROW_BYTES, Position.START);
    private int appended;

    /** Only the tail's thread appends. */
    @Operation(nonParallelGroup = "tail")
    public void append(@Param(gen = IntGen.class, conf = "1:2") int count) {
        List<JournalRow> next = ROWS.subList(appended, appended + count);
        appended += count;
        ring.append(next, appended);
    }

    @Operation
    public String readAfter(@Param(gen = IntGen.class, conf = "0:5") int row, @Param(gen = IntGen.class, conf = "1:2") int rowsWanted) {
        Ring.Read read = ring.readAfter(Cursor.after(new Position(row, 1)), (long) rowsWanted * ROW_BYTES);
        StringBuilder seen = new StringBuilder(read.covered() ? "" : "not covered");
        for (JournalRow one : read.rows()) {
            seen.append(one.tx()).append(' ');
        }
        return seen.append(read.toTheEnd() ? "end at " + read.completeTimeMs() : "").toString();
    }

    @Operation
    public String bytesAndTime() {
        return ring.bytes() > (long) ROWS_MAX * ROW_BYTES ? "too many bytes" : "time " + ring.completeTimeMs();
    }

    @Test
    void readerSeesEveryRowAfterItsCursorOrThatTheyAreGone() {
        Interleavings.check(100, RingThreadsTest.class);
    }

    private static List<JournalRow> rows(int count) {
        GroupRow group = SomeEntries.row(SomeEntries.sales(1));
        List<JournalRow> rows = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            rows.add(new JournalRow(i, 1, SomeEntries.SKU, i, group));
        }
        return rows;
    }
}
