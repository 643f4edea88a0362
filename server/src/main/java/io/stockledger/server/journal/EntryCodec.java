package io.stockledger.server.journal;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import io.stockledger.server.domain.AdjustReason;
import io.stockledger.server.domain.Allocation;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Bucket;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.EntryKind;
import io.stockledger.server.domain.Movement;
import io.stockledger.server.domain.UnavailableReason;
import io.stockledger.v1.ChannelAllocation;
import io.stockledger.v1.LocationBalance;
import java.util.ArrayList;
import java.util.List;

/**
 * Entries and balances between the domain and the contract. The stored form of an entry is its form in the contract,
 * so that what is on disk is what is streamed.
 */
public final class EntryCodec {
    private static final Bucket[] BUCKETS = Bucket.values();
    private static final EntryKind[] KINDS = EntryKind.values();
    private static final UnavailableReason[] UNAVAILABLE_REASONS = UnavailableReason.values();
    private static final AdjustReason[] ADJUST_REASONS = AdjustReason.values();

    private EntryCodec() {}

    /** Writes an entry as the contract's Entry, the message's own fields only. */
    public static void write(Entry entry, WireWriter out) {
        out.text(1, entry.sku());
        out.int64(2, entry.sequence());
        out.int64(3, inContract(entry.kind()));
        for (Movement movement : entry.movements()) {
            int begun = out.begin(4);
            write(movement, out);
            out.end(begun);
        }
        out.text(5, entry.mutationId());
        out.text(6, entry.location());
        out.text(7, entry.channel());
        out.text(8, entry.reference());
        out.text(9, entry.principal());
        out.timestamp(10, entry.occurredAtMs());
        out.timestamp(11, entry.recordedAtMs());
        for (Balance balance : entry.balances()) {
            int begun = out.begin(12);
            write(balance, out);
            out.end(begun);
        }
        out.text(13, entry.reservationId());
        if (entry.expiresAtMs() > 0) {
            out.timestamp(14, entry.expiresAtMs());
        }
        out.int64(15, inContract(entry.unavailableReason()));
        out.int64(16, inContract(entry.adjustReason()));
        out.bool(17, entry.belowZero());
        out.fixed64(18, entry.contentFingerprint());
        if (entry.createdAtMs() > 0) {
            out.timestamp(19, entry.createdAtMs());
        }
    }

    /** Writes a balance as the contract's LocationBalance, the message's own fields only. */
    public static void write(Balance balance, WireWriter out) {
        out.text(1, balance.location());
        out.int64(2, balance.available());
        out.int64(3, balance.reserved());
        out.int64(4, balance.committed());
        out.int64(5, balance.unavailable());
        out.int64(6, balance.damaged());
        out.int64(7, balance.qualityControl());
        out.int64(8, balance.incoming());
        out.int64(9, balance.safetyStock());
        for (Allocation allocation : balance.allocations()) {
            int begun = out.begin(10);
            out.text(1, allocation.channel());
            out.int64(2, allocation.guaranteed());
            if (allocation.bounded()) {
                out.presentInt64(3, allocation.maximum());
            }
            out.int64(4, allocation.used());
            out.int64(5, allocation.setSequence());
            out.end(begun);
        }
    }

    private static void write(Movement movement, WireWriter out) {
        out.int64(1, inContract(movement.from()));
        out.int64(2, inContract(movement.to()));
        out.int64(3, movement.quantity());
        out.text(4, movement.location());
        if (!movement.toLocation().equals(movement.location())) {
            out.text(5, movement.toLocation());
        }
    }

    /** An entry as a message of the contract. */
    public static io.stockledger.v1.Entry toContract(Entry entry) {
        WireWriter out = new WireWriter(512, 0);
        write(entry, out);
        try {
            return io.stockledger.v1.Entry.parseFrom(out.toBytes(0));
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("an entry's wire form is not the contract's", e);
        }
    }

    public static Entry toDomain(io.stockledger.v1.Entry entry) {
        List<Movement> movements = new ArrayList<>(entry.getMovementsCount());
        for (io.stockledger.v1.Movement movement : entry.getMovementsList()) {
            movements.add(new Movement(BUCKETS[movement.getFromValue() - 1], BUCKETS[movement.getToValue() - 1],
                    movement.getQuantity(), movement.getLocation(),
                    movement.getToLocation().isEmpty() ? movement.getLocation() : movement.getToLocation()));
        }
        List<Balance> balances = new ArrayList<>(entry.getBalancesCount());
        for (LocationBalance balance : entry.getBalancesList()) {
            balances.add(toDomain(balance));
        }
        return new Entry(entry.getSku(), entry.getSequence(), KINDS[entry.getKindValue() - 1], movements,
                entry.getMutationId(), entry.getLocation(), entry.getChannel(), entry.getReference(),
                entry.getPrincipal(), millis(entry.getOccurredAt()), millis(entry.getRecordedAt()),
                millis(entry.getCreatedAt()), balances, entry.getReservationId(), millis(entry.getExpiresAt()),
                UNAVAILABLE_REASONS[entry.getUnavailableReasonValue()],
                ADJUST_REASONS[entry.getAdjustReasonValue()], entry.getContentFingerprint());
    }

    /** Whether a stored entry says of itself that AVAILABLE stands below zero; see {@link Entry#belowZero}. */
    public static boolean saysBelowZero(io.stockledger.v1.Entry entry) {
        return entry.getBelowZero();
    }

    public static LocationBalance toContract(Balance balance) {
        LocationBalance.Builder out = LocationBalance.newBuilder()
                .setLocation(balance.location())
                .setAvailable(balance.available())
                .setReserved(balance.reserved())
                .setCommitted(balance.committed())
                .setUnavailable(balance.unavailable())
                .setDamaged(balance.damaged())
                .setQualityControl(balance.qualityControl())
                .setIncoming(balance.incoming())
                .setSafetyStock(balance.safetyStock());
        for (Allocation allocation : balance.allocations()) {
            ChannelAllocation.Builder share = ChannelAllocation.newBuilder()
                    .setChannel(allocation.channel())
                    .setGuaranteed(allocation.guaranteed())
                    .setUsed(allocation.used())
                    .setSetSequence(allocation.setSequence());
            if (allocation.bounded()) {
                share.setMaximum(allocation.maximum());
            }
            out.addAllocations(share);
        }
        return out.build();
    }

    public static Balance toDomain(LocationBalance balance) {
        List<Allocation> allocations = List.of();
        if (balance.getAllocationsCount() > 0) {
            allocations = new ArrayList<>(balance.getAllocationsCount());
            for (ChannelAllocation share : balance.getAllocationsList()) {
                allocations.add(toDomain(share));
            }
        }
        return new Balance(balance.getLocation(), balance.getAvailable(), balance.getReserved(),
                balance.getCommitted(), balance.getDamaged(), balance.getQualityControl(),
                balance.getUnavailable() - balance.getDamaged() - balance.getQualityControl(),
                balance.getIncoming(), balance.getSafetyStock(), List.copyOf(allocations));
    }

    static Allocation toDomain(ChannelAllocation share) {
        return new Allocation(share.getChannel(), share.getGuaranteed(),
                share.hasMaximum() ? share.getMaximum() : Allocation.UNBOUNDED, share.getUsed(), share.getSetSequence());
    }

    public static Timestamp timestamp(long millis) {
        return Timestamp.newBuilder()
                .setSeconds(Math.floorDiv(millis, 1000L))
                .setNanos((int) Math.floorMod(millis, 1000L) * 1_000_000)
                .build();
    }

    /** 0 where it is absent. */
    public static long millis(Timestamp timestamp) {
        return millis(timestamp.getSeconds(), timestamp.getNanos());
    }

    static long millis(long seconds, int nanos) {
        return seconds * 1000 + nanos / 1_000_000;
    }

    // The domain's enums stand in the contract's order, which a test holds; the contract has one more, unset, before
    // those that have no such value of their own.

    private static int inContract(Bucket bucket) {
        return bucket.ordinal() + 1;
    }

    private static int inContract(EntryKind kind) {
        return kind.ordinal() + 1;
    }

    private static int inContract(UnavailableReason reason) {
        return reason.ordinal();
    }

    private static int inContract(AdjustReason reason) {
        return reason.ordinal();
    }
}
