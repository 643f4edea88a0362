package io.stockledger.loadtest.baseline;

import com.zaxxer.hikari.HikariDataSource;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.OpenLoop;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.workload.Latencies;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * How long a sale under the row lock takes at half of what the lock can do. Arrivals wait for one of eight connections,
 * near where the lock is at its best: more would only wait at the row instead, and slow it down.
 */
public final class RowLockLatency implements Workload {
    private static final int CONNECTIONS = 8;

    @Override
    public String name() {
        return "row-lock-latency";
    }

    @Override
    public String group() {
        return "latency";
    }

    @Override
    public String about() {
        return "baseline: one SKU under the row lock, arrivals at half of its own peak, latency from the intended time on";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(2);
    }

    @Override
    public void run(Ground ground) throws Exception {
        RowLock.make(ground, 0);
        HikariDataSource pool = Tables.pool(ground, CONNECTIONS);
        String ids = ground.fresh("rl");
        AtomicLong numbers = new AtomicLong();
        Optional<Figure> known = ground.found("row-lock-hot-" + CONNECTIONS);
        double peak = known.isPresent() ? known.get().value() : ground.peak("row-lock-latency-peak", Callers.threads(CONNECTIONS,
                caller -> () -> RowLock.sell(pool, "HOT", ids + "-" + numbers.getAndIncrement()))).perSecond();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        ExecutorService sellers = Executors.newFixedThreadPool(CONNECTIONS);
        ground.keep(sellers::shutdownNow);
        OpenLoop.Latency latency = ground.latency(peak / 2, (number, answered) -> sellers.execute(() -> {
            try {
                RowLock.sell(pool, "HOT", ids + "-" + numbers.getAndIncrement());
                answered.run();
            } catch (SQLException | RuntimeException e) {
                failure.compareAndSet(null, e);
            }
        }));
        if (failure.get() != null) {
            throw new IllegalStateException("a sale failed: " + failure.get().getMessage(), failure.get());
        }
        Latencies.add(ground, "row-lock-latency", "row lock, hot SKU, at half of its peak", latency, List.of(), List.of());
    }
}
