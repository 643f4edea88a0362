package io.stockledger.server.domain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;

/** Random ids against a plain list: found while kept, and what is told of those forgotten is never too little. */
class AppliedIdsPropertyTest {
    /** Few fingerprints, most of them with the same place in the index, wherever that wraps round: -1 has the last. */
    private static final List<Long> FINGERPRINTS = List.of(1L, 1L << 10, 1L << 20, 1L << 30, 1L << 40, 3L << 40,
            (1L << 50) + 1, (1L << 51) + 7, Long.MAX_VALUE, Long.MAX_VALUE - (1L << 40), 1_023L, 2_047L, 4_095L);

    /** {@code createdAtMs} 0: told none. */
    record Added(long fingerprint, long sequence, long createdAtMs, long recordedAtMs) {}

    /** What is added in a run of adds: callers' clocks go as they like, the ledger's only forward. */
    record Add(int fingerprint, int createdAtMs, int passMs) {}

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void idsAreFoundWhileKeptAndBoundsOfTheForgottenHold(
            @ForAll("adds") List<Add> adds, @ForAll("capacities") int capacity) {
        AppliedIds ids = new AppliedIds(capacity);
        List<Added> all = new ArrayList<>();
        for (Add add : adds) {
            Added added = next(all, add);
            ids.add(added.fingerprint(), added.sequence(), added.createdAtMs(), added.recordedAtMs());
            all.add(added);
            assertTells(all, capacity, ids);
        }
    }

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void idsPutTogetherFromASnapshotTellTheSame(
            @ForAll("adds") List<Add> adds, @ForAll("adds") List<Add> after, @ForAll("capacities") int capacity,
            @ForAll("capacities") int capacityAfter, @ForAll boolean forgottenFirst) {
        AppliedIds ids = new AppliedIds(capacity);
        List<Added> all = new ArrayList<>();
        for (Add add : adds) {
            Added added = next(all, add);
            ids.add(added.fingerprint(), added.sequence(), added.createdAtMs(), added.recordedAtMs());
            all.add(added);
        }
        // The capacity is a setting: the server that reads the snapshot may keep fewer ids, or more.
        AppliedIds restored = new AppliedIds(capacityAfter);
        if (forgottenFirst) {
            restoreForgotten(ids, restored);
        }
        ids.forEach(restored::add);
        if (!forgottenFirst) {
            restoreForgotten(ids, restored);
        }
        int kept = Math.min(Math.min(capacity, all.size()), capacityAfter);
        assertTellsWithKept(all, kept, restored);
        for (Add add : after) {
            Added added = next(all, add);
            restored.add(added.fingerprint(), added.sequence(), added.createdAtMs(), added.recordedAtMs());
            all.add(added);
            kept = Math.min(kept + 1, capacityAfter);
            assertTellsWithKept(all, kept, restored);
        }
    }

    @Provide
    Arbitrary<List<Add>> adds() {
        return Combinators.combine(Arbitraries.integers().between(0, FINGERPRINTS.size() - 1),
                        Arbitraries.integers().between(-50, 500), Arbitraries.integers().between(0, 3))
                .as(Add::new).list().ofMaxSize(450).withSizeDistribution(RandomDistribution.uniform());
    }

    @Provide
    Arbitrary<Integer> capacities() {
        return Arbitraries.of(4, 8, 64, 65, 200);
    }

    /** Sequences have gaps: an expiry has no id. */
    private static Added next(List<Added> all, Add add) {
        Added last = all.isEmpty() ? new Added(0, 0, 0, 1_000) : all.get(all.size() - 1);
        return new Added(FINGERPRINTS.get(add.fingerprint()), last.sequence() + 1 + add.passMs() % 2,
                Math.max(0, add.createdAtMs()), last.recordedAtMs() + add.passMs());
    }

    private static void restoreForgotten(AppliedIds from, AppliedIds to) {
        to.restoreForgotten(from.forgottenSequence(), from.forgottenCreatedAtMs(), from.forgottenRecordedAtMs());
    }

    private static void assertTells(List<Added> all, int capacity, AppliedIds ids) {
        assertTellsWithKept(all, Math.min(capacity, all.size()), ids);
    }

    private static void assertTellsWithKept(List<Added> all, int kept, AppliedIds ids) {
        List<Added> forgotten = all.subList(0, all.size() - kept);
        List<Added> remembered = all.subList(all.size() - kept, all.size());
        assertEquals(kept, ids.size());
        for (long fingerprint : FINGERPRINTS) {
            long newest = remembered.stream().filter(added -> added.fingerprint() == fingerprint)
                    .mapToLong(Added::sequence).max().orElse(0);
            assertEquals(newest, ids.find(fingerprint));
        }
        assertEquals(0, ids.find(5));
        assertEquals(forgotten.isEmpty() ? 0 : forgotten.get(forgotten.size() - 1).sequence(),
                ids.forgottenSequence());
        long createdAtMs = forgotten.stream().mapToLong(Added::createdAtMs).max().orElse(0);
        long recordedAtMs = forgotten.stream().mapToLong(Added::recordedAtMs).max().orElse(0);
        assertTrue(createdAtMs <= ids.forgottenCreatedAtMs(), "created_at of a forgotten id is above its bound");
        assertTrue(recordedAtMs <= ids.forgottenRecordedAtMs(), "recorded time of a forgotten id is above its bound");
        if (forgotten.isEmpty()) {
            assertEquals(0, ids.forgottenCreatedAtMs());
        }
    }
}
