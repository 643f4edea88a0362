package io.stockledger.loadtest.workload;

import io.stockledger.loadtest.figure.Plot;

/** The plots that several workloads and baselines share. */
public final class Plots {
    /** The hotter the SKU, the more a row lock loses and the ledger gains. */
    public static final Plot HOT = new Plot("One hot SKU: throughput by callers", "callers, or mutations in flight", "mutations/s", true, true);
    /** What the spread over more SKUs costs. */
    public static final Plot SPREAD = new Plot("Spread over SKUs: throughput", "SKUs", "mutations/s", true, true);

    private Plots() {}

    public static String callers(int callers) {
        return callers == 1 ? "1 caller" : String.format(java.util.Locale.ROOT, "%,d callers", callers);
    }
}
