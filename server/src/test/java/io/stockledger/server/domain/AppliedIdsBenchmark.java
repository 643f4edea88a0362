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

/** The ids that a SKU keeps: of a quiet one, of a busy one, and of one so hot that it keeps a million older ones too. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class AppliedIdsBenchmark {
    private static final int FINGERPRINTS = 1 << 21;

    @Param({"100", "65536", "1000000"})
    public int applied;

    private final long[] fingerprints = new long[FINGERPRINTS];
    private final AppliedIds ids = new AppliedIds(65_536, 1 << 20, 7 * 24 * 3_600_000L, 1);
    private int next;
    private long sequence;

    @Setup
    public void fill() {
        for (int i = 0; i < FINGERPRINTS; i++) {
            fingerprints[i] = ids.fingerprint(new UUID(i, i * 0x9E3779B97F4A7C15L).toString());
        }
        for (int i = 0; i < applied; i++) {
            add();
        }
    }

    /** What each new mutation costs: it is not there, then it is added. The ids grow meanwhile, up to their bounds. */
    @Benchmark
    public long[] findNoneAndAdd() {
        long[] found = ids.find(fingerprints[(int) sequence & FINGERPRINTS - 1], 0, 0);
        add();
        return found;
    }

    /** What a resend costs. */
    @Benchmark
    public long[] findOne() {
        // Strides over the kept ones, so that no cache line is at hand from the look before.
        int back = 1 + (int) (next++ * 7919L & Integer.MAX_VALUE) % applied;
        return ids.find(fingerprints[(int) (sequence - back) & FINGERPRINTS - 1], 0, 0);
    }

    private void add() {
        ids.add(fingerprints[(int) sequence & FINGERPRINTS - 1], false, ++sequence, 0, sequence);
    }
}
