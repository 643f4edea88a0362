package io.stockledger.server.domain;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The rules. {@link #decide} holds a mutation against the stock and gives the entry to write or a refusal; it changes
 * nothing. Refusals come in the order of {@link Refusal.Reason}. Whether the mutation was applied before is asked
 * elsewhere, before it gets here ({@link Stock#appliedAs}); so is whether its input is well formed.
 */
public final class Decider {
    private final Limits limits;

    public Decider(Limits limits) {
        this.limits = limits;
    }

    /**
     * Decides one mutation.
     *
     * @param nowMs the ledger's clock; the entry is never recorded before the one that it follows
     */
    public Decision decide(Stock stock, Mutation mutation, long nowMs) {
        if (mutation.expectedSequence() != Mutation.ANY_SEQUENCE && mutation.expectedSequence() != stock.sequence()) {
            return refuse(stock, Refusal.Reason.SEQUENCE_MISMATCH);
        }
        Operation operation = mutation.operation();
        if (operation instanceof Operation.Count count && count.atSequence() > stock.sequence()) {
            return refuse(stock, Refusal.Reason.SEQUENCE_MISMATCH);
        }
        if (!(operation instanceof Operation.OnReservation) && isLocationBeyondLimit(stock, mutation.location())) {
            return refuse(stock, Refusal.Reason.TOO_MANY_LOCATIONS);
        }
        Asked asked = new Asked(stock, mutation, Math.max(nowMs, stock.recordedAtMs()));
        if (operation instanceof Operation.Expect expect) {
            return expect(asked, expect);
        } else if (operation instanceof Operation.CancelExpected cancel) {
            return fromIncoming(asked, EntryKind.CANCEL_EXPECTED, Bucket.SUPPLIER, cancel.quantity());
        } else if (operation instanceof Operation.Receive receive) {
            return receive.fromExpected()
                    ? fromIncoming(asked, EntryKind.RECEIVE, Bucket.AVAILABLE, receive.quantity())
                    : move(asked, EntryKind.RECEIVE, Bucket.SUPPLIER, Bucket.AVAILABLE, receive.quantity());
        } else if (operation instanceof Operation.Reserve reserve) {
            return reserve(asked, reserve);
        } else if (operation instanceof Operation.OnReservation onReservation) {
            return onReservation(asked, onReservation);
        } else if (operation instanceof Operation.Sell sell) {
            return sell(asked, sell);
        } else if (operation instanceof Operation.Return back) {
            return giveBack(asked, back);
        } else if (operation instanceof Operation.SetAside aside) {
            return setAside(asked, aside);
        } else if (operation instanceof Operation.PutBack back) {
            return putBack(asked, back);
        } else if (operation instanceof Operation.ShipTransfer ship) {
            return shipTransfer(asked, ship);
        } else if (operation instanceof Operation.ReceiveTransfer receive) {
            return fromIncoming(asked, EntryKind.RECEIVE_TRANSFER, Bucket.AVAILABLE, receive.quantity());
        } else if (operation instanceof Operation.Adjust adjust) {
            return adjust(asked, adjust);
        } else if (operation instanceof Operation.Count count) {
            return count(asked, count);
        } else if (operation instanceof Operation.SetSafetyStock safety) {
            return asked.entry(EntryKind.SET_SAFETY_STOCK)
                    .balance(asked.balance().withSafetyStock(safety.quantity())).decide();
        } else if (operation instanceof Operation.SetChannelAllocation allocation) {
            return setChannelAllocation(asked, allocation);
        }
        throw new IllegalArgumentException("no rule for " + operation);
    }

    /** The entry that expires the most overdue hold, if one is overdue. Always asked before a decision. */
    public Optional<Entry> expireFirst(Stock stock, long nowMs) {
        long recordedAtMs = Math.max(nowMs, stock.recordedAtMs());
        if (stock.nextDueMs() == 0 || stock.nextDueMs() > recordedAtMs) {
            return Optional.empty();
        }
        return stock.firstDue().map(hold -> {
            Balance after = stock.balance(hold.location())
                    .plus(Bucket.RESERVED, UnavailableReason.NONE, -hold.held())
                    .plus(Bucket.AVAILABLE, UnavailableReason.NONE, hold.held());
            return new Entry(stock.sku(), stock.sequence() + 1, EntryKind.EXPIRE,
                    List.of(Movement.within(hold.location(), Bucket.RESERVED, Bucket.AVAILABLE, hold.held())),
                    "", hold.location(), hold.channel(), hold.reference(), "",
                    hold.expiresAtMs(), recordedAtMs, 0, List.of(unuse(after, hold, hold.held())),
                    hold.id(), 0, UnavailableReason.NONE, AdjustReason.NONE, 0);
        });
    }

    private Decision expect(Asked asked, Operation.Expect expect) {
        if (startsReferenceBeyondLimit(asked.stock, asked.mutation.location(), asked.mutation.reference())) {
            return refuse(asked.stock, Refusal.Reason.TOO_MANY_EXPECTED);
        }
        return move(asked, EntryKind.EXPECT, Bucket.SUPPLIER, Bucket.INCOMING, expect.quantity());
    }

    /** Takes incoming units, no more than came under the mutation's reference. */
    private Decision fromIncoming(Asked asked, EntryKind kind, Bucket to, long quantity) {
        long open = asked.stock.incoming(asked.mutation.location(), asked.mutation.reference());
        if (quantity > open) {
            return insufficient(asked, open);
        }
        return move(asked, kind, Bucket.INCOMING, to, quantity);
    }

    private Decision reserve(Asked asked, Operation.Reserve reserve) {
        if (asked.stock.reservation(asked.mutation.mutationId()).isPresent()) {
            throw new IllegalArgumentException("whether an id was applied must be asked before it is decided");
        }
        if (asked.stock.reservationCount() >= limits.openReservations()) {
            return refuse(asked.stock, Refusal.Reason.TOO_MANY_RESERVATIONS);
        }
        String channel = asked.mutation.channel();
        long free = asked.balance().availableToSell(channel);
        if (reserve.quantity() > free) {
            return insufficient(asked, free);
        }
        return asked.entry(EntryKind.RESERVE)
                .move(Bucket.AVAILABLE, Bucket.RESERVED, reserve.quantity())
                .use(channel, reserve.quantity())
                .reservation(asked.mutation.mutationId(), asked.recordedAtMs + reserve.timeToLiveMs())
                .decide();
    }

    private Decision onReservation(Asked asked, Operation.OnReservation operation) {
        Stock stock = asked.stock;
        Optional<Reservation> open = stock.reservation(operation.reservationId());
        if (open.isEmpty()) {
            return refuse(stock, stock.appliedIds().madeReservation(operation.reservationId())
                    ? Refusal.Reason.RESERVATION_CLOSED : Refusal.Reason.RESERVATION_NOT_FOUND);
        }
        Reservation reservation = open.get();
        if (!asked.mutation.location().isEmpty() && !asked.mutation.location().equals(reservation.location())) {
            return refuse(stock, Refusal.Reason.RESERVATION_NOT_FOUND);
        }
        if (operation instanceof Operation.Extend extend) {
            if (reservation.held() == 0) {
                return new Refusal(Refusal.Reason.EXCEEDS_RESERVATION, 0, stock.sequence());
            }
            return asked.entry(EntryKind.EXTEND, reservation)
                    .reservation(reservation.id(), asked.recordedAtMs + extend.timeToLiveMs())
                    .decide();
        } else if (operation instanceof Operation.Release release) {
            return moveReserved(asked, reservation, EntryKind.RELEASE, Bucket.RESERVED, Bucket.AVAILABLE,
                    release.quantity());
        } else if (operation instanceof Operation.Commit commit) {
            return moveReserved(asked, reservation, EntryKind.COMMIT, Bucket.RESERVED, Bucket.COMMITTED,
                    commit.quantity());
        } else if (operation instanceof Operation.Fulfill fulfill) {
            return moveReserved(asked, reservation, EntryKind.FULFILL, Bucket.COMMITTED, Bucket.CUSTOMER,
                    fulfill.quantity());
        } else if (operation instanceof Operation.CancelCommitted cancel) {
            return moveReserved(asked, reservation, EntryKind.CANCEL_COMMITTED, Bucket.COMMITTED, Bucket.AVAILABLE,
                    cancel.quantity());
        }
        throw new IllegalArgumentException("no rule for " + operation);
    }

    private Decision moveReserved(Asked asked, Reservation reservation, EntryKind kind, Bucket from, Bucket to,
            OptionalLong quantity) {
        long open = from == Bucket.RESERVED ? reservation.held() : reservation.committed();
        long units = quantity.orElse(open);
        if (units > open || open == 0) {
            return new Refusal(Refusal.Reason.EXCEEDS_RESERVATION, open, asked.stock.sequence());
        }
        Draft draft = asked.entry(kind, reservation).move(from, to, units).reservation(reservation.id(), 0);
        return (to == Bucket.AVAILABLE ? draft.unuse(reservation, units) : draft).decide();
    }

    private Decision sell(Asked asked, Operation.Sell sell) {
        long free = asked.balance().availableToSell(asked.mutation.channel());
        if (sell.quantity() > free && !sell.alreadyHappened()) {
            return insufficient(asked, free);
        }
        return asked.entry(EntryKind.SELL)
                .move(Bucket.AVAILABLE, Bucket.CUSTOMER, sell.quantity())
                .use(asked.mutation.channel(), sell.quantity())
                .decide();
    }

    private Decision giveBack(Asked asked, Operation.Return back) {
        Bucket to = back.reason() == UnavailableReason.NONE ? Bucket.AVAILABLE : Bucket.UNAVAILABLE;
        return asked.entry(EntryKind.RETURN).because(back.reason())
                .move(Bucket.CUSTOMER, to, back.quantity()).decide();
    }

    private Decision setAside(Asked asked, Operation.SetAside aside) {
        long there = Math.max(0, asked.balance().available());
        if (aside.quantity() > there) {
            return insufficient(asked, there);
        }
        return asked.entry(EntryKind.SET_ASIDE).because(aside.reason())
                .move(Bucket.AVAILABLE, Bucket.UNAVAILABLE, aside.quantity()).decide();
    }

    private Decision putBack(Asked asked, Operation.PutBack back) {
        long there = asked.balance().unavailable(back.reason());
        if (back.quantity() > there) {
            return insufficient(asked, there);
        }
        return asked.entry(EntryKind.PUT_BACK).because(back.reason())
                .move(Bucket.UNAVAILABLE, Bucket.AVAILABLE, back.quantity()).decide();
    }

    private Decision shipTransfer(Asked asked, Operation.ShipTransfer ship) {
        Stock stock = asked.stock;
        Mutation mutation = asked.mutation;
        if (isLocationBeyondLimit(stock, ship.toLocation())) {
            return refuse(stock, Refusal.Reason.TOO_MANY_LOCATIONS);
        }
        if (startsReferenceBeyondLimit(stock, ship.toLocation(), mutation.reference())) {
            return refuse(stock, Refusal.Reason.TOO_MANY_EXPECTED);
        }
        long there = Math.max(0, asked.balance().available());
        if (ship.quantity() > there) {
            return insufficient(asked, there);
        }
        return asked.entry(EntryKind.SHIP_TRANSFER)
                .transfer(stock.balance(ship.toLocation()), ship.quantity()).decide();
    }

    private Decision adjust(Asked asked, Operation.Adjust adjust) {
        long there = Math.max(0, asked.balance().available());
        if (-adjust.delta() > there) {
            return insufficient(asked, there);
        }
        return asked.entry(EntryKind.ADJUST).because(adjust.reason())
                .moveDelta(adjust.delta()).decide();
    }

    private Decision count(Asked asked, Operation.Count count) {
        if (count.needsHistory(asked.stock)) {
            throw new IllegalArgumentException("what was on hand then must be looked up before a count is decided");
        }
        long onHandThen = count.onHandThen().orElse(asked.balance().onHand());
        return asked.entry(EntryKind.COUNT).moveDelta(count.counted() - onHandThen).decide();
    }

    private Decision setChannelAllocation(Asked asked, Operation.SetChannelAllocation set) {
        String channel = asked.mutation.channel();
        Balance before = asked.balance();
        List<Allocation> after = new ArrayList<>(before.allocations());
        after.removeIf(allocation -> allocation.channel().equals(channel));
        if (set.guaranteed() > 0 || set.maximum() != Allocation.UNBOUNDED) {
            if (after.size() >= limits.allocations()) {
                return refuse(asked.stock, Refusal.Reason.TOO_MANY_CHANNELS);
            }
            after.add(new Allocation(channel, set.guaranteed(), set.maximum(), 0, asked.stock.sequence() + 1));
            after.sort(Comparator.comparing(Allocation::channel));
        }
        return asked.entry(EntryKind.SET_CHANNEL_ALLOCATION).balance(before.withAllocations(after)).decide();
    }

    private Decision move(Asked asked, EntryKind kind, Bucket from, Bucket to, long quantity) {
        return asked.entry(kind).move(from, to, quantity).decide();
    }

    private boolean isLocationBeyondLimit(Stock stock, String location) {
        return !stock.knows(location) && stock.locationCount() >= limits.locations();
    }

    private boolean startsReferenceBeyondLimit(Stock stock, String location, String reference) {
        return stock.incoming(location, reference) == 0 && stock.incoming().size() >= limits.expectedReferences();
    }

    private static Refusal refuse(Stock stock, Refusal.Reason reason) {
        return new Refusal(reason, 0, stock.sequence());
    }

    private static Refusal insufficient(Asked asked, long there) {
        return new Refusal(Refusal.Reason.INSUFFICIENT_STOCK, there, asked.stock.sequence());
    }

    /** Units of a reservation go back: they no longer count as used, unless the allocation was set after the hold. */
    static Balance unuse(Balance balance, Reservation reservation, long quantity) {
        boolean counted = balance.allocation(reservation.channel())
                .filter(allocation -> reservation.sequence() > allocation.setSequence()).isPresent();
        return counted ? balance.using(reservation.channel(), -quantity) : balance;
    }

    /** A mutation under decision, and the moment that its entry will be recorded at. */
    private record Asked(Stock stock, Mutation mutation, long recordedAtMs) {
        Balance balance() {
            return stock.balance(mutation.location());
        }

        Draft entry(EntryKind kind) {
            return new Draft(this, kind, mutation.location(), mutation.channel(), mutation.reference());
        }

        Draft entry(EntryKind kind, Reservation of) {
            String reference = mutation.reference().isEmpty() ? of.reference() : mutation.reference();
            return new Draft(this, kind, of.location(), of.channel(), reference);
        }
    }

    /** An entry in the making: what moves and what stands after it, kept together so that they can't disagree. */
    private static final class Draft {
        private final Asked asked;
        private final EntryKind kind;
        private final String channel;
        private final String reference;
        private List<Movement> movements = List.of();
        private Balance here;
        private Optional<Balance> there = Optional.empty();
        private String reservationId = "";
        private long expiresAtMs;
        private UnavailableReason unavailableReason = UnavailableReason.NONE;
        private AdjustReason adjustReason = AdjustReason.NONE;

        Draft(Asked asked, EntryKind kind, String location, String channel, String reference) {
            this.asked = asked;
            this.kind = kind;
            this.channel = channel;
            this.reference = reference;
            this.here = asked.stock.balance(location);
        }

        Draft because(UnavailableReason reason) {
            unavailableReason = reason;
            return this;
        }

        Draft because(AdjustReason reason) {
            adjustReason = reason;
            return this;
        }

        Draft move(Bucket from, Bucket to, long quantity) {
            movements = List.of(Movement.within(here.location(), from, to, quantity));
            here = here.plus(from, unavailableReason, -quantity).plus(to, unavailableReason, quantity);
            return this;
        }

        /** Between the shelf and shrinkage; zero moves nothing. */
        Draft moveDelta(long delta) {
            if (delta == 0) {
                return this;
            }
            return delta > 0
                    ? move(Bucket.SHRINKAGE, Bucket.AVAILABLE, delta)
                    : move(Bucket.AVAILABLE, Bucket.SHRINKAGE, -delta);
        }

        Draft transfer(Balance to, long quantity) {
            movements = List.of(new Movement(Bucket.AVAILABLE, Bucket.INCOMING, quantity, here.location(),
                    to.location()));
            here = here.plus(Bucket.AVAILABLE, UnavailableReason.NONE, -quantity);
            there = Optional.of(to.plus(Bucket.INCOMING, UnavailableReason.NONE, quantity));
            return this;
        }

        Draft use(String channel, long quantity) {
            here = here.using(channel, quantity);
            return this;
        }

        Draft unuse(Reservation reservation, long quantity) {
            here = Decider.unuse(here, reservation, quantity);
            return this;
        }

        Draft balance(Balance after) {
            here = after;
            return this;
        }

        Draft reservation(String id, long expiresAtMs) {
            this.reservationId = id;
            this.expiresAtMs = expiresAtMs;
            return this;
        }

        Decision decide() {
            Stock stock = asked.stock;
            if (here.exceedsLimit() || there.isPresent() && there.get().exceedsLimit()) {
                return refuse(stock, Refusal.Reason.BALANCE_LIMIT);
            }
            Mutation mutation = asked.mutation;
            return new Entry(stock.sku(), stock.sequence() + 1, kind, movements, mutation.mutationId(),
                    here.location(), channel, reference, mutation.principal(),
                    mutation.occurredAtMs() == 0 ? asked.recordedAtMs : mutation.occurredAtMs(),
                    asked.recordedAtMs, mutation.createdAtMs(),
                    there.isPresent() ? List.of(here, there.get()) : List.of(here),
                    reservationId, expiresAtMs, unavailableReason, adjustReason, mutation.contentFingerprint());
        }
    }
}
