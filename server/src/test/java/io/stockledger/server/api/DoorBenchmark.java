package io.stockledger.server.api;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.journal.SomeEntries;
import io.stockledger.server.journal.WireWriter;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Sell;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What the door does for each mutation: bytes in, a mutation of the domain; an outcome, bytes out. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DoorBenchmark {
    private static final String ID = "5e747408-5525-4c60-a7a9-cf0f33091fff";

    private final MutationReader reader = new MutationReader(InstantSource.system());
    private final byte[] sell = sell(false);
    private final byte[] sellWithTimes = sell(true);
    private final Outcome applied = new Outcome.Applied(sale(), false);
    private final Outcome refused = new Outcome.Refused(new Refusal(Refusal.Reason.INSUFFICIENT_STOCK, 0, 1));

    /** Without reading: protobuf's own part of the two below. */
    @Benchmark
    public Mutation parse() throws InvalidProtocolBufferException {
        return Mutation.parseFrom(sellWithTimes);
    }

    @Benchmark
    public Object parseAndRead() throws InvalidProtocolBufferException, InvalidRequest {
        return reader.read(Mutation.parseFrom(sell), "");
    }

    /** As the Java client sends it: created_at and not_after are no part of the content. */
    @Benchmark
    public Object parseAndReadWithTimes() throws InvalidProtocolBufferException, InvalidRequest {
        return reader.read(Mutation.parseFrom(sellWithTimes), "");
    }

    @Benchmark
    public byte[] answerApplied() {
        return written(applied);
    }

    @Benchmark
    public byte[] answerRefused() {
        return written(refused);
    }

    private static byte[] written(Outcome outcome) {
        WireWriter out = new WireWriter(160, 0);
        Result.of(ID, outcome).write(out);
        return out.toBytes(0);
    }

    private static Entry sale() {
        return SomeEntries.sales(1).get(0);
    }

    private static byte[] sell(boolean times) {
        Mutation.Builder mutation = Mutation.newBuilder().setMutationId(ID).setSku(SomeEntries.SKU).setChannel("pos")
                .setSell(Sell.newBuilder().setQuantity(1));
        if (times) {
            mutation.getCreatedAtBuilder().setSeconds(1_700_000_000).setNanos(123_000_000);
            mutation.getNotAfterBuilder().setSeconds(1_700_000_010).setNanos(123_000_000);
        }
        return mutation.build().toByteArray();
    }
}
