package io.stockledger.loadtest.workload;

import com.google.protobuf.Duration;
import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.Commit;
import io.stockledger.v1.Fulfill;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.LedgerServiceGrpc.LedgerServiceStub;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Release;
import io.stockledger.v1.Reserve;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * Whole checkouts: each caller reserves, and then in 80 of 100 commits and fulfills, in 15 releases, and in 5 goes
 * away, so that the ledger expires the hold. Expiries are the ledger's own and not counted.
 */
public final class CheckoutMix implements Workload {
    private static final int CALLERS = 512;
    private static final int SKUS = 1_000;
    private static final Duration HOLD = Duration.newBuilder().setSeconds(60).build();
    /** Of those who go away: short, so that expiries fall into the figure. */
    private static final Duration HOLD_LEFT = Duration.newBuilder().setSeconds(2).build();

    @Override
    public String name() {
        return "checkout";
    }

    @Override
    public String group() {
        return "mix";
    }

    @Override
    public String about() {
        return "reserve, then commit and fulfill (80 %), release (15 %) or let expire (5 %): 512 callers on one SKU, and on 1,000";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(2) + 1;
    }

    @Override
    public void run(Ground ground) throws Exception {
        Sales sales = new Sales(ground.fresh("co"));
        String hot = ground.fresh("HOT");
        sales.stockUp(ground.channel(0), List.of(hot));
        ground.add(Figure.of("checkout-hot", "checkouts on one SKU, unary, 512 callers",
                ground.peak("checkout-hot", load(ground, sales, () -> hot)).rounds(), "mutations/s"));
        List<String> names = Spread.skus(ground, sales, SKUS);
        ground.add(Figure.of("checkout-spread", "checkouts on 1,000 SKUs, unary, 512 callers",
                ground.peak("checkout-spread", load(ground, sales, () -> names.get(ThreadLocalRandom.current().nextInt(SKUS)))).rounds(),
                "mutations/s"));
    }

    private static Load load(Ground ground, Sales sales, Supplier<String> sku) {
        List<LedgerServiceStub> stubs = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> LedgerServiceGrpc.newStub(ground.channel(i))).toList();
        Shopper[] shoppers = new Shopper[CALLERS];
        for (int i = 0; i < CALLERS; i++) {
            shoppers[i] = new Shopper(sales, sku);
        }
        return Callers.unary(CALLERS,
                (int caller, StreamObserver<ApplyMutationResponse> answer) -> stubs.get(caller % stubs.size()).applyMutation(
                        ApplyMutationRequest.newBuilder().setMutation(shoppers[caller].next()).build(), answer),
                answer -> Sales.requireApplied(answer.getResult()));
    }

    /** One caller's place in its checkout; its calls follow each other, so nothing is shared. */
    private static final class Shopper {
        private enum Step { RESERVE, COMMIT, FULFILL, RELEASE }

        private final Sales sales;
        private final Supplier<String> skus;
        private Step step = Step.RESERVE;
        private String sku = "";
        private String reservation = "";

        private Shopper(Sales sales, Supplier<String> skus) {
            this.sales = sales;
            this.skus = skus;
        }

        private Mutation next() {
            return switch (step) {
                case RESERVE -> reserve();
                case COMMIT -> {
                    step = Step.FULFILL;
                    yield sales.mutation(sku).setCommit(Commit.newBuilder().setReservationId(reservation)).build();
                }
                case FULFILL -> {
                    step = Step.RESERVE;
                    yield sales.mutation(sku).setFulfill(Fulfill.newBuilder().setReservationId(reservation)).build();
                }
                case RELEASE -> {
                    step = Step.RESERVE;
                    yield sales.mutation(sku).setRelease(Release.newBuilder().setReservationId(reservation)).build();
                }
            };
        }

        private Mutation reserve() {
            int chance = ThreadLocalRandom.current().nextInt(100);
            step = chance < 80 ? Step.COMMIT : chance < 95 ? Step.RELEASE : Step.RESERVE;
            sku = skus.get();
            Mutation.Builder mutation = sales.mutation(sku);
            reservation = mutation.getMutationId();
            return mutation.setReserve(Reserve.newBuilder().setQuantity(1).setTimeToLive(step == Step.RESERVE ? HOLD_LEFT : HOLD)).build();
        }
    }
}
