package io.stockledger.server.journal;

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

/** A SKU's snapshot: of a quiet one, and of a hot one that keeps as many ids as may be. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SnapshotCodecBenchmark {
    @Param({"100", "65536"})
    public int ids;

    private SnapshotCodec.Standing standing;
    private final PartNames names = new PartNames();
    private StoredSnapshot stored;

    @Setup
    public void make() {
        standing = new SnapshotCodec.Standing(SomeEntries.stock(ids, 10), GroupRow.noDigest(), 0);
        stored = encode();
    }

    @Benchmark
    public StoredSnapshot encode() {
        return StoredSnapshot.of(SnapshotCodec.encode(standing), names);
    }

    @Benchmark
    public SnapshotCodec.Standing decode() {
        return SnapshotCodec.decode(stored.read(), SomeEntries.noIds());
    }
}
