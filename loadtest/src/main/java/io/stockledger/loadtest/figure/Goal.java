package io.stockledger.loadtest.figure;

/** What a figure is held against: another figure of the same run, or a fixed bound in the figure's own unit. */
public sealed interface Goal {

    /** At least {@code factor} times the figure of that name. */
    static Goal times(double factor, String baseline) {
        return new Ratio(Side.AT_LEAST, factor, baseline);
    }

    /** At least {@code factor} times the best figure of that series: {@code row-lock-hot} is the best of {@code row-lock-hot-8} ... */
    static Goal timesBest(double factor, String series) {
        return new Ratio(Side.AT_LEAST, factor, series + BEST);
    }

    /** At most {@code factor} times the figure of that name. */
    static Goal within(double factor, String baseline) {
        return new Ratio(Side.AT_MOST, factor, baseline);
    }

    /** The ratio is shown; nothing is promised. */
    static Goal shown(String baseline) {
        return new Ratio(Side.SHOWN, 0, baseline);
    }

    /** The ratio to the best figure of that series is shown; nothing is promised. */
    static Goal shownBest(String series) {
        return new Ratio(Side.SHOWN, 0, series + BEST);
    }

    static Goal atLeast(double bound) {
        return new Limit(Side.AT_LEAST, bound);
    }

    static Goal atMost(double bound) {
        return new Limit(Side.AT_MOST, bound);
    }

    /** Ends a name that stands for the best of its series. */
    String BEST = "-best";

    enum Side { AT_LEAST, AT_MOST, SHOWN }

    Side side();

    /** What is compared, the figure or its ratio, is held against this. */
    double bound();

    record Ratio(Side side, double bound, String baseline) implements Goal {}

    record Limit(Side side, double bound) implements Goal {}
}
