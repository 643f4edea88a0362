package io.stockledger.server.domain;

import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Decide and evolve: what a hot SKU's actor does for each mutation of a group, between two commits. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DeciderBenchmark {
    private static final String SKU = "MUG-RED";
    private static final long NOW_MS = 1_700_000_000_000L;
    /** Twice the newest ids that a SKU keeps. They come again while it knows them among its older ids, which no decision asks for. */
    private static final int MUTATIONS = 1 << 17;

    private final Decider decider = new Decider(Limits.DEFAULT);
    private final Mutation[] sells = new Mutation[MUTATIONS];
    private final Mutation[] reserves = new Mutation[MUTATIONS];
    private final Mutation[] commits = new Mutation[MUTATIONS];
    private final Mutation[] fulfills = new Mutation[MUTATIONS];
    private Stock hot;
    private Stock soldOut;
    private Stock shared;
    private int next;

    @Setup
    public void stocks() {
        for (int i = 0; i < MUTATIONS; i++) {
            sells[i] = mutation("sell-" + i, "main", new Operation.Sell(1, false));
            reserves[i] = mutation("cart-" + i, "main", new Operation.Reserve(1, 900_000));
            commits[i] = mutation("placed-" + i, "", new Operation.Commit("cart-" + i, OptionalLong.empty()));
            fulfills[i] = mutation("left-" + i, "", new Operation.Fulfill("cart-" + i, OptionalLong.empty()));
        }
        hot = stocked(Limits.QUANTITY_MAX);
        soldOut = stocked(0);
        shared = stocked(Limits.QUANTITY_MAX);
        for (int i = 0; i < 10; i++) {
            evolve(shared, new Mutation("allocation-" + i, SKU, "main", "channel-" + i, "", "", 0, 0, 0, Mutation.ANY_SEQUENCE, i,
                    new Operation.SetChannelAllocation(5, Limits.QUANTITY_MAX)));
        }
    }

    @Benchmark
    public Decision decideSell() {
        return decider.decide(hot, sells[next()], NOW_MS);
    }

    @Benchmark
    public Stock decideAndEvolveSell() {
        return evolve(hot, sells[next()]);
    }

    /** Ten channels have a share of the stock. */
    @Benchmark
    public Stock decideAndEvolveSellAmongTenAllocations() {
        return evolve(shared, sells[next()]);
    }

    /** Three entries: a checkout from hold to shipment. */
    @Benchmark
    public Stock decideAndEvolveReserveCommitFulfill() {
        int i = next();
        evolve(hot, reserves[i]);
        evolve(hot, commits[i]);
        return evolve(hot, fulfills[i]);
    }

    @Benchmark
    public Decision refuseSellOfNothing() {
        return decider.decide(soldOut, sells[next()], NOW_MS);
    }

    private Stock stocked(long quantity) {
        Stock stock = new Stock(SKU, new AppliedIds(65_536, 1 << 20, 7 * 24 * 3_600_000L, 1));
        if (quantity > 0) {
            evolve(stock, mutation("receipt", "main", new Operation.Receive(quantity, false)));
        }
        return stock;
    }

    private Stock evolve(Stock stock, Mutation mutation) {
        if (decider.decide(stock, mutation, NOW_MS) instanceof Entry entry) {
            stock.evolve(entry);
            return stock;
        }
        throw new AssertionError(mutation + " was refused");
    }

    private int next() {
        return next++ & MUTATIONS - 1;
    }

    private static Mutation mutation(String id, String location, Operation operation) {
        return new Mutation(id, SKU, location, "web", "", "bench", 0, NOW_MS, 0, Mutation.ANY_SEQUENCE, id.hashCode(), operation);
    }
}
