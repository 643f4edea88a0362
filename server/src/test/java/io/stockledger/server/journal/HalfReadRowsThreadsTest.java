package io.stockledger.server.journal;

import io.stockledger.server.Interleavings;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** Rows put back and taken by pages that are read side by side. */
public class HalfReadRowsThreadsTest {
    private static final GroupRow GROUP = SomeEntries.row(SomeEntries.sales(1));

    private final HalfReadRows rows = new HalfReadRows(2L * GROUP.bytes().length);

    @Operation
    public void put(@Param(gen = IntGen.class, conf = "1:3") int sequence, @Param(gen = IntGen.class, conf = "1:2") int number) {
        rows.put(SomeEntries.SKU, sequence, new JournalRow(number, 1, SomeEntries.SKU, number, GROUP));
    }

    @Operation
    public long take(@Param(gen = IntGen.class, conf = "1:3") int sequence) {
        return rows.take(SomeEntries.SKU, sequence).map(JournalRow::rowNumber).orElse(0L);
    }

    @Test
    void rowGoesToOneTaker() {
        Interleavings.check(100, HalfReadRowsThreadsTest.class);
    }
}
