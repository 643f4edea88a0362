package io.stockledger.loadtest.workload;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Pulse;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.Mutation;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/** One SKU that everyone wants, single sales through one client of the SDK, which batches them by itself. */
public final class HotSdk implements Workload {
    private static final List<Integer> IN_FLIGHT = List.of(64, 512, 4_096);

    @Override
    public String name() {
        return "hot-sdk";
    }

    @Override
    public String group() {
        return "hot";
    }

    @Override
    public String about() {
        return "one SKU, LedgerClient.submit, 64 to 4,096 single mutations in flight on one client";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(IN_FLIGHT.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("sdk"));
        String sku = ground.fresh("HOT");
        sales.stockUp(ground.channel(0), List.of(sku));
        LedgerClient client = ground.client();
        for (int inFlight : IN_FLIGHT) {
            String name = "hot-sdk-" + inFlight;
            Supplier<Mutation> sale = () -> Mutations.sell(sku, 1).setChannel("web").build();
            double goal = switch (inFlight) {
                case 64 -> 13;
                case 512 -> 35;
                default -> 100;
            };
            ground.add(Figure.of(name, String.format(java.util.Locale.ROOT, "hot SKU, SDK, %,d in flight", inFlight),
                    ground.peak(name, submit(client, inFlight, sale)).rounds(), "mutations/s")
                    .on(Plots.HOT.at("ledger, SDK", inFlight)).goal(Goal.timesBest(goal, "row-lock-hot")));
        }
    }

    /** So many submitters on one client; each submits its next when the last is answered. */
    static Load submit(LedgerClient client, int inFlight, Supplier<Mutation> mutations) {
        return pulse -> {
            CountDownLatch ended = new CountDownLatch(inFlight);
            for (int i = 0; i < inFlight; i++) {
                next(client, mutations, pulse, ended);
            }
            ended.await();
        };
    }

    private static void next(LedgerClient client, Supplier<Mutation> mutations, Pulse pulse, CountDownLatch ended) {
        if (!pulse.running()) {
            ended.countDown();
            return;
        }
        client.submit(mutations.get()).whenComplete((outcome, failure) -> {
            if (failure != null) {
                pulse.failed(failure);
            } else if (!(outcome instanceof Outcome.Applied)) {
                pulse.failed(new IllegalStateException("not applied: " + outcome.toResult()));
            } else {
                pulse.answered(1);
            }
            next(client, mutations, pulse, ended);
        });
    }
}
