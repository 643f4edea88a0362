package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Metrics;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** What a SKU costs while it is awake: ten entries, one location, heap after a full collection. */
public final class ResidentMemory implements Workload {
    private static final int ENTRIES = 10;
    private static final int BEFORE = 2_000;
    /** Timers of the last writes lapse within 20 s; until then they are held though nobody waits for them. */
    private static final int REST_SECONDS = 25;
    private static final String RESIDENT = "stockledger_resident_skus";
    // Nobody falls asleep while it is counted; and the feed's buffer of newest rows, a fixed cost, is full before.
    private static final String AWAKE = "stockledger.entity.idle-after = 1 hour\n"
            + "stockledger.feed.ring-bytes = 128 KiB\n";

    @Override
    public String name() {
        return "resident-memory";
    }

    @Override
    public String group() {
        return "memory";
    }

    @Override
    public String about() {
        return "heap of a resident SKU with ten entries and one location, after a full collection";
    }

    @Override
    public double seconds(Settings settings) {
        return 15 + 2 * REST_SECONDS + skus(settings) / 2_000.0;
    }

    @Override
    public void run(Ground ground) throws Exception {
        int skus = skus(ground.settings());
        ServerProcess ledger = ground.ownLedger(AWAKE);
        ServerHeap heap = ServerHeap.of(ledger);
        ManagedChannel channel = ground.channelTo(ledger.target());
        Sales sales = new Sales(ground.fresh("rm"));
        // Code, pools and caches are there once this is done; only SKUs come on top.
        fill(channel, sales, ground, BEFORE);
        TimeUnit.SECONDS.sleep(REST_SECONDS);
        long before = heap.liveBytes();
        long awakeBefore = awake(ledger);
        ground.say(String.format(Locale.ROOT, "%,d SKUs get %d entries each", skus, ENTRIES));
        fill(channel, sales, ground, skus);
        long atWork = heap.liveBytes();
        TimeUnit.SECONDS.sleep(REST_SECONDS);
        long after = heap.liveBytes();
        long awake = awake(ledger) - awakeBefore;
        if (awake != skus) {
            throw new IllegalStateException(awake + " SKUs are awake where " + skus + " should be");
        }
        ground.add(Figure.of("resident-memory-bytes", "heap of a resident SKU, " + ENTRIES + " entries", (after - before) / (double) skus, "bytes")
                .goal(Goal.atMost(4_096))
                .note(String.format(Locale.ROOT, "%d s after the last write; right after it %,.0f bytes, timers that lapse included",
                        REST_SECONDS, (atWork - before) / (double) skus))
                .note(String.format(Locale.ROOT, "live bytes after a full collection, with %,d SKUs (%,d bytes) less with %,d (%,d bytes), divided",
                        skus + BEFORE, after, BEFORE, before)));
    }

    /** By the ledger's own count. */
    static long awake(ServerProcess ledger) {
        return Math.round(new Metrics(ledger.metrics()).read().map(reading -> reading.values().get(RESIDENT))
                .orElseThrow(() -> new IllegalStateException("the ledger's metrics do not say " + RESIDENT)));
    }

    /** A receipt and then sales, a SKU's all in one batch, so in order. */
    private static void fill(ManagedChannel channel, Sales sales, Ground ground, int skus) throws InterruptedException {
        List<String> names = IntStream.range(0, skus).mapToObj(i -> ground.fresh("RESIDENT")).toList();
        sales.stockUp(channel, names);
        Filling.fill(channel, (long) skus * (ENTRIES - 1), 100 * (ENTRIES - 1),
                number -> sales.sale(names.get((int) (number / (ENTRIES - 1)))).build());
    }

    private static int skus(Settings settings) {
        return settings.quick() ? 10_000 : 100_000;
    }
}
