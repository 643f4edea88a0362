package io.stockledger.server.domain;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A second opinion on what an entry says: the balances after it, counted from those before it and from its movements
 * alone. The {@link Decider} wrote the same, or the entry is not one of its own.
 */
public final class Recount {
    private final Stock before;
    private final Entry entry;
    private final Map<String, Balance> after = new LinkedHashMap<>();

    private Recount(Stock before, Entry entry) {
        this.before = before;
        this.entry = entry;
    }

    /**
     * The balances after an entry at each location that it moves or sets something at.
     *
     * @throws IllegalArgumentException where no ledger would make such a movement
     */
    public static Map<String, Balance> of(Stock before, Entry entry) {
        Recount recount = new Recount(before, entry);
        for (Movement movement : entry.movements()) {
            recount.move(movement.location(), movement.from(), -movement.quantity());
            recount.move(movement.toLocation(), movement.to(), movement.quantity());
        }
        recount.setOrUse();
        return recount.after;
    }

    private void move(String location, Bucket bucket, long quantity) {
        after.put(location, balance(location).plus(bucket, entry.unavailableReason(), quantity));
    }

    private void setOrUse() {
        String location = entry.location();
        switch (entry.kind()) {
            case SET_SAFETY_STOCK -> after.put(location, balance(location).withSafetyStock(stated().safetyStock()));
            case SET_CHANNEL_ALLOCATION -> after.put(location, balance(location).withAllocations(allocations()));
            case RESERVE, SELL -> after.put(location, balance(location).using(entry.channel(), entry.quantity()));
            case RELEASE, EXPIRE, CANCEL_COMMITTED -> before.reservation(entry.reservationId()).ifPresent(reservation ->
                    after.put(location, Decider.unuse(balance(location), reservation, entry.quantity())));
            case EXPECT, CANCEL_EXPECTED, RECEIVE, EXTEND, COMMIT, FULFILL, RETURN, SET_ASIDE, PUT_BACK, SHIP_TRANSFER,
                    RECEIVE_TRANSFER, ADJUST, COUNT -> { }
        }
    }

    private Balance balance(String location) {
        Balance counted = after.get(location);
        return counted != null ? counted : before.balance(location);
    }

    /** What was set is in the entry alone. */
    private Balance stated() {
        for (Balance balance : entry.balances()) {
            if (balance.location().equals(entry.location())) {
                return balance;
            }
        }
        return before.balance(entry.location());
    }

    /** The channel's own as the entry sets it, with nothing used yet; the others as they were. */
    private List<Allocation> allocations() {
        List<Allocation> allocations = new ArrayList<>(balance(entry.location()).allocations());
        allocations.removeIf(allocation -> allocation.channel().equals(entry.channel()));
        stated().allocation(entry.channel()).ifPresent(set -> allocations.add(
                new Allocation(set.channel(), set.guaranteed(), set.maximum(), 0, entry.sequence())));
        allocations.sort(Comparator.comparing(Allocation::channel));
        return allocations;
    }
}
