package io.stockledger.server.domain;

import io.stockledger.server.domain.Operation.Adjust;
import io.stockledger.server.domain.Operation.CancelCommitted;
import io.stockledger.server.domain.Operation.CancelExpected;
import io.stockledger.server.domain.Operation.Commit;
import io.stockledger.server.domain.Operation.Count;
import io.stockledger.server.domain.Operation.Expect;
import io.stockledger.server.domain.Operation.Extend;
import io.stockledger.server.domain.Operation.Fulfill;
import io.stockledger.server.domain.Operation.OnReservation;
import io.stockledger.server.domain.Operation.PutBack;
import io.stockledger.server.domain.Operation.Receive;
import io.stockledger.server.domain.Operation.ReceiveTransfer;
import io.stockledger.server.domain.Operation.Release;
import io.stockledger.server.domain.Operation.Reserve;
import io.stockledger.server.domain.Operation.Return;
import io.stockledger.server.domain.Operation.Sell;
import io.stockledger.server.domain.Operation.SetAside;
import io.stockledger.server.domain.Operation.SetChannelAllocation;
import io.stockledger.server.domain.Operation.SetSafetyStock;
import io.stockledger.server.domain.Operation.ShipTransfer;
import io.stockledger.server.domain.Refusal.Reason;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntSupplier;
import java.util.stream.Stream;

/**
 * The contract a second time, as slowly and plainly as can be: nothing is kept but the lines that were written, and
 * every balance, reservation, use of a channel and refusal is worked out from all of them each time. Units lie in
 * pots: a reservation's held units are a pot of their own, as are the units incoming under one reference. Written from
 * the words of the contract, not from {@link Decider}, so that the two can disagree.
 */
final class NaiveLedger {
    /** Refusals as the contract lists them; the first that holds is given. */
    static final List<Reason> ORDER = List.of(
            Reason.SEQUENCE_MISMATCH,
            Reason.RESERVATION_NOT_FOUND,
            Reason.RESERVATION_CLOSED,
            Reason.TOO_MANY_LOCATIONS,
            Reason.TOO_MANY_RESERVATIONS,
            Reason.TOO_MANY_EXPECTED,
            Reason.TOO_MANY_CHANNELS,
            Reason.EXCEEDS_RESERVATION,
            Reason.INSUFFICIENT_STOCK,
            Reason.BALANCE_LIMIT);

    private static final long BUCKET_MAX = 1_000_000_000_000_000_000L;

    /** Where units lie; {@code part} is the reservation, the reference or the reason, where a bucket has such parts. */
    record Pot(String location, Bucket bucket, String part) {}

    record Move(Pot from, Pot to, long units) {}

    /** One written line; {@code operation} is empty for an expiry. */
    record Line(long sequence, EntryKind kind, Optional<Operation> operation, long atMs, String mutationId,
            String location, String channel, String reference, String reservationId, long expiresAtMs,
            Optional<Move> move) {}

    final List<Line> lines = new ArrayList<>();

    private final Limits limits;
    private final IntSupplier idsKept;

    /** @param idsKept how many of the newest ids the ledger still knows: the contract says only how many at least */
    NaiveLedger(Limits limits, IntSupplier idsKept) {
        this.limits = limits;
        this.idsKept = idsKept;
    }

    /** Why the mutation is refused; empty: it was written. */
    Optional<Refusal> apply(Mutation mutation, long nowMs) {
        long atMs = clock(nowMs);
        for (Reason reason : ORDER) {
            if (holds(reason, mutation, atMs)) {
                long available = switch (reason) {
                    case EXCEEDS_RESERVATION -> leftOfReservation(mutation.operation());
                    case INSUFFICIENT_STOCK -> atMost(mutation).orElseThrow();
                    default -> 0;
                };
                return Optional.of(new Refusal(reason, available, lines.size()));
            }
        }
        lines.add(line(mutation, atMs));
        return Optional.empty();
    }

    /** Expires what is overdue: the earliest expiry first; of those due together, the earliest made. */
    void expireOverdue(long nowMs) {
        long atMs = clock(nowMs);
        Comparator<String> byExpiry = Comparator.comparingLong(this::expiresAtMs);
        made().stream()
                .filter(id -> held(id) > 0 && expiresAtMs(id) <= atMs)
                .sorted(byExpiry)
                .toList()
                .forEach(id -> {
                    Line made = maker(id);
                    lines.add(new Line(lines.size() + 1, EntryKind.EXPIRE, Optional.empty(), atMs, "",
                            made.location(), made.channel(), made.reference(), id, 0,
                            Optional.of(new Move(pot(made.location(), Bucket.RESERVED, id), shelf(made.location()),
                                    held(id)))));
                });
    }

    // Balances

    /** Units in all pots of a bucket. */
    long units(String location, Bucket bucket) {
        return units(location, bucket, lines.size());
    }

    long units(Pot pot) {
        long sum = 0;
        for (Line line : lines) {
            if (line.move().isPresent()) {
                sum += line.move().get().to().equals(pot) ? line.move().get().units() : 0;
                sum -= line.move().get().from().equals(pot) ? line.move().get().units() : 0;
            }
        }
        return sum;
    }

    long onHand(String location, long untilSequence) {
        return Stream.of(Bucket.AVAILABLE, Bucket.RESERVED, Bucket.COMMITTED, Bucket.UNAVAILABLE)
                .mapToLong(bucket -> units(location, bucket, untilSequence)).sum();
    }

    long safetyStock(String location) {
        return lastSetting(location, SetSafetyStock.class, Optional.empty())
                .map(line -> ((SetSafetyStock) line.operation().get()).quantity()).orElse(0L);
    }

    /** The line that set the allocation which the channel has now. */
    Optional<Line> allocation(String location, String channel) {
        return lastSetting(location, SetChannelAllocation.class, Optional.of(channel))
                .filter(line -> !takesAway((SetChannelAllocation) line.operation().get()));
    }

    Set<String> allocatedChannels(String location) {
        Set<String> channels = new TreeSet<>();
        for (Line line : lines) {
            if (allocation(location, line.channel()).isPresent()) {
                channels.add(line.channel());
            }
        }
        return channels;
    }

    /** What a channel holds and has sold since its allocation was set. */
    long used(String location, String channel) {
        long since = allocation(location, channel).orElseThrow().sequence();
        long used = 0;
        for (Line line : lines) {
            if (line.sequence() > since && line.location().equals(location) && line.channel().equals(channel)) {
                if (line.kind() == EntryKind.SELL) {
                    used += line.move().get().units();
                } else if (line.kind() == EntryKind.RESERVE) {
                    String id = line.mutationId();
                    used += units(pot(location, Bucket.RESERVED, id)) + units(pot(location, Bucket.COMMITTED, id))
                            + became(id, EntryKind.FULFILL);
                }
            }
        }
        return used;
    }

    long availableToSell(String location, String channel) {
        long free = units(location, Bucket.AVAILABLE) - safetyStock(location);
        for (String other : allocatedChannels(location)) {
            if (!other.equals(channel)) {
                free -= Math.max(0, share(location, other).guaranteed() - used(location, other));
            }
        }
        if (allocation(location, channel).isPresent() && share(location, channel).maximum() != Long.MAX_VALUE) {
            free = Math.min(free, share(location, channel).maximum() - used(location, channel));
        }
        return Math.max(0, free);
    }

    Set<String> locations() {
        return locationsOf(lines);
    }

    // Reservations

    /** Ids of all reservations ever made, in the order of their making. */
    Set<String> made() {
        Set<String> ids = new LinkedHashSet<>();
        lines.stream().filter(line -> line.kind() == EntryKind.RESERVE).forEach(line -> ids.add(line.mutationId()));
        return ids;
    }

    List<String> open() {
        return made().stream().filter(this::isOpen).toList();
    }

    long held(String id) {
        return units(pot(maker(id).location(), Bucket.RESERVED, id));
    }

    long committed(String id) {
        return units(pot(maker(id).location(), Bucket.COMMITTED, id));
    }

    /** Units of a reservation that a verb moved, all told. */
    long became(String id, EntryKind kind) {
        return lines.stream().filter(line -> line.reservationId().equals(id) && line.kind() == kind)
                .mapToLong(line -> line.move().orElseThrow().units()).sum();
    }

    long expiresAtMs(String id) {
        return lines.stream()
                .filter(line -> line.reservationId().equals(id))
                .filter(line -> line.kind() == EntryKind.RESERVE || line.kind() == EntryKind.EXTEND)
                .reduce((first, second) -> second).orElseThrow().expiresAtMs();
    }

    /** References with units incoming, at their locations. */
    Set<Pot> incoming() {
        Set<Pot> pots = new LinkedHashSet<>();
        lines.stream().flatMap(line -> line.move().stream()).map(Move::to)
                .filter(pot -> pot.bucket() == Bucket.INCOMING && units(pot) > 0).forEach(pots::add);
        return pots;
    }

    // Refusals: each told for itself, whatever else holds; of a reservation only where it is there at all.

    private boolean holds(Reason reason, Mutation mutation, long atMs) {
        Operation operation = mutation.operation();
        return switch (reason) {
            case SEQUENCE_MISMATCH ->
                    mutation.expectedSequence() >= 0 && mutation.expectedSequence() != lines.size()
                            || operation instanceof Count count && count.atSequence() > lines.size();
            case RESERVATION_NOT_FOUND -> operation instanceof OnReservation on
                    && (!isRemembered(on.reservationId())
                            || isOpen(on.reservationId()) && !mutation.location().isEmpty()
                                    && !mutation.location().equals(maker(on.reservationId()).location()));
            case RESERVATION_CLOSED -> operation instanceof OnReservation on && !isOpen(on.reservationId());
            case TOO_MANY_LOCATIONS -> !(operation instanceof OnReservation)
                    && locations().size() >= limits.locations()
                    && (!locations().contains(mutation.location())
                            || operation instanceof ShipTransfer ship && !locations().contains(ship.toLocation()));
            case TOO_MANY_RESERVATIONS ->
                    operation instanceof Reserve && open().size() >= limits.openReservations();
            case TOO_MANY_EXPECTED -> incoming().size() >= limits.expectedReferences()
                    && (operation instanceof Expect
                            && !incoming().contains(incoming(mutation.location(), mutation.reference()))
                            || operation instanceof ShipTransfer ship
                            && !incoming().contains(incoming(ship.toLocation(), mutation.reference())));
            case TOO_MANY_CHANNELS -> operation instanceof SetChannelAllocation set && !takesAway(set)
                    && allocation(mutation.location(), mutation.channel()).isEmpty()
                    && allocatedChannels(mutation.location()).size() >= limits.allocations();
            case EXCEEDS_RESERVATION -> operation instanceof OnReservation
                    && (leftOfReservation(operation) == 0 || asked(mutation) > leftOfReservation(operation));
            case INSUFFICIENT_STOCK ->
                    atMost(mutation).isPresent() && asked(mutation) > atMost(mutation).getAsLong();
            case BALANCE_LIMIT -> passesLimit(line(mutation, atMs));
        };
    }

    /** The most that the mutation may take; empty: as many as it likes. */
    private OptionalLong atMost(Mutation mutation) {
        Operation operation = mutation.operation();
        String location = mutation.location();
        if (operation instanceof CancelExpected || operation instanceof ReceiveTransfer
                || operation instanceof Receive receive && receive.fromExpected()) {
            return OptionalLong.of(units(incoming(location, mutation.reference())));
        } else if (operation instanceof Reserve || operation instanceof Sell sell && !sell.alreadyHappened()) {
            return OptionalLong.of(availableToSell(location, mutation.channel()));
        } else if (operation instanceof SetAside || operation instanceof ShipTransfer
                || operation instanceof Adjust adjust && adjust.delta() < 0) {
            return OptionalLong.of(Math.max(0, units(location, Bucket.AVAILABLE)));
        } else if (operation instanceof PutBack back) {
            return OptionalLong.of(units(pot(location, Bucket.UNAVAILABLE, back.reason().name())));
        }
        return OptionalLong.empty();
    }

    private long leftOfReservation(Operation operation) {
        String id = ((OnReservation) operation).reservationId();
        return operation instanceof Fulfill || operation instanceof CancelCommitted ? committed(id) : held(id);
    }

    private boolean isOpen(String id) {
        return made().contains(id) && held(id) + committed(id) > 0;
    }

    /** Whether the ledger still knows of a reservation: it is open, or its id is among the newest. */
    private boolean isRemembered(String id) {
        List<Line> withId = lines.stream().filter(line -> !line.mutationId().isEmpty()).toList();
        return isOpen(id) || withId.subList(Math.max(0, withId.size() - idsKept.getAsInt()), withId.size()).stream()
                .anyMatch(line -> line.kind() == EntryKind.RESERVE && line.mutationId().equals(id));
    }

    private boolean passesLimit(Line line) {
        lines.add(line);
        boolean passed = false;
        for (String location : locationsOf(List.of(line))) {
            for (Bucket bucket : Bucket.values()) {
                passed |= isOurs(bucket) && Math.abs(units(location, bucket)) > BUCKET_MAX;
            }
            for (String channel : allocatedChannels(location)) {
                passed |= used(location, channel) > BUCKET_MAX;
            }
        }
        lines.remove(lines.size() - 1);
        return passed;
    }

    // Lines

    private Line line(Mutation mutation, long atMs) {
        Operation operation = mutation.operation();
        boolean on = operation instanceof OnReservation;
        String id = operation instanceof OnReservation of ? of.reservationId()
                : operation instanceof Reserve ? mutation.mutationId() : "";
        long expiresAtMs = operation instanceof Reserve reserve ? atMs + reserve.timeToLiveMs()
                : operation instanceof Extend extend ? atMs + extend.timeToLiveMs() : 0;
        String location = on ? maker(id).location() : mutation.location();
        String reference = on && mutation.reference().isEmpty() ? maker(id).reference() : mutation.reference();
        return new Line(lines.size() + 1, kind(operation), Optional.of(operation), atMs, mutation.mutationId(),
                location, on ? maker(id).channel() : mutation.channel(), reference, id, expiresAtMs,
                move(mutation, location, id));
    }

    private Optional<Move> move(Mutation mutation, String at, String id) {
        Operation operation = mutation.operation();
        Pot supplier = pot(at, Bucket.SUPPLIER, "");
        Pot customer = pot(at, Bucket.CUSTOMER, "");
        Pot shrinkage = pot(at, Bucket.SHRINKAGE, "");
        Pot incoming = incoming(at, mutation.reference());
        Pot held = pot(at, Bucket.RESERVED, id);
        Pot committed = pot(at, Bucket.COMMITTED, id);
        long units = asked(mutation);
        return switch (kind(operation)) {
            case EXPECT -> Optional.of(new Move(supplier, incoming, units));
            case CANCEL_EXPECTED -> Optional.of(new Move(incoming, supplier, units));
            case RECEIVE -> Optional.of(
                    new Move(((Receive) operation).fromExpected() ? incoming : supplier, shelf(at), units));
            case RESERVE -> Optional.of(new Move(shelf(at), held, units));
            case RELEASE -> Optional.of(new Move(held, shelf(at), units));
            case COMMIT -> Optional.of(new Move(held, committed, units));
            case FULFILL -> Optional.of(new Move(committed, customer, units));
            case CANCEL_COMMITTED -> Optional.of(new Move(committed, shelf(at), units));
            case SELL -> Optional.of(new Move(shelf(at), customer, units));
            case RETURN -> Optional.of(new Move(customer,
                    ((Return) operation).reason() == UnavailableReason.NONE
                            ? shelf(at) : setAside(at, ((Return) operation).reason()), units));
            case SET_ASIDE -> Optional.of(new Move(shelf(at), setAside(at, ((SetAside) operation).reason()), units));
            case PUT_BACK -> Optional.of(new Move(setAside(at, ((PutBack) operation).reason()), shelf(at), units));
            case SHIP_TRANSFER -> Optional.of(new Move(shelf(at),
                    incoming(((ShipTransfer) operation).toLocation(), mutation.reference()), units));
            case RECEIVE_TRANSFER -> Optional.of(new Move(incoming, shelf(at), units));
            case ADJUST -> Optional.of(((Adjust) operation).delta() > 0
                    ? new Move(shrinkage, shelf(at), units) : new Move(shelf(at), shrinkage, units));
            case COUNT -> {
                long found = ((Count) operation).counted() - onHandWhenRead((Count) operation, at);
                yield found == 0 ? Optional.empty()
                        : Optional.of(found > 0 ? new Move(shrinkage, shelf(at), found)
                                : new Move(shelf(at), shrinkage, -found));
            }
            case EXTEND, SET_SAFETY_STOCK, SET_CHANNEL_ALLOCATION -> Optional.empty();
            case EXPIRE -> throw new AssertionError("nobody asks for an expiry");
        };
    }

    private long onHandWhenRead(Count count, String location) {
        if (count.atTimeMs() > 0) {
            return onHand(location, lines.stream().filter(line -> line.atMs() <= count.atTimeMs()).count());
        }
        return onHand(location, count.atSequence() > 0 ? count.atSequence() : lines.size());
    }

    /** Units that the mutation asks for; 0 where it asks for none. */
    private long asked(Mutation mutation) {
        Operation operation = mutation.operation();
        return switch (kind(operation)) {
            case EXPECT -> ((Expect) operation).quantity();
            case CANCEL_EXPECTED -> ((CancelExpected) operation).quantity();
            case RECEIVE -> ((Receive) operation).quantity();
            case RESERVE -> ((Reserve) operation).quantity();
            case RELEASE -> ((Release) operation).quantity().orElseGet(() -> leftOfReservation(operation));
            case COMMIT -> ((Commit) operation).quantity().orElseGet(() -> leftOfReservation(operation));
            case FULFILL -> ((Fulfill) operation).quantity().orElseGet(() -> leftOfReservation(operation));
            case CANCEL_COMMITTED ->
                    ((CancelCommitted) operation).quantity().orElseGet(() -> leftOfReservation(operation));
            case SELL -> ((Sell) operation).quantity();
            case RETURN -> ((Return) operation).quantity();
            case SET_ASIDE -> ((SetAside) operation).quantity();
            case PUT_BACK -> ((PutBack) operation).quantity();
            case SHIP_TRANSFER -> ((ShipTransfer) operation).quantity();
            case RECEIVE_TRANSFER -> ((ReceiveTransfer) operation).quantity();
            case ADJUST -> Math.abs(((Adjust) operation).delta());
            case EXTEND, COUNT, SET_SAFETY_STOCK, SET_CHANNEL_ALLOCATION, EXPIRE -> 0;
        };
    }

    /** An entry's kind bears the name of its verb. */
    static EntryKind kind(Operation operation) {
        return EntryKind.valueOf(
                operation.getClass().getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", "_").toUpperCase());
    }

    private long clock(long nowMs) {
        return lines.isEmpty() ? nowMs : Math.max(nowMs, lines.get(lines.size() - 1).atMs());
    }

    private Line maker(String id) {
        return lines.stream().filter(line -> line.kind() == EntryKind.RESERVE && line.mutationId().equals(id))
                .findFirst().orElseThrow();
    }

    private Optional<Line> lastSetting(String location, Class<? extends Operation> setting, Optional<String> channel) {
        return lines.stream()
                .filter(line -> line.operation().filter(setting::isInstance).isPresent())
                .filter(line -> line.location().equals(location))
                .filter(line -> channel.isEmpty() || channel.get().equals(line.channel()))
                .reduce((first, second) -> second);
    }

    SetChannelAllocation share(String location, String channel) {
        return (SetChannelAllocation) allocation(location, channel).orElseThrow().operation().orElseThrow();
    }

    private static boolean takesAway(SetChannelAllocation set) {
        return set.guaranteed() == 0 && set.maximum() == Long.MAX_VALUE;
    }

    private long units(String location, Bucket bucket, long untilSequence) {
        long sum = 0;
        for (Line line : lines.subList(0, (int) untilSequence)) {
            if (line.move().isPresent()) {
                Move move = line.move().get();
                sum += move.to().location().equals(location) && move.to().bucket() == bucket ? move.units() : 0;
                sum -= move.from().location().equals(location) && move.from().bucket() == bucket ? move.units() : 0;
            }
        }
        return sum;
    }

    private static Set<String> locationsOf(List<Line> lines) {
        Set<String> locations = new TreeSet<>();
        for (Line line : lines) {
            locations.add(line.location());
            line.move().ifPresent(move -> locations.add(move.to().location()));
        }
        return locations;
    }

    static boolean isOurs(Bucket bucket) {
        return bucket != Bucket.SUPPLIER && bucket != Bucket.CUSTOMER && bucket != Bucket.SHRINKAGE;
    }

    private static Pot shelf(String location) {
        return pot(location, Bucket.AVAILABLE, "");
    }

    private static Pot incoming(String location, String reference) {
        return pot(location, Bucket.INCOMING, reference);
    }

    private static Pot setAside(String location, UnavailableReason reason) {
        return pot(location, Bucket.UNAVAILABLE, reason.name());
    }

    private static Pot pot(String location, Bucket bucket, String part) {
        return new Pot(location, bucket, part);
    }
}
