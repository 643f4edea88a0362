package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.loadtest.figure.Plot;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** What must not grow with the journal: the time to start, a SKU's first answer after it, and the tail's latency. */
public final class GrowthOfJournal implements Workload {
    private static final Plot PLOT = new Plot("Growth: the journal from a row a SKU on", "entries in the journal", "ms", true, true);
    private static final int SKUS = 10_000;
    private static final int RESTARTS = 5;

    @Override
    public String name() {
        return "growth-journal";
    }

    @Override
    public String group() {
        return "growth";
    }

    @Override
    public String about() {
        return "start, first answer, delivery at 1,000/s with a journal of up to 300,000 entries (--full: 10,000,000)";
    }

    @Override
    public double seconds(Settings settings) {
        List<Integer> points = points(settings);
        return 15 + points.get(points.size() - 1) / 12_000.0 + points.size() * (RESTARTS * 6 + 5 + settings.seconds(1));
    }

    @Override
    public void run(Ground ground) throws Exception {
        ServerProcess ledger = ground.ownLedger("");
        Sales sales = new Sales(ground.fresh("gj"));
        List<String> skus = IntStream.range(0, SKUS).mapToObj(i -> ground.fresh("JOURNAL")).toList();
        ManagedChannel first = ground.channelTo(ledger.target());
        sales.stockUp(first, skus);
        first.shutdownNow();
        long entries = SKUS;
        for (int point : points(ground.settings())) {
            if (point > entries) {
                ground.say(String.format(Locale.ROOT, "fills up to %,d entries, nearly each a row of its own", point));
                ManagedChannel channel = ground.channelTo(ledger.target());
                Filling.turns(channel, sales, skus, point - entries);
                channel.shutdownNow();
                entries = point;
            }
            measure(ground, ledger, sales, skus, point);
        }
    }

    private static void measure(Ground ground, ServerProcess ledger, Sales sales, List<String> skus, int point) throws Exception {
        List<Double> starts = new ArrayList<>();
        List<Double> firsts = new ArrayList<>();
        for (int i = 0; i < RESTARTS; i++) {
            starts.add(Restarts.startMs(ledger));
            firsts.add(Restarts.firstSaleMs(ground, ledger, sales, skus.get(i)));
        }
        String with = String.format(Locale.ROOT, ", %,d entries in the journal", point);
        Figure start = Figure.of("growth-journal-start-" + point, "serve to ready" + with, starts, "ms").on(PLOT.at("serve to ready", point));
        Figure answer = Figure.of("growth-journal-first-sale-" + point, "first sale after a start" + with, firsts, "ms")
                .on(PLOT.at("first sale after a start", point));
        ground.cold();
        Delivery.Seen seen = Delivery.watch(ground, ledger.target(), 100, 1, false);
        Figure delivery = Figure.of("growth-journal-delivery-p99-" + point, "answer to delivery, p99, 100 SKUs" + with,
                Delivery.Seen.at(seen.fromAnswer(), 99), "ms").percentiles(Delivery.Seen.together(seen.fromAnswer()))
                .on(PLOT.at("answer to delivery at 1,000/s on 100 SKUs, p99", point)).note(Delivery.HOW);
        if (point > SKUS) {
            start = start.goal(Goal.within(1.25, "growth-journal-start-" + SKUS));
            answer = answer.goal(Goal.within(1.25, "growth-journal-first-sale-" + SKUS));
            delivery = delivery.goal(Goal.within(1.5, "growth-journal-delivery-p99-" + SKUS));
        }
        ground.add(start);
        ground.add(answer);
        ground.add(delivery);
    }

    /** The first is the smallest that the SKUs themselves make. */
    private static List<Integer> points(Settings settings) {
        List<Integer> all = List.of(SKUS, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000);
        return all.subList(0, settings.full() ? 6 : settings.quick() ? 2 : 3);
    }
}
