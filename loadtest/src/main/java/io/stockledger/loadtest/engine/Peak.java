package io.stockledger.loadtest.engine;

import io.stockledger.loadtest.figure.Median;
import java.util.List;
import java.util.Optional;

/**
 * What a load reached, a second, round by round.
 *
 * @param seen what the ledger saw of it, where it applied anything and its metrics can be read
 */
public record Peak(List<Double> rounds, Optional<Seen> seen) {
    /** Both sides over the same time: what the callers were answered, a second, and what the ledger says. */
    public record Seen(double answered, Metrics.Observed observed) {}

    public Peak {
        rounds = List.copyOf(rounds);
    }

    public double perSecond() {
        return Median.of(rounds);
    }
}
