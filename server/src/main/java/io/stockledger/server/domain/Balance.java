package io.stockledger.server.domain;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One SKU's units at one location. Immutable: an {@link Entry} holds the balances right after it, and a
 * {@link Stock} holds the very same objects.
 */
public record Balance(
        String location,
        long available,
        long reserved,
        long committed,
        long damaged,
        long qualityControl,
        long otherUnavailable,
        long incoming,
        long safetyStock,
        List<Allocation> allocations) {

    public static Balance empty(String location) {
        return new Balance(location, 0, 0, 0, 0, 0, 0, 0, 0, List.of());
    }

    /** Units not to be sold, for whatever reason. */
    public long unavailable() {
        return damaged + qualityControl + otherUnavailable;
    }

    public long unavailable(UnavailableReason reason) {
        return switch (reason) {
            case NONE -> unavailable();
            case DAMAGED -> damaged;
            case QUALITY_CONTROL -> qualityControl;
            case OTHER -> otherUnavailable;
        };
    }

    /** On hand as merchants use the word: everything on the shelf. */
    public long onHand() {
        return available + reserved + committed + unavailable();
    }

    /**
     * What may be sold on a channel: {@code max(0, min(A - S - sum over other channels d of max(0, G_d - U_d),
     * M_c - U_c))}; an empty channel, or one without an allocation, has nothing guaranteed and no maximum.
     */
    public long availableToSell(String channel) {
        long free = available - safetyStock;
        long own = Allocation.UNBOUNDED;
        for (Allocation allocation : allocations) {
            if (allocation.channel().equals(channel)) {
                own = allocation.bounded() ? allocation.maximum() - allocation.used() : Allocation.UNBOUNDED;
            } else {
                free -= allocation.keptForIt();
            }
        }
        return Math.max(0, Math.min(free, own));
    }

    public Optional<Allocation> allocation(String channel) {
        for (Allocation allocation : allocations) {
            if (allocation.channel().equals(channel)) {
                return Optional.of(allocation);
            }
        }
        return Optional.empty();
    }

    /** This balance with so many units more (or fewer) in a bucket; the outside world's buckets are not kept here. */
    Balance plus(Bucket bucket, UnavailableReason reason, long quantity) {
        return switch (bucket) {
            case AVAILABLE -> new Balance(location, available + quantity, reserved, committed, damaged,
                    qualityControl, otherUnavailable, incoming, safetyStock, allocations);
            case RESERVED -> new Balance(location, available, reserved + quantity, committed, damaged,
                    qualityControl, otherUnavailable, incoming, safetyStock, allocations);
            case COMMITTED -> new Balance(location, available, reserved, committed + quantity, damaged,
                    qualityControl, otherUnavailable, incoming, safetyStock, allocations);
            case UNAVAILABLE -> switch (reason) {
                case NONE -> throw new IllegalArgumentException("units are unavailable for a reason");
                case DAMAGED -> new Balance(location, available, reserved, committed, damaged + quantity,
                        qualityControl, otherUnavailable, incoming, safetyStock, allocations);
                case QUALITY_CONTROL -> new Balance(location, available, reserved, committed, damaged,
                        qualityControl + quantity, otherUnavailable, incoming, safetyStock, allocations);
                case OTHER -> new Balance(location, available, reserved, committed, damaged,
                        qualityControl, otherUnavailable + quantity, incoming, safetyStock, allocations);
            };
            case INCOMING -> new Balance(location, available, reserved, committed, damaged,
                    qualityControl, otherUnavailable, incoming + quantity, safetyStock, allocations);
            case SUPPLIER, CUSTOMER, SHRINKAGE -> this;
        };
    }

    /** This balance with so many units more (or fewer) used of a channel's allocation, if it has one. */
    Balance using(String channel, long quantity) {
        for (int i = 0; i < allocations.size(); i++) {
            if (allocations.get(i).channel().equals(channel)) {
                List<Allocation> after = new ArrayList<>(allocations);
                after.set(i, after.get(i).using(quantity));
                return withAllocations(after);
            }
        }
        return this;
    }

    Balance withSafetyStock(long quantity) {
        return new Balance(location, available, reserved, committed, damaged, qualityControl, otherUnavailable,
                incoming, quantity, allocations);
    }

    Balance withAllocations(List<Allocation> after) {
        return new Balance(location, available, reserved, committed, damaged, qualityControl, otherUnavailable,
                incoming, safetyStock, List.copyOf(after));
    }

    /** Whether a bucket holds more than it may ({@link Limits#BALANCE_MAX}); far below overflow, so sums are safe. */
    boolean exceedsLimit() {
        if (Math.abs(available) > Limits.BALANCE_MAX || reserved > Limits.BALANCE_MAX
                || committed > Limits.BALANCE_MAX || incoming > Limits.BALANCE_MAX
                || unavailable() > Limits.BALANCE_MAX) {
            return true;
        }
        for (Allocation allocation : allocations) {
            if (allocation.used() > Limits.BALANCE_MAX) {
                return true;
            }
        }
        return false;
    }
}
