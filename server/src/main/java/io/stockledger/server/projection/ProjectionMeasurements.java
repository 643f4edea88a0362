package io.stockledger.server.projection;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** How the projection keeps up with the feed, on the node that keeps it. */
final class ProjectionMeasurements {
    private final Counter entries;
    private final Timer writes;
    private final Counter passedOver;
    private volatile long completeMs;

    ProjectionMeasurements(MeterRegistry registry, LongSupplier clock) {
        entries = Counter.builder("stockledger.projection.entries")
                .description("Entries that this node took over into the projection, those of a rebuild among them").register(registry);
        writes = Timer.builder("stockledger.projection.write")
                .description("How long one write of the projection takes; the feed waits for it").register(registry);
        passedOver = Counter.builder("stockledger.projection.rows.passed.over")
                .description("Rows that are not what was written, and so were not taken over into the projection").register(registry);
        TimeGauge.builder("stockledger.projection.age",
                () -> completeMs == 0 ? Double.NaN : Math.max(0, clock.getAsLong() - completeMs), TimeUnit.MILLISECONDS)
                .description("Everything that was committed until so long ago is in the projection; only on the node that keeps it")
                .register(registry);
    }

    void wrote(long moreEntries, long nanos) {
        entries.increment(moreEntries);
        writes.record(nanos, TimeUnit.NANOSECONDS);
    }

    void passedOver() {
        passedOver.increment();
    }

    void shown(ProjectedSet set) {
        completeMs = set.completeMs();
    }
}
