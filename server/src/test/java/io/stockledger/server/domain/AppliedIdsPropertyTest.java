package io.stockledger.server.domain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;

/** Random ids against a plain list: found unless forgotten, and what is told of those forgotten is never too little. */
class AppliedIdsPropertyTest {
    /**
     * Few fingerprints, most of them with the same place in a table, wherever that wraps round: the largest have the
     * last. They differ in what is kept of the newest.
     */
    private static final List<Long> FINGERPRINTS = List.of(1L << 30, 1L << 31, 3L << 31, 1L << 40, 3L << 40,
            (1L << 50) + (1L << 33), (1L << 51) + (7L << 33), Long.MAX_VALUE, Long.MAX_VALUE - (1L << 40),
            Long.MAX_VALUE - (1L << 33), 1L << 61, (1L << 61) + (1L << 32), (1L << 60) + (1L << 32));
    private static final long NEVER_ADDED = 1L << 37;
    private static final long WINDOW_MS = 300;

    /** {@code createdAtMs} 0: told none. */
    record Added(long fingerprint, long sequence, long createdAtMs, long recordedAtMs) {}

    /** What is added in a run of adds: callers' clocks go as they like, the ledger's only forward. */
    record Add(int fingerprint, int createdAtMs, int passMs) {}

    record Kept(int newest, int older) {}

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void idsAreFoundUnlessForgottenAndBoundsOfTheForgottenHold(
            @ForAll("adds") List<Add> adds, @ForAll("kept") Kept kept) {
        AppliedIds ids = empty(kept);
        List<Added> all = new ArrayList<>();
        for (Add add : adds) {
            add(ids, all, add);
            assertTells(all, ids);
            assertKeeps(all, kept, ids);
        }
    }

    @Property(tries = 300, edgeCases = EdgeCasesMode.NONE)
    void idsPutTogetherFromASnapshotTellTheSame(
            @ForAll("adds") List<Add> adds, @ForAll("adds") List<Add> after, @ForAll("kept") Kept kept,
            @ForAll("kept") Kept keptAfter, @ForAll boolean forgottenFirst) {
        AppliedIds ids = empty(kept);
        List<Added> all = new ArrayList<>();
        adds.forEach(add -> add(ids, all, add));
        // How many are kept is a setting: the server that reads the snapshot may keep fewer ids, or more.
        AppliedIds restored = empty(keptAfter);
        if (forgottenFirst) {
            restoreForgotten(ids, restored);
        }
        restoreParts(ids, restored);
        if (!forgottenFirst) {
            restoreForgotten(ids, restored);
        }
        assertTells(all, restored);
        if (kept.equals(keptAfter)) {
            assertKeeps(all, kept, restored);
            assertEquals(ids.forgottenSequence(), restored.forgottenSequence());
        }
        for (Add add : after) {
            add(restored, all, add);
            assertTells(all, restored);
        }
    }

    @Provide
    Arbitrary<List<Add>> adds() {
        return Combinators.combine(Arbitraries.integers().between(0, FINGERPRINTS.size() - 1),
                        Arbitraries.integers().between(-50, 500), Arbitraries.integers().between(0, 3))
                .as(Add::new).list().ofMaxSize(450).withSizeDistribution(RandomDistribution.uniform());
    }

    @Provide
    Arbitrary<Kept> kept() {
        return Combinators.combine(Arbitraries.of(4, 5, 8, 64, 65, 200), Arbitraries.of(0, 1, 16, 50, 300, 100_000))
                .as(Kept::new);
    }

    private static AppliedIds empty(Kept kept) {
        return new AppliedIds(kept.newest(), kept.older(), WINDOW_MS, 7);
    }

    /** Sequences have gaps: an expiry has no id. */
    private static void add(AppliedIds ids, List<Added> all, Add add) {
        Added last = all.isEmpty() ? new Added(0, 0, 0, 1_000) : all.get(all.size() - 1);
        Added added = new Added(FINGERPRINTS.get(add.fingerprint()), last.sequence() + 1 + add.passMs() % 2,
                Math.max(0, add.createdAtMs()), last.recordedAtMs() + add.passMs());
        ids.add(added.fingerprint(), false, added.sequence(), added.createdAtMs(), added.recordedAtMs());
        all.add(added);
    }

    static void restoreParts(AppliedIds from, AppliedIds to) {
        to.restoreKey(from.key());
        from.forEachPart(new AppliedIds.PartVisitor() {
            @Override
            public void older(IdsPart part) {
                to.restoreOlder(part.words());
            }

            @Override
            public void newest(long beforeSequence, IdsPart part, long createdAtMsMax, long recordedAtMsMax) {
                to.restoreNewest(beforeSequence, part.words(), createdAtMsMax, recordedAtMsMax);
            }
        });
    }

    private static void restoreForgotten(AppliedIds from, AppliedIds to) {
        to.restoreForgotten(from.forgottenSequence(), from.forgottenCreatedAtMs(), from.forgottenRecordedAtMs());
    }

    private static void assertTells(List<Added> all, AppliedIds ids) {
        List<Added> forgotten = all.stream().filter(id -> id.sequence() <= ids.forgottenSequence()).toList();
        List<Added> known = all.subList(forgotten.size(), all.size());
        assertEquals(known.size(), ids.newestCount() + ids.olderCount());
        long middle = all.isEmpty() ? 0 : all.get(all.size() / 2).sequence();
        for (long fingerprint : FINGERPRINTS) {
            assertFound(known, fingerprint, 0, ids);
            assertFound(known, fingerprint, middle, ids);
            // Whoever vouches that his id is newer than it is may not be told of it; who does not overstate is.
            for (Added added : known) {
                if (added.fingerprint() == fingerprint && added.createdAtMs() > 0) {
                    assertTrue(Arrays.stream(ids.find(fingerprint, added.createdAtMs(), 0))
                            .anyMatch(sequence -> sequence == added.sequence()), "hidden by its own created_at");
                    break;
                }
            }
        }
        assertEquals(0, ids.find(NEVER_ADDED, 0, 0).length);
        long createdAtMs = forgotten.stream().mapToLong(Added::createdAtMs).max().orElse(0);
        long recordedAtMs = forgotten.stream().mapToLong(Added::recordedAtMs).max().orElse(0);
        assertTrue(createdAtMs <= ids.forgottenCreatedAtMs(), "created_at of a forgotten id is above its bound");
        assertTrue(recordedAtMs <= ids.forgottenRecordedAtMs(), "recorded time of a forgotten id is above its bound");
        if (forgotten.isEmpty()) {
            assertEquals(0, ids.forgottenCreatedAtMs());
        }
    }

    private static void assertFound(List<Added> known, long fingerprint, long after, AppliedIds ids) {
        List<Long> expected = new ArrayList<>();
        for (int i = known.size() - 1; i >= 0; i--) {
            if (known.get(i).fingerprint() == fingerprint && known.get(i).sequence() > after) {
                expected.add(known.get(i).sequence());
            }
        }
        assertEquals(expected, Arrays.stream(ids.find(fingerprint, 0, after)).boxed().toList());
    }

    /** At least as many as were promised, and no more than memory is for. */
    private static void assertKeeps(List<Added> all, Kept kept, AppliedIds ids) {
        int part = (kept.newest() + 7) / 8;
        assertTrue(ids.newestCount() >= Math.min(kept.newest(), all.size()), "newest: " + ids.newestCount());
        assertTrue(ids.newestCount() < kept.newest() + 2 * part, "newest: " + ids.newestCount());
        assertTrue(ids.olderCount() <= kept.older(), "older: " + ids.olderCount());
        if (ids.forgottenSequence() > 0) {
            // Forgotten for want of room, or since the window was over.
            Added newest = all.get(all.size() - 1);
            boolean old = ids.forgottenRecordedAtMs() < newest.recordedAtMs() - WINDOW_MS;
            assertTrue(old || ids.olderCount() + part > kept.older() / 2,
                    "forgotten at " + ids.olderCount() + " older ids");
        }
    }
}
