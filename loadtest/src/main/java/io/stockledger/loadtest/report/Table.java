package io.stockledger.loadtest.report;

import java.io.PrintStream;
import java.util.List;
import java.util.function.Function;

/** The report as a table for a terminal. */
public final class Table {
    private static final List<String> TITLES = List.of("FIGURE", "VALUE", "UNIT", "AGAINST", "RATIO", "GOAL", "MET");
    private static final List<Function<Row, String>> CELLS =
            List.of(Row::title, Row::value, Row::unit, Row::against, Row::ratio, Row::goal, Row::met);
    private static final List<Boolean> TO_THE_RIGHT = List.of(false, true, false, false, true, false, false);

    private Table() {}

    public static void print(Report report, PrintStream out) {
        List<Row> rows = Row.of(report.figures());
        int[] widths = new int[TITLES.size()];
        for (int i = 0; i < widths.length; i++) {
            Function<Row, String> cell = CELLS.get(i);
            widths[i] = Math.max(TITLES.get(i).length(), rows.stream().mapToInt(row -> cell.apply(row).length()).max().orElse(0));
        }
        out.println(line(TITLES, widths));
        rows.forEach(row -> out.println(line(CELLS.stream().map(cell -> cell.apply(row)).toList(), widths)));
    }

    private static String line(List<String> cells, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - cells.get(i).length());
            line.append(i == 0 ? "" : "  ").append(TO_THE_RIGHT.get(i) ? padding + cells.get(i) : cells.get(i) + padding);
        }
        return line.toString().stripTrailing();
    }
}
