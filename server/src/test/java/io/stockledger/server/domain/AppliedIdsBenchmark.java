package io.stockledger.server.domain;

import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The ids that a SKU keeps: of a quiet one, and of a hot one that forgets its oldest with each new one. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AppliedIdsBenchmark {
    private static final int FINGERPRINTS = 1 << 19;

    @Param({"100", "65536"})
    public int kept;

    private final long[] fingerprints = new long[FINGERPRINTS];
    private AppliedIds ids;
    private int next;
    private long sequence;

    @Setup
    public void fill() {
        for (int i = 0; i < FINGERPRINTS; i++) {
            fingerprints[i] = AppliedIds.fingerprint(new UUID(i, i * 0x9E3779B97F4A7C15L).toString());
        }
        ids = new AppliedIds(kept);
        for (int i = 0; i < 2 * kept; i++) {
            add();
        }
    }

    /** What each new mutation costs: it is not there, then it is added. */
    @Benchmark
    public long findNoneAndAdd() {
        long found = ids.find(fingerprints[next & FINGERPRINTS - 1]);
        add();
        return found;
    }

    /** What a resend costs. */
    @Benchmark
    public long findOne() {
        // Strides over the kept ones, so that no cache line is at hand from the look before.
        int back = 1 + (int) (next++ * 7919L & Integer.MAX_VALUE) % kept;
        return ids.find(fingerprints[(int) (sequence - back) & FINGERPRINTS - 1]);
    }

    private void add() {
        ids.add(fingerprints[(int) sequence++ & FINGERPRINTS - 1], sequence, sequence, sequence);
        next = (int) sequence;
    }
}
