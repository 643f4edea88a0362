package io.stockledger.loadtest.workload;

import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.OpenLoop;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.loadtest.figure.Percentiles;
import io.stockledger.loadtest.report.Numbers;
import java.util.List;
import java.util.Locale;

/** A latency as two figures, its p50 and its p99: each the median of its rounds. */
public final class Latencies {
    private Latencies() {}

    public static void add(Ground ground, String name, String title, OpenLoop.Latency latency, List<Goal> p50, List<Goal> p99) {
        String rate = String.format(Locale.ROOT, "%,.0f arrivals a second, evenly spaced", latency.perSecond());
        String lateness = "the generator began its arrivals " + Numbers.shown(latency.lateness().atMs(99)) + " ms late at p99, "
                + Numbers.shown(latency.lateness().atMs(100)) + " ms at most; that is in the latencies";
        Figure half = Figure.of(name + "-p50", title + ", p50", each(latency, 50), "ms").note(rate).note(lateness);
        Figure tail = Figure.of(name + "-p99", title + ", p99", each(latency, 99), "ms")
                .percentiles(latency.all()).note(rate).note(lateness);
        if (latency.unanswered() > 0) {
            String unanswered = String.format(Locale.ROOT, "%,d arrivals had no answer 10 s after the last", latency.unanswered());
            half = half.note(unanswered);
            tail = tail.note(unanswered);
        }
        for (Goal goal : p50) {
            half = half.goal(goal);
        }
        for (Goal goal : p99) {
            tail = tail.goal(goal);
        }
        ground.add(half);
        ground.add(tail);
    }

    private static List<Double> each(OpenLoop.Latency latency, double percentile) {
        return latency.rounds().stream().map((Percentiles round) -> round.atMs(percentile)).toList();
    }
}
