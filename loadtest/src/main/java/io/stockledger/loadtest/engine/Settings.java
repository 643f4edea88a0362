package io.stockledger.loadtest.engine;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How long and how often is measured.
 *
 * @param warmUp before a workload's first figure: at least, see {@link WarmUp}
 * @param round how long one round is
 * @param rounds of each figure; their median is the figure
 * @param connections of the generator to the ledger, each a channel of its own, as a fleet would have
 * @param quick a short look: workloads leave out points of curves and measure smaller populations
 * @param full growth curves to their end, which takes most of an hour
 * @param log a shop's log of sales and returns
 */
public record Settings(Duration warmUp, Duration round, int rounds, int connections, boolean quick, boolean full,
        Optional<Path> log) {
    /** Before each further figure of the workload: its code is compiled by then. */
    public Duration warmUpAgain() {
        return warmUp.dividedBy(5);
    }

    /** A peak is warmed up for so many times as long at most, where compilers are still at work. */
    int peakWarmUpTimesMax() {
        return quick ? 1 : 8;
    }

    /** The same for what runs at a set rate: beside it compilers have more room. */
    int latencyWarmUpTimesMax() {
        return quick ? 1 : 4;
    }

    /** What comes at a set rate comes for so long at most, all rounds and some looks at the compilers included. */
    public Duration latencyMax() {
        return warmUp.multipliedBy(latencyWarmUpTimesMax()).plus(round.multipliedBy(rounds)).plusSeconds(10);
    }

    /** About how long so many figures of one workload take. */
    public double seconds(int figures) {
        double each = round.toMillis() / 1e3 * rounds + 0.2;
        return warmUp.toMillis() / 1e3 + (figures - 1) * warmUpAgain().toMillis() / 1e3 + figures * each;
    }
}
