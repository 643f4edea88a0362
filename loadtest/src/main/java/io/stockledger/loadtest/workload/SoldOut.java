package io.stockledger.loadtest.workload;

import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Receive;
import java.util.List;

/**
 * The crowd after the last unit is gone: every sale is decided and refused, and nothing is written. So it is the ceiling
 * of sales too, of a ledger whose journal costs nothing.
 */
public final class SoldOut implements Workload {
    private static final List<Integer> CALLERS = List.of(64, 512);
    private static final int STREAMS = 8;
    private static final int BATCH = 1_000;
    private static final int UNITS = 10;

    @Override
    public String name() {
        return "sold-out";
    }

    @Override
    public String group() {
        return "hot";
    }

    @Override
    public String about() {
        return "one SKU that is sold out, each sale refused: ApplyMutation, 64 and 512 callers, 8 streams of 1,000";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(CALLERS.size() + 1);
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("so"));
        String sku = ground.fresh("SOLD-OUT");
        sellOut(ground, sales, sku);
        for (int callers : CALLERS) {
            String name = "sold-out-" + callers;
            ground.add(Figure.of(name, "sold-out SKU, unary, " + Plots.callers(callers),
                    ground.peak(name, HotUnary.sell(ground, sales, sku, callers, Sales::requireSoldOut)).rounds(), "refusals/s")
                    .goal(Goal.shown("empty-unary-" + callers)).goal(Goal.shown("hot-unary-" + callers)));
        }
        String name = "sold-out-stream";
        ground.add(Figure.of(name, "sold-out SKU, 8 streams of 1,000",
                ground.peak(name, Streams.load(ground, STREAMS, BATCH, () -> sales.sale(sku), Sales::requireSoldOut)).rounds(), "refusals/s")
                .goal(Goal.shown("hot-stream-1000")).goal(Goal.shownBest("row-lock-hot")));
    }

    /** Of a SKU that never had stock there is no location to look at, and no id. */
    private static void sellOut(Ground ground, Sales sales, String sku) {
        LedgerServiceGrpc.LedgerServiceBlockingStub ledger = LedgerServiceGrpc.newBlockingStub(ground.channel(0));
        Sales.requireApplied(ledger.applyMutation(ApplyMutationRequest.newBuilder().setMutation(
                sales.mutation(sku).setReceive(Receive.newBuilder().setQuantity(UNITS))).build()).getResult());
        for (int i = 0; i < UNITS; i++) {
            Sales.requireApplied(ledger.applyMutation(sales.request(sku)).getResult());
        }
    }
}
