package io.stockledger.loadtest.cli;

import io.stockledger.loadtest.baseline.EmptyCalls;
import io.stockledger.loadtest.baseline.EmptyStream;
import io.stockledger.loadtest.baseline.Optimistic;
import io.stockledger.loadtest.baseline.PlainActor;
import io.stockledger.loadtest.baseline.Redis;
import io.stockledger.loadtest.baseline.RowLock;
import io.stockledger.loadtest.baseline.RowLockLatency;
import io.stockledger.loadtest.baseline.RowLockSpread;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.workload.Browse;
import io.stockledger.loadtest.workload.Bulkhead;
import io.stockledger.loadtest.workload.CatchUp;
import io.stockledger.loadtest.workload.CheckoutMix;
import io.stockledger.loadtest.workload.Churn;
import io.stockledger.loadtest.workload.Delivery;
import io.stockledger.loadtest.workload.DiskUse;
import io.stockledger.loadtest.workload.GrowthOfJournal;
import io.stockledger.loadtest.workload.GrowthOfSkus;
import io.stockledger.loadtest.workload.HotLatency;
import io.stockledger.loadtest.workload.HotSdk;
import io.stockledger.loadtest.workload.HotStream;
import io.stockledger.loadtest.workload.HotUnary;
import io.stockledger.loadtest.workload.Overload;
import io.stockledger.loadtest.workload.RealLog;
import io.stockledger.loadtest.workload.Recovery;
import io.stockledger.loadtest.workload.ResidentMemory;
import io.stockledger.loadtest.workload.SmallHeap;
import io.stockledger.loadtest.workload.SoldOut;
import io.stockledger.loadtest.workload.Spread;
import io.stockledger.loadtest.workload.ZipfMix;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** All workloads, in the order in which a whole run takes them: baselines first, so that every ratio is known at once. */
final class Catalogue {
    static final List<Workload> ALL = List.of(
            new RowLock(),
            new RowLockSpread(),
            new Optimistic(),
            new PlainActor(),
            new Redis(),
            new EmptyCalls(),
            new EmptyStream(),
            new HotUnary(),
            new HotStream(),
            new HotSdk(),
            new SoldOut(),
            new Spread(1_000),
            new Spread(10_000),
            new Spread(100_000),
            new ZipfMix(),
            new CheckoutMix(),
            new RealLog(),
            new Browse(),
            new RowLockLatency(),
            new HotLatency(),
            new Delivery(),
            new CatchUp(),
            new Recovery(),
            new ResidentMemory(),
            new SmallHeap(),
            new Churn(),
            new DiskUse(),
            new Bulkhead(),
            Overload.ofTheCores(),
            Overload.ofTheJournal(),
            new GrowthOfSkus(),
            new GrowthOfJournal());

    private Catalogue() {}

    /** How long all of these take, about. */
    static double seconds(List<Workload> workloads, Settings settings) {
        return workloads.stream().mapToDouble(workload -> workload.seconds(settings)).sum();
    }

    /** Those of these names and groups, in the catalogue's order; all where none is named. */
    static List<Workload> select(List<String> namesAndGroups) {
        if (namesAndGroups.isEmpty()) {
            return ALL;
        }
        Set<Workload> chosen = new LinkedHashSet<>();
        for (String asked : namesAndGroups) {
            List<Workload> found = ALL.stream().filter(it -> it.name().equals(asked) || it.group().equals(asked)).toList();
            if (found.isEmpty()) {
                throw new BadOption("there is no workload or group '" + asked + "'");
            }
            chosen.addAll(found);
        }
        return ALL.stream().filter(chosen::contains).toList();
    }
}
