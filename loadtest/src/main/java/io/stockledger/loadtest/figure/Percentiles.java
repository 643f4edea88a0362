package io.stockledger.loadtest.figure;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** A distribution of latencies in milliseconds, at the percentiles that are told. */
public record Percentiles(long count, Map<Double, Double> ms) {
    private static final List<Double> TOLD = List.of(0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99, 100.0);

    public Percentiles {
        ms = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(ms));
    }

    public static Percentiles ofNanos(Histogram histogram) {
        Map<Double, Double> ms = new LinkedHashMap<>();
        TOLD.forEach(percentile -> ms.put(percentile, histogram.getValueAtPercentile(percentile) / 1e6));
        return new Percentiles(histogram.getTotalCount(), ms);
    }

    /** At one of the percentiles that are told: 50, 99, 99.9, 100 ... */
    public double atMs(double percentile) {
        Double value = ms.get(percentile);
        if (value == null) {
            throw new IllegalArgumentException("percentile " + percentile + " is not one of " + TOLD);
        }
        return value;
    }
}
