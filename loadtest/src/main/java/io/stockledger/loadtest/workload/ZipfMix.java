package io.stockledger.loadtest.workload;

import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import java.util.List;
import java.util.function.Supplier;

/** Sales over 10,000 SKUs of which a few sell most: between the hot SKU and the even spread, where shops live. */
public final class ZipfMix implements Workload {
    private static final int SKUS = 10_000;

    @Override
    public String name() {
        return "zipf";
    }

    @Override
    public String group() {
        return "spread";
    }

    @Override
    public String about() {
        return "10,000 SKUs by Zipf's law, exponent 1: ApplyMutation with 512 callers, 8 streams of 1,000";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(2) + 1;
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("zf"));
        List<String> names = Spread.skus(ground, sales, SKUS);
        Zipf zipf = new Zipf(SKUS);
        Supplier<String> drawn = () -> names.get(zipf.draw());
        ground.add(Figure.of("zipf-unary", "10,000 SKUs by Zipf, unary, 512 callers",
                ground.peak("zipf-unary", Spread.unary(ground, sales, 512, drawn)).rounds(), "mutations/s").goal(Goal.shownBest("row-lock-zipf")));
        ground.add(Figure.of("zipf-stream", "10,000 SKUs by Zipf, 8 streams of 1,000",
                ground.peak("zipf-stream", Streams.load(ground, 8, 1_000, () -> sales.sale(drawn.get()))).rounds(), "mutations/s")
                .goal(Goal.shownBest("row-lock-zipf")));
    }

    /** For the row lock, which must meet the same sales. */
    public static Supplier<String> drawn(List<String> skus) {
        Zipf zipf = new Zipf(skus.size());
        return () -> skus.get(zipf.draw());
    }
}
