package io.stockledger.server.journal;

import io.stockledger.server.domain.Entry;
import java.util.List;
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
import org.openjdk.jmh.infra.Blackhole;

/** A group on its way to disk and back: entries encoded, hashed, checked and decoded. Time is a group's. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class GroupRowBenchmark {
    @Param({"1", "100"})
    public int entryCount;

    private List<Entry> entries;
    private GroupRow row;
    private byte[] packed;

    @Setup
    public void make() {
        entries = SomeEntries.sales(entryCount);
        row = SomeEntries.row(entries);
        packed = RowPacking.packed(row);
    }

    /** Without the row around them. */
    @Benchmark
    public void encodeEntries(Blackhole hole) {
        for (Entry entry : entries) {
            WireWriter out = new WireWriter(256, 0);
            EntryCodec.write(entry, out);
            hole.consume(out.toBytes(0));
        }
    }

    @Benchmark
    public GroupRow encodeRow() {
        return SomeEntries.row(entries);
    }

    @Benchmark
    public void decodeRow(Blackhole hole) {
        for (io.stockledger.v1.Entry entry : GroupRow.of(row.bytes()).entries()) {
            hole.consume(EntryCodec.toDomain(entry));
        }
    }

    /** As far as a stock takes entries over. */
    @Benchmark
    public void replayRow(Blackhole hole) {
        GroupRow.of(row.bytes()).replay(SomeEntries.SKU, hole::consume);
    }

    @Benchmark
    public byte[] packRow() {
        return RowPacking.packed(row);
    }

    @Benchmark
    public GroupRow unpackRow() {
        return GroupRow.of(packed);
    }

    /** The hash: what the chain costs a row. */
    @Benchmark
    public boolean checkDigest() {
        return GroupRow.of(row.bytes()).isWhole();
    }
}
