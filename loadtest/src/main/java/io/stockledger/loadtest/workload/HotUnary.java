package io.stockledger.loadtest.workload;

import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc.LedgerServiceStub;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.MutationResult;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** One SKU that everyone wants, one call a sale: how the ledger's throughput goes with the number of callers. */
public final class HotUnary implements Workload {
    private static final List<Integer> CALLERS = List.of(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096);
    private static final List<Integer> CALLERS_QUICK = List.of(8, 64, 512);

    @Override
    public String name() {
        return "hot-unary";
    }

    @Override
    public String group() {
        return "hot";
    }

    @Override
    public String about() {
        return "one SKU, ApplyMutation, 1 to 4,096 callers";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(callers(settings).size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("hu"));
        String sku = ground.fresh("HOT");
        sales.stockUp(ground.channel(0), List.of(sku));
        for (int callers : callers(ground.settings())) {
            String name = "hot-unary-" + callers;
            Figure figure = Figure.of(name, "hot SKU, unary, " + Plots.callers(callers),
                    ground.peak(name, sell(ground, sales, sku, callers)).rounds(), "mutations/s")
                    .on(Plots.HOT.at("ledger, unary", callers));
            ground.add(switch (callers) {
                case 8 -> figure.goal(Goal.times(1.5, "row-lock-hot-8")).goal(Goal.shown("empty-unary-8"));
                case 64 -> figure.goal(Goal.times(20, "row-lock-hot-64")).goal(Goal.times(0.6, "empty-unary-64"))
                        .goal(Goal.times(1, "redis-64"));
                case 512 -> figure.goal(Goal.times(40, "row-lock-hot-512")).goal(Goal.timesBest(16, "row-lock-hot"))
                        .goal(Goal.times(0.9, "empty-unary-512"));
                default -> figure;
            });
        }
    }

    static Load sell(Ground ground, Sales sales, String sku, int callers) {
        return sell(ground, sales, sku, callers, Sales::requireApplied);
    }

    /** @param check throws where a result is not what it must be */
    static Load sell(Ground ground, Sales sales, String sku, int callers, Consumer<MutationResult> check) {
        List<LedgerServiceStub> stubs = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> LedgerServiceGrpc.newStub(ground.channel(i))).toList();
        return Callers.<ApplyMutationResponse>unary(callers,
                (caller, answer) -> stubs.get(caller % stubs.size()).applyMutation(sales.request(sku), answer),
                answer -> check.accept(answer.getResult()));
    }

    private static List<Integer> callers(Settings settings) {
        return settings.quick() ? CALLERS_QUICK : CALLERS;
    }
}
