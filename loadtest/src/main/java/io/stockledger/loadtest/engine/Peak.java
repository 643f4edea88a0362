package io.stockledger.loadtest.engine;

import io.stockledger.loadtest.figure.Median;
import java.util.List;

/** What a load reached, a second, round by round. */
public record Peak(List<Double> rounds) {
    public Peak {
        rounds = List.copyOf(rounds);
    }

    public double perSecond() {
        return Median.of(rounds);
    }
}
