package io.stockledger.server.entity;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.journal.GroupRow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What this node's SKUs do. Counted once a lot and not once a mutation, since a hot SKU decides hundreds of thousands
 * a second; no meter knows a SKU, so there are as many of them for a large shop as for a small one.
 */
final class EntityMeasurements {
    private static final Refusal.Reason[] REASONS = Refusal.Reason.values();
    private static final Outcome.Failure[] FAILURES = Outcome.Failure.values();
    private static final double[] GROUP_BUCKETS = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192};

    private final Counter applied;
    private final Counter replayed;
    private final Counter[] refused = new Counter[REASONS.length];
    private final Counter[] failed = new Counter[FAILURES.length];
    private final DistributionSummary groupEntries;
    private final Counter writtenBytes;
    private final Timer decide;
    private final Timer commit;
    private final Timer recovery;
    private final Timer lookUp;
    private final Counter snapshotsWritten;
    private final Counter snapshotsFailed;
    private final Counter failuresInWrite;
    private final Counter failuresInReplay;
    private final AtomicInteger resident = new AtomicInteger();
    private final MeterRegistry registry;

    EntityMeasurements(MeterRegistry registry) {
        this.registry = registry;
        applied = mutations("applied", "none");
        replayed = mutations("replayed", "none");
        for (Refusal.Reason reason : REASONS) {
            refused[reason.ordinal()] = mutations("refused", reason.name());
        }
        for (Outcome.Failure failure : FAILURES) {
            failed[failure.ordinal()] = mutations("failed", failure.name());
        }
        groupEntries = DistributionSummary.builder("stockledger.group.entries")
                .description("Entries of a committed journal row; the sum is all entries, the count all rows")
                .serviceLevelObjectives(GROUP_BUCKETS).register(registry);
        writtenBytes = Counter.builder("stockledger.journal.written").baseUnit("bytes")
                .description("Bytes of committed journal rows").register(registry);
        decide = timer("stockledger.decide", "Deciding one lot, until its row is handed to the journal");
        commit = timer("stockledger.commit", "From a row's hand-over to the journal until it is committed");
        recovery = timer("stockledger.recovery", "A SKU's way into memory: its snapshot, and the rows after it");
        lookUp = timer("stockledger.look.up", "A look into the journal for one mutation, its wait included");
        snapshotsWritten = snapshots("written");
        snapshotsFailed = snapshots("failed");
        failuresInWrite = storeFailures("write");
        failuresInReplay = storeFailures("replay");
        Gauge.builder("stockledger.resident.skus", resident, AtomicInteger::get)
                .description("SKUs in this node's memory").register(registry);
    }

    private Counter mutations(String outcome, String reason) {
        return Counter.builder("stockledger.mutations").tag("outcome", outcome).tag("reason", reason)
                .description("Mutations by what came of them").register(registry);
    }

    private Timer timer(String name, String description) {
        return Timer.builder(name).description(description).register(registry);
    }

    private Counter snapshots(String outcome) {
        return Counter.builder("stockledger.snapshots").tag("outcome", outcome)
                .description("Snapshots of SKUs").register(registry);
    }

    private Counter storeFailures(String during) {
        return Counter.builder("stockledger.store.failures").tag("during", during)
                .description("SKUs that lost the store while they wrote, or while they replayed").register(registry);
    }

    void watch(LookUps lookUps, int waitingMax) {
        Gauge.builder("stockledger.look.ups.waiting", lookUps, LookUps::waiting)
                .description("Look-ups that wait for a thread").register(registry);
        Gauge.builder("stockledger.look.ups.waiting.limit", () -> waitingMax)
                .description("Look-ups that may wait; beyond it: RESOURCE_EXHAUSTED").register(registry);
    }

    // ---- What the actors tell ----

    void cameIn() {
        resident.incrementAndGet();
    }

    void left() {
        resident.decrementAndGet();
    }

    void recovered(long sinceNanos) {
        recovery.record(System.nanoTime() - sinceNanos, TimeUnit.NANOSECONDS);
    }

    void lostStore(boolean inWrite) {
        (inWrite ? failuresInWrite : failuresInReplay).increment();
    }

    void snapshot(boolean written) {
        (written ? snapshotsWritten : snapshotsFailed).increment();
    }

    void lookedUp(long sinceNanos) {
        lookUp.record(System.nanoTime() - sinceNanos, TimeUnit.NANOSECONDS);
    }

    /** Mutations that came to this outcome outside of a lot. */
    void answered(Outcome outcome, int mutations) {
        if (outcome instanceof Outcome.Applied came) {
            (came.replayed() ? replayed : applied).increment(mutations);
        } else if (outcome instanceof Outcome.Refused no) {
            refused[no.refusal().reason().ordinal()].increment(mutations);
        } else if (outcome instanceof Outcome.Failed not) {
            failed[not.failure().ordinal()].increment(mutations);
        }
    }

    /** A lot is back, and committed if it wrote anything. */
    void decided(Tally tally) {
        decide.record(tally.decidedNanos - tally.begunNanos, TimeUnit.NANOSECONDS);
        if (tally.entries > 0) {
            commit.record(tally.committedNanos - tally.decidedNanos, TimeUnit.NANOSECONDS);
            groupEntries.record(tally.entries);
            writtenBytes.increment(tally.bytes);
        }
        if (tally.applied > 0) {
            applied.increment(tally.applied);
        }
        add(tally.refused, refused);
        add(tally.failed, failed);
    }

    private static void add(int[] counted, Counter[] counters) {
        if (counted != null) {
            for (int i = 0; i < counted.length; i++) {
                if (counted[i] > 0) {
                    counters[i].increment(counted[i]);
                }
            }
        }
    }

    /** Counts one lot while it is decided; it belongs to whoever has the lot. */
    static final class Tally {
        private final long begunNanos = System.nanoTime();
        private long decidedNanos;
        private long committedNanos;
        private int entries;
        private int bytes;
        private int applied;
        // Most lots have none of these.
        private int[] refused;
        private int[] failed;

        void applied() {
            applied++;
        }

        void refused(Refusal.Reason reason) {
            if (refused == null) {
                refused = new int[REASONS.length];
            }
            refused[reason.ordinal()]++;
        }

        void failed(Outcome.Failure failure) {
            if (failed == null) {
                failed = new int[FAILURES.length];
            }
            failed[failure.ordinal()]++;
        }

        /** All of the lot is decided, and nothing is to be written. */
        void closed() {
            decidedNanos = System.nanoTime();
        }

        /** All of the lot is decided, and this goes to the journal. */
        void closed(GroupRow row) {
            entries = row.entryCount();
            bytes = row.bytes().length;
            decidedNanos = System.nanoTime();
        }

        /** What was to be written is. */
        void committed() {
            committedNanos = System.nanoTime();
        }
    }
}
