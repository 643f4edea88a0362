package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TableTest {
    @Test
    void textStandsToTheLeftAndNumbersToTheRight() {
        assertEquals("""
                SKU   UNITS
                MUG  12,345
                P        -7
                """, printed(new Table().text("SKU").number("UNITS").row("MUG", 12_345L).row("P", -7L)));
    }

    @Test
    void textFromElsewhereCannotSteerTheTerminal() {
        assertEquals("SKU\nA\uFFFD[31mB\n", printed(new Table().text("SKU").row("A\u001b[31mB")));
    }

    @Test
    void thousandsStandApart() {
        assertEquals("0", Table.grouped(0));
        assertEquals("999", Table.grouped(999));
        assertEquals("1,000", Table.grouped(1_000));
        assertEquals("-1,000", Table.grouped(-1_000));
        assertEquals("-999", Table.grouped(-999));
        assertEquals("-9,223,372,036,854,775,808", Table.grouped(Long.MIN_VALUE));
    }

    private static String printed(Table table) {
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text);
        table.print(out);
        out.flush();
        return text.toString().replace(System.lineSeparator(), "\n");
    }
}
