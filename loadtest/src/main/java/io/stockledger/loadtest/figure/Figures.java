package io.stockledger.loadtest.figure;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The figures of a run so far, and how they stand to each other. Goals are held only at the end: a baseline may come last. */
public final class Figures {
    private final Map<String, Figure> byName = new LinkedHashMap<>();

    /** How a figure stands to one of its goals. Empty where its baseline is not in this run. */
    public record Comparison(Goal goal, Optional<Figure> baseline, Optional<Double> ratio, Optional<Boolean> met) {}

    public synchronized void add(Figure figure) {
        if (byName.putIfAbsent(figure.name(), figure) != null) {
            throw new IllegalArgumentException("two figures are named " + figure.name());
        }
    }

    public synchronized List<Figure> all() {
        return new ArrayList<>(byName.values());
    }

    /** A figure by its name, or the best of a series by {@code SERIES-best}. */
    public synchronized Optional<Figure> find(String name) {
        if (name.endsWith(Goal.BEST) && !byName.containsKey(name)) {
            String series = name.substring(0, name.length() - Goal.BEST.length()) + "-";
            return byName.values().stream()
                    .filter(figure -> figure.name().startsWith(series) && isNumber(figure.name().substring(series.length())))
                    .max(Comparator.comparingDouble(Figure::value));
        }
        return Optional.ofNullable(byName.get(name));
    }

    public List<Comparison> comparisons(Figure figure) {
        return figure.goals().stream().map(goal -> compare(figure, goal)).toList();
    }

    /** Whether all its goals are met; empty where it has none, or where one can't be told in this run. */
    public Optional<Boolean> met(Figure figure) {
        List<Optional<Boolean>> promised = comparisons(figure).stream()
                .filter(comparison -> comparison.goal().side() != Goal.Side.SHOWN).map(Comparison::met).toList();
        if (promised.stream().anyMatch(met -> met.isPresent() && !met.get())) {
            return Optional.of(false);
        }
        return promised.isEmpty() || promised.stream().anyMatch(Optional::isEmpty) ? Optional.empty() : Optional.of(true);
    }

    private Comparison compare(Figure figure, Goal goal) {
        if (goal instanceof Goal.Limit limit) {
            return new Comparison(goal, Optional.empty(), Optional.empty(), held(limit.side(), figure.value(), limit.bound()));
        }
        Goal.Ratio ratio = (Goal.Ratio) goal;
        Optional<Figure> baseline = find(ratio.baseline()).filter(found -> found.value() != 0);
        Optional<Double> value = baseline.map(found -> figure.value() / found.value());
        return new Comparison(goal, baseline, value, value.flatMap(is -> held(ratio.side(), is, ratio.bound())));
    }

    private static Optional<Boolean> held(Goal.Side side, double value, double bound) {
        return switch (side) {
            case AT_LEAST -> Optional.of(value >= bound);
            case AT_MOST -> Optional.of(value <= bound);
            case SHOWN -> Optional.empty();
        };
    }

    private static boolean isNumber(String text) {
        return !text.isEmpty() && text.chars().allMatch(Character::isDigit);
    }
}
