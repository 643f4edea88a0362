package io.stockledger.loadtest.workload;

import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import java.util.List;

/** One SKU that everyone wants, sales in batches: what a till server or a marketplace adapter sends. */
public final class HotStream implements Workload {
    private static final int STREAMS = 8;
    private static final List<Integer> BATCHES = List.of(100, 1_000);

    @Override
    public String name() {
        return "hot-stream";
    }

    @Override
    public String group() {
        return "hot";
    }

    @Override
    public String about() {
        return "one SKU, StreamMutations, 8 streams with requests of 100 and of 1,000";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(BATCHES.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("hs"));
        String sku = ground.fresh("HOT");
        sales.stockUp(ground.channel(0), List.of(sku));
        for (int batch : BATCHES) {
            String name = "hot-stream-" + batch;
            Figure figure = Figure.of(name, String.format(java.util.Locale.ROOT, "hot SKU, %d streams of %,d", STREAMS, batch),
                    ground.peak(name, Streams.load(ground, STREAMS, batch, () -> sales.sale(sku))).rounds(), "mutations/s")
                    .on(Plots.HOT.at("ledger, 8 streams", STREAMS * batch));
            ground.add(figure.goal(batch == 1_000 ? Goal.timesBest(200, "row-lock-hot") : Goal.shownBest("row-lock-hot"))
                    .goal(Goal.shownBest("empty-stream"))
                    .note(String.format(java.util.Locale.ROOT, "beside the empty stream: mutations to messages; here a message carries %,d", batch)));
        }
    }
}
