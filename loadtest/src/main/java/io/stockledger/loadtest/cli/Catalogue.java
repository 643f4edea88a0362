package io.stockledger.loadtest.cli;

import io.stockledger.loadtest.baseline.RowLock;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.workload.Bulkhead;
import io.stockledger.loadtest.workload.CatchUp;
import io.stockledger.loadtest.workload.Churn;
import io.stockledger.loadtest.workload.Delivery;
import io.stockledger.loadtest.workload.DiskUse;
import io.stockledger.loadtest.workload.GrowthOfJournal;
import io.stockledger.loadtest.workload.GrowthOfSkus;
import io.stockledger.loadtest.workload.HotUnary;
import io.stockledger.loadtest.workload.Overload;
import io.stockledger.loadtest.workload.Recovery;
import io.stockledger.loadtest.workload.ResidentMemory;
import io.stockledger.loadtest.workload.SmallHeap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** All workloads, in the order in which a whole run takes them: baselines first, so that every ratio is known at once. */
final class Catalogue {
    static final List<Workload> ALL = List.of(
            new RowLock(),
            new HotUnary(),
            new Delivery(),
            new CatchUp(),
            new Recovery(),
            new ResidentMemory(),
            new SmallHeap(),
            new Churn(),
            new DiskUse(),
            new Bulkhead(),
            new Overload(),
            new GrowthOfSkus(),
            new GrowthOfJournal());

    private Catalogue() {}

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
