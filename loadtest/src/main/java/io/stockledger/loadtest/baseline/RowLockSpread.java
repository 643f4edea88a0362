package io.stockledger.loadtest.baseline;

import com.zaxxer.hikari.HikariDataSource;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Plot;
import io.stockledger.loadtest.workload.Plots;
import io.stockledger.loadtest.workload.ZipfMix;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** The row lock where it is at its best: over 10,000 SKUs hardly two sales meet at one row. And by Zipf, where some do. */
public final class RowLockSpread implements Workload {
    private static final int SKUS = 10_000;

    @Override
    public String name() {
        return "row-lock-spread";
    }

    @Override
    public String group() {
        return "baseline";
    }

    @Override
    public String about() {
        return "baseline: the row lock over 10,000 SKUs, each as likely, and by Zipf, 1 to 512 callers";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(2 * RowLock.CALLERS.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        RowLock.make(ground, SKUS);
        List<String> names = IntStream.range(0, SKUS).mapToObj(i -> "S/" + i).toList();
        measure(ground, "row-lock-spread", "row lock, 10,000 SKUs", () -> names.get(ThreadLocalRandom.current().nextInt(SKUS)), Optional.of(Plots.SPREAD));
        measure(ground, "row-lock-zipf", "row lock, 10,000 SKUs by Zipf", ZipfMix.drawn(names), Optional.empty());
    }

    /** @param plot where the figures stand beside the ledger's over as many SKUs, if they do */
    private static void measure(Ground ground, String series, String title, Supplier<String> sku, Optional<Plot> plot) throws Exception {
        String ids = ground.fresh("rl");
        AtomicLong numbers = new AtomicLong();
        for (int callers : RowLock.CALLERS) {
            HikariDataSource pool = Tables.pool(ground, callers);
            String name = series + "-" + callers;
            Figure figure = Figure.of(name, title + ", " + Plots.callers(callers), ground.peak(name,
                    Callers.threads(callers, caller -> () -> RowLock.sell(pool, sku.get(), ids + "-" + numbers.getAndIncrement()))).rounds(),
                    "mutations/s").note(Tables.note(callers));
            ground.add(plot.map(shared -> figure.on(shared.at("row lock, " + Plots.callers(callers), SKUS))).orElse(figure));
            pool.close();
        }
    }
}
