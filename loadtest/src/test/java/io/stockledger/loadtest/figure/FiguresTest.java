package io.stockledger.loadtest.figure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** How figures stand to their baselines and goals. */
class FiguresTest {
    private final Figures figures = new Figures();

    @Test
    void theMedianIsTheMiddleRound() {
        assertEquals(3, Median.of(List.of(100.0, 1.0, 3.0)));
        assertEquals(2.5, Median.of(List.of(4.0, 1.0, 2.0, 3.0)));
        assertThrows(IllegalArgumentException.class, () -> Median.of(List.of()));
    }

    @Test
    void aGoalIsHeldAtItsBoundAndMissedBelow() {
        figures.add(Figure.of("row-lock-8", "", 100, "mutations/s"));
        assertEquals(Optional.of(true), met(Figure.of("a", "", 150, "mutations/s").goal(Goal.times(1.5, "row-lock-8"))));
        assertEquals(Optional.of(false), met(Figure.of("b", "", 149.9, "mutations/s").goal(Goal.times(1.5, "row-lock-8"))));
        assertEquals(Optional.of(true), met(Figure.of("c", "", 20, "ms").goal(Goal.within(0.2, "row-lock-8"))));
        assertEquals(Optional.of(false), met(Figure.of("d", "", 20.1, "ms").goal(Goal.within(0.2, "row-lock-8"))));
        assertEquals(Optional.of(true), met(Figure.of("e", "", 5, "ms").goal(Goal.atMost(5))));
        assertEquals(Optional.of(false), met(Figure.of("f", "", 4, "entries/s").goal(Goal.atLeast(5))));
    }

    @Test
    void theBestOfASeriesIsItsHighestAndOfNoOther() {
        figures.add(Figure.of("row-lock-hot-1", "", 100, "mutations/s"));
        figures.add(Figure.of("row-lock-hot-64", "", 300, "mutations/s"));
        figures.add(Figure.of("row-lock-hot-64-latency", "", 9_000, "ms"));
        figures.add(Figure.of("row-lock-hottest-8", "", 9_000, "mutations/s"));
        Figure figure = Figure.of("ledger", "", 600, "mutations/s").goal(Goal.timesBest(2, "row-lock-hot"));
        figures.add(figure);
        Figures.Comparison comparison = figures.comparisons(figure).get(0);
        assertEquals("row-lock-hot-64", comparison.baseline().orElseThrow().name());
        assertEquals(2, comparison.ratio().orElseThrow());
        assertEquals(Optional.of(true), figures.met(figure));
    }

    @Test
    void withoutItsBaselineAFigureIsNeitherMetNorMissed() {
        Figure figure = Figure.of("ledger", "", 600, "mutations/s").goal(Goal.times(2, "row-lock-hot-8"));
        assertEquals(Optional.empty(), met(figure));
        assertEquals(Optional.empty(), figures.comparisons(figure).get(0).ratio());
    }

    @Test
    void oneMissedGoalIsEnoughAndAShownRatioPromisesNothing() {
        figures.add(Figure.of("low", "", 10, "mutations/s"));
        figures.add(Figure.of("high", "", 1_000, "mutations/s"));
        Figure figure = Figure.of("ledger", "", 100, "mutations/s").goal(Goal.times(2, "low"));
        assertEquals(Optional.of(true), met(figure.goal(Goal.shown("high"))));
        assertEquals(Optional.of(false), figures.met(figure.goal(Goal.times(1, "high"))));
        assertEquals(Optional.empty(), figures.met(Figure.of("other", "", 1, "ms").goal(Goal.shown("low"))));
    }

    @Test
    void aNameIsGivenOnce() {
        figures.add(Figure.of("ledger", "", 1, "ms"));
        assertThrows(IllegalArgumentException.class, () -> figures.add(Figure.of("ledger", "", 2, "ms")));
    }

    private Optional<Boolean> met(Figure figure) {
        figures.add(figure);
        return figures.met(figure);
    }
}
