package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stockledger.server.domain.AdjustReason;
import io.stockledger.server.domain.Allocation;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Bucket;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.EntryKind;
import io.stockledger.server.domain.Movement;
import io.stockledger.server.domain.UnavailableReason;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What is written of an entry without protobuf's own encoder is what that encoder would have written. */
class EntryCodecPropertyTest {
    @Property(tries = 2_000)
    void anEntryIsWrittenByteForByteAsProtobufDoesAndComesBackTheSame(@ForAll("entries") Entry entry)
            throws InvalidProtocolBufferException {
        WireWriter out = new WireWriter(1, 0);
        EntryCodec.write(entry, out);
        byte[] written = out.toBytes(0);
        io.stockledger.v1.Entry read = io.stockledger.v1.Entry.parseFrom(written);
        assertEquals(entry, EntryCodec.toDomain(read));
        assertArrayEquals(read.toByteArray(), written);
        assertEquals(0, read.getUnknownFields().getSerializedSize());
        assertEquals(entry.belowZero(), read.getBelowZero());
    }

    @Property(tries = 1_000)
    void aStockIsGivenOfEachEntryWhatItTakesOver(@ForAll("entries") Entry one, @ForAll("entries") Entry other) {
        GroupRow.Builder row = new GroupRow.Builder();
        row.add(one);
        row.add(other);
        List<Entry> replayed = new ArrayList<>();
        row.build(GroupRow.noDigest(), 0, 0, 1).replay("MUG", replayed::add);
        assertEquals(List.of(takenOver(one), takenOver(other)), replayed);
    }

    private static Entry takenOver(Entry entry) {
        boolean byBalancesAlone = switch (entry.kind()) {
            case SELL, RETURN, SET_ASIDE, PUT_BACK, ADJUST, COUNT, SET_SAFETY_STOCK, SET_CHANNEL_ALLOCATION -> true;
            default -> false;
        };
        return new Entry("MUG", entry.sequence(), entry.kind(), byBalancesAlone ? List.of() : entry.movements(), entry.mutationId(),
                entry.location(), byBalancesAlone ? "" : entry.channel(), byBalancesAlone ? "" : entry.reference(), "", 0,
                entry.recordedAtMs(), entry.createdAtMs(), entry.balances(), entry.reservationId(), entry.expiresAtMs(),
                UnavailableReason.NONE, AdjustReason.NONE, 0);
    }

    @Property(tries = 500)
    void aBalanceIsWrittenAsTheContractHasIt(@ForAll("balances") Balance balance) throws InvalidProtocolBufferException {
        WireWriter out = new WireWriter(1, 0);
        EntryCodec.write(balance, out);
        assertArrayEquals(EntryCodec.toContract(balance).toByteArray(), out.toBytes(0));
    }

    @Provide
    Arbitrary<Entry> entries() {
        Arbitrary<List<Movement>> movements = Combinators.combine(
                Arbitraries.of(Bucket.values()), Arbitraries.of(Bucket.values()), Arbitraries.longs().greaterOrEqual(1),
                Arbitraries.of("main", "Laden 2", "茶碗"), Arbitraries.of("main", "Laden 2")).as(Movement::new).list().ofMaxSize(3);
        return Combinators.combine(
                Combinators.combine(texts(), numbers(), Arbitraries.of(EntryKind.values()), movements, texts(), texts())
                        .as(First::new),
                Combinators.combine(texts(), texts(), texts(), times(), times(), times()).as(Second::new),
                balances().list().ofMaxSize(3), texts(), times(),
                Arbitraries.of(UnavailableReason.values()), Arbitraries.of(AdjustReason.values()),
                Arbitraries.longs()).as((first, second, balances, reservation, expires, unavailable, adjust, content) ->
                    new Entry(first.sku, first.sequence, first.kind, first.movements, first.mutationId, first.location,
                            second.channel, second.reference, second.principal, second.occurred, second.recorded,
                            second.created, balances, reservation, expires, unavailable, adjust, content));
    }

    @Provide
    Arbitrary<Balance> balances() {
        Arbitrary<List<Allocation>> allocations = Combinators.combine(texts(), numbers(),
                Arbitraries.oneOf(numbers(), Arbitraries.just(Allocation.UNBOUNDED)), numbers(), numbers())
                .as(Allocation::new).list().ofMaxSize(2);
        return Combinators.combine(texts(), Arbitraries.longs().between(-1L << 40, 1L << 40), numbers(), numbers(), numbers(), numbers(),
                Combinators.combine(numbers(), numbers(), numbers()).as(List::of), allocations)
                .as((location, available, reserved, committed, damaged, quality, rest, shares) -> new Balance(location,
                        available, reserved, committed, damaged, quality, rest.get(0), rest.get(1), rest.get(2), shares));
    }

    private static Arbitrary<String> texts() {
        return Arbitraries.oneOf(Arbitraries.just(""), Arbitraries.strings().ascii().ofMaxLength(300),
                Arbitraries.of("Tasse \"grün\"", "茶碗", "🍵|x", "a/b c"));
    }

    private static Arbitrary<Long> numbers() {
        return Arbitraries.longs().between(0, 1L << 40);
    }

    private static Arbitrary<Long> times() {
        return Arbitraries.longs().between(0, 4_102_444_800_000L);
    }

    private record First(String sku, long sequence, EntryKind kind, List<Movement> movements, String mutationId,
            String location) {}

    private record Second(String channel, String reference, String principal, long occurred, long recorded,
            long created) {}
}
