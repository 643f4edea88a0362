package io.stockledger.server.journal;

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

    public static io.stockledger.v1.Entry toContract(Entry entry) {
        io.stockledger.v1.Entry.Builder out = io.stockledger.v1.Entry.newBuilder()
                .setSku(entry.sku())
                .setSequence(entry.sequence())
                .setKind(toContract(entry.kind()))
                .setMutationId(entry.mutationId())
                .setLocation(entry.location())
                .setChannel(entry.channel())
                .setReference(entry.reference())
                .setPrincipal(entry.principal())
                .setOccurredAt(timestamp(entry.occurredAtMs()))
                .setRecordedAt(timestamp(entry.recordedAtMs()))
                .setReservationId(entry.reservationId())
                .setUnavailableReason(toContract(entry.unavailableReason()))
                .setAdjustReason(toContract(entry.adjustReason()))
                .setBelowZero(entry.belowZero())
                .setContentFingerprint(entry.contentFingerprint());
        for (Movement movement : entry.movements()) {
            out.addMovements(toContract(movement));
        }
        for (Balance balance : entry.balances()) {
            out.addBalances(toContract(balance));
        }
        if (entry.expiresAtMs() > 0) {
            out.setExpiresAt(timestamp(entry.expiresAtMs()));
        }
        if (entry.createdAtMs() > 0) {
            out.setCreatedAt(timestamp(entry.createdAtMs()));
        }
        return out.build();
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
                allocations.add(new Allocation(share.getChannel(), share.getGuaranteed(),
                        share.hasMaximum() ? share.getMaximum() : Allocation.UNBOUNDED,
                        share.getUsed(), share.getSetSequence()));
            }
        }
        return new Balance(balance.getLocation(), balance.getAvailable(), balance.getReserved(),
                balance.getCommitted(), balance.getDamaged(), balance.getQualityControl(),
                balance.getUnavailable() - balance.getDamaged() - balance.getQualityControl(),
                balance.getIncoming(), balance.getSafetyStock(), List.copyOf(allocations));
    }

    public static Timestamp timestamp(long millis) {
        return Timestamp.newBuilder()
                .setSeconds(Math.floorDiv(millis, 1000L))
                .setNanos((int) Math.floorMod(millis, 1000L) * 1_000_000)
                .build();
    }

    /** 0 where it is absent. */
    public static long millis(Timestamp timestamp) {
        return timestamp.getSeconds() * 1000 + timestamp.getNanos() / 1_000_000;
    }

    private static io.stockledger.v1.Movement toContract(Movement movement) {
        io.stockledger.v1.Movement.Builder out = io.stockledger.v1.Movement.newBuilder()
                .setFrom(toContract(movement.from()))
                .setTo(toContract(movement.to()))
                .setQuantity(movement.quantity())
                .setLocation(movement.location());
        if (!movement.toLocation().equals(movement.location())) {
            out.setToLocation(movement.toLocation());
        }
        return out.build();
    }

    // The domain's enums stand in the contract's order, which a test holds; the contract has one more, unset, before
    // those that have no such value of their own.

    private static io.stockledger.v1.Bucket toContract(Bucket bucket) {
        return io.stockledger.v1.Bucket.forNumber(bucket.ordinal() + 1);
    }

    private static io.stockledger.v1.EntryKind toContract(EntryKind kind) {
        return io.stockledger.v1.EntryKind.forNumber(kind.ordinal() + 1);
    }

    private static io.stockledger.v1.UnavailableReason toContract(UnavailableReason reason) {
        return io.stockledger.v1.UnavailableReason.forNumber(reason.ordinal());
    }

    private static io.stockledger.v1.AdjustReason toContract(AdjustReason reason) {
        return io.stockledger.v1.AdjustReason.forNumber(reason.ordinal());
    }
}
