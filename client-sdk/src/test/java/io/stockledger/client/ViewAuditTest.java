package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A view that differs from the ledger's entries is told from which entry on it does. */
class ViewAuditTest {

    private static LocationBalance balance(String location, long available) {
        return LocationBalance.newBuilder().setLocation(location).setAvailable(available).build();
    }

    private static Stream<Entry> entries() {
        return Stream.of(entry(1, "main", 5), entry(2, "main", 4), entry(3, "shop", 2), entry(4, "main", 3));
    }

    private static Entry entry(long sequence, String location, long available) {
        return Entry.newBuilder().setSku("MUG").setSequence(sequence).addBalances(balance(location, available)).build();
    }

    private static List<Long> doubted(long sequence, LocationBalance... balances) {
        Stock view = Stock.newBuilder().setSku("MUG").setSequence(sequence).addAllBalances(List.of(balances)).build();
        return ViewAudit.of(view, entries()).stream().map(AuditFinding::getSequence).toList();
    }

    @Test
    void aViewThatIsRightAtItsSequenceIsCleanAlsoWhereTheLedgerIsAhead() {
        assertEquals(List.of(), doubted(4, balance("main", 3), balance("shop", 2)));
        assertEquals(List.of(), doubted(2, balance("main", 4)));
        assertEquals(List.of(), doubted(0));
        assertEquals(List.of(), doubted(4, balance("main", 3), balance("shop", 2), balance("never used", 0)));
    }

    @Test
    void aViewThatLacksAnEntryIsToldTheFirst() {
        assertEquals(List.of(2L), doubted(4, balance("main", 5), balance("shop", 2)));
        assertEquals(List.of(3L), doubted(4, balance("main", 3)));
    }

    @Test
    void aViewThatNeverStoodSoIsToldTheLastEntryThere() {
        assertEquals(List.of(4L), doubted(4, balance("main", 99), balance("shop", 2)));
    }

    @Test
    void aViewAheadOfTheLedgerIsToldWhereTheLedgerEnds() {
        assertEquals(List.of(5L), doubted(9, balance("main", 3), balance("shop", 2)));
        assertTrue(ViewAudit.of(Stock.newBuilder().setSku("GONE").setSequence(2).build(), Stream.empty()).get(0).getFound().contains("entry 2"));
    }
}
