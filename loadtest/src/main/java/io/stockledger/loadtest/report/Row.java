package io.stockledger.loadtest.report;

import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Figures;
import io.stockledger.loadtest.figure.Goal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** One line of the table that people read: a figure beside one of its goals, in words. */
record Row(String title, String value, String unit, String against, String ratio, String goal, String met) {

    static List<Row> of(Figures figures) {
        return figures.all().stream().flatMap(figure -> of(figures, figure).stream()).toList();
    }

    /** One line a goal; the figure itself stands in the first only. */
    static List<Row> of(Figures figures, Figure figure) {
        String value = Numbers.shown(figure.value());
        List<Row> rows = new ArrayList<>();
        for (Figures.Comparison comparison : figures.comparisons(figure)) {
            boolean first = rows.isEmpty();
            rows.add(new Row(first ? figure.title() : "", first ? value : "", first ? figure.unit() : "",
                    against(comparison), comparison.ratio().map(Row::times).orElse(""), goal(comparison.goal(), figure.unit()),
                    comparison.met().map(met -> met ? "yes" : "NO").orElse("")));
        }
        return rows.isEmpty() ? List.of(new Row(figure.title(), value, figure.unit(), "", "", "", "")) : rows;
    }

    private static String against(Figures.Comparison comparison) {
        if (!(comparison.goal() instanceof Goal.Ratio ratio)) {
            return "";
        }
        Optional<String> title = comparison.baseline().map(Figure::title);
        return title.map(found -> ratio.baseline().endsWith(Goal.BEST) ? found + " (its best)" : found)
                .orElse(ratio.baseline() + " (not in this run)");
    }

    static String goal(Goal goal, String unit) {
        if (goal instanceof Goal.Limit limit) {
            return side(limit.side()) + Numbers.shown(limit.bound()) + " " + unit;
        }
        Goal.Ratio ratio = (Goal.Ratio) goal;
        return ratio.side() == Goal.Side.SHOWN ? "" : side(ratio.side()) + times(ratio.bound());
    }

    private static String side(Goal.Side side) {
        return side == Goal.Side.AT_MOST ? "at most " : "at least ";
    }

    static String times(double ratio) {
        return String.format(Locale.ROOT, ratio >= 100 ? "%,.0fx" : ratio >= 10 ? "%.1fx" : "%.2fx", ratio);
    }
}
