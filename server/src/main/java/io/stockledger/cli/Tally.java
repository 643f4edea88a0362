package io.stockledger.cli;

import java.util.List;

/**
 * What came of a crowd, counted.
 *
 * @param way how stock was kept
 * @param units units there were
 * @param confirmed orders confirmed, a unit each
 * @param refused shoppers who were told that it is sold out
 * @param agesMs how old the count was that each shopper was shown, in milliseconds of the time that it stands for
 */
record Tally(String way, int units, int confirmed, int refused, List<Long> agesMs) {
    Tally {
        agesMs = agesMs.stream().sorted().toList();
    }

    int oversold() {
        return Math.max(0, confirmed - units);
    }

    long ageMs(double quantile) {
        return agesMs.isEmpty() ? 0 : agesMs.get((int) Math.min(agesMs.size() - 1, Math.floor(quantile * agesMs.size())));
    }

    long ageMsMax() {
        return agesMs.isEmpty() ? 0 : agesMs.get(agesMs.size() - 1);
    }
}
