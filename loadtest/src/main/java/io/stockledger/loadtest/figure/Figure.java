package io.stockledger.loadtest.figure;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One figure of a run.
 *
 * @param name unique in the run; ends with the number of callers, SKUs ... where it is one of a series
 * @param title what a reader sees
 * @param unit {@code mutations/s}, {@code ms}, {@code bytes} ...
 * @param rounds what the value is the median of; empty where it was measured once
 * @param goals what it is held against
 * @param percentiles where it is a latency
 * @param point where it stands in a plot
 * @param notes what must be known to read it: how it was measured, what bounded it
 */
public record Figure(String name, String title, double value, String unit, List<Double> rounds, List<Goal> goals,
        Optional<Percentiles> percentiles, Optional<Plot.Point> point, List<String> notes) {
    public Figure {
        rounds = List.copyOf(rounds);
        goals = List.copyOf(goals);
        notes = List.copyOf(notes);
    }

    /** Measured once. */
    public static Figure of(String name, String title, double value, String unit) {
        return new Figure(name, title, value, unit, List.of(), List.of(), Optional.empty(), Optional.empty(), List.of());
    }

    /** The median of rounds. */
    public static Figure of(String name, String title, List<Double> rounds, String unit) {
        return new Figure(name, title, Median.of(rounds), unit, rounds, List.of(), Optional.empty(), Optional.empty(), List.of());
    }

    public Figure goal(Goal goal) {
        return new Figure(name, title, value, unit, rounds, and(goals, goal), percentiles, point, notes);
    }

    public Figure percentiles(Percentiles percentiles) {
        return new Figure(name, title, value, unit, rounds, goals, Optional.of(percentiles), point, notes);
    }

    public Figure on(Plot.Point point) {
        return new Figure(name, title, value, unit, rounds, goals, percentiles, Optional.of(point), notes);
    }

    public Figure note(String note) {
        return new Figure(name, title, value, unit, rounds, goals, percentiles, point, and(notes, note));
    }

    private static <T> List<T> and(List<T> list, T one) {
        List<T> all = new ArrayList<>(list);
        all.add(one);
        return all;
    }
}
