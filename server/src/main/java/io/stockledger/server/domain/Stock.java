package io.stockledger.server.domain;

import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * One SKU as its entries have made it: balances, open reservations, incoming references, newest ids. It evolves in
 * place, since one actor owns it and a SKU may hold 100,000 reservations; balances and reservations are immutable.
 */
public final class Stock {
    /** Hold that is due first comes first. */
    private static final Comparator<Reservation> BY_EXPIRY =
            Comparator.comparingLong(Reservation::expiresAtMs).thenComparingLong(Reservation::sequence);

    /** Incoming units are told apart by where they will arrive and by whose document. */
    public record Incoming(String location, String reference) {}

    private final String sku;
    private long sequence;
    private long recordedAtMs;
    private final AppliedIds appliedIds;
    /** Of the location that came first; null: none did. Most SKUs are at one location, which needs no map. */
    private Balance first;
    // Most SKUs have none of these at a given moment: made when first needed.
    private Map<String, Balance> others = Map.of();
    private Map<String, Reservation> reservations = Map.of();
    private TreeSet<Reservation> holdsByExpiry;
    private Map<Incoming, Long> incoming = Map.of();

    public Stock(String sku, AppliedIds appliedIds) {
        this.sku = sku;
        this.appliedIds = appliedIds;
    }

    /** Takes over an entry, which must be the next one. */
    public void evolve(Entry entry) {
        if (entry.sequence() != sequence + 1) {
            throw new IllegalStateException("entry " + entry.sequence() + " of " + sku + " can't follow " + sequence);
        }
        sequence = entry.sequence();
        recordedAtMs = entry.recordedAtMs();
        for (Balance balance : entry.balances()) {
            put(balance);
        }
        if (!entry.mutationId().isEmpty()) {
            appliedIds.add(appliedIds.fingerprint(entry.mutationId()), entry.kind() == EntryKind.RESERVE, sequence,
                    entry.createdAtMs(), recordedAtMs);
        }
        switch (entry.kind()) {
            case RESERVE -> put(Reservation.madeBy(entry));
            case EXTEND, RELEASE, COMMIT, FULFILL, CANCEL_COMMITTED, EXPIRE ->
                    put(reservations.get(entry.reservationId()).after(entry));
            case EXPECT, CANCEL_EXPECTED, RECEIVE, SHIP_TRANSFER, RECEIVE_TRANSFER -> moveIncoming(entry);
            case SELL, RETURN, SET_ASIDE, PUT_BACK, ADJUST, COUNT, SET_SAFETY_STOCK, SET_CHANNEL_ALLOCATION -> { }
        }
    }

    public String sku() {
        return sku;
    }

    /** The sequence of the last entry; 0: there is none. */
    public long sequence() {
        return sequence;
    }

    /** When the last entry was recorded. */
    public long recordedAtMs() {
        return recordedAtMs;
    }

    /**
     * The sequences beyond {@code afterSequence} of the entries that a mutation id may have been applied as, newest
     * first, as far as ids are kept. Hints as {@link AppliedIds} gives them, but for an open reservation: its id is
     * kept while it is open, however many came after, since a second reservation of that id would take the first
     * one's place.
     *
     * @param createdAtMs before which the id did not exist; 0: not known
     */
    public long[] appliedAs(String mutationId, long createdAtMs, long afterSequence) {
        Reservation open = reservations.get(mutationId);
        return open != null && open.sequence() > afterSequence ? new long[] {open.sequence()}
                : appliedIds.find(appliedIds.fingerprint(mutationId), createdAtMs, afterSequence);
    }

    public AppliedIds appliedIds() {
        return appliedIds;
    }

    public Balance balance(String location) {
        Balance balance = find(location);
        return balance != null ? balance : Balance.empty(location);
    }

    public boolean knows(String location) {
        return find(location) != null;
    }

    /** Null: there is none. */
    private Balance find(String location) {
        return isFirst(location) ? first : others.get(location);
    }

    private boolean isFirst(String location) {
        return first != null && first.location().equals(location);
    }

    public int locationCount() {
        return first == null ? 0 : 1 + others.size();
    }

    /** All balances, ordered by location. */
    public Collection<Balance> balances() {
        if (others.isEmpty()) {
            return first == null ? List.of() : List.of(first);
        }
        TreeMap<String, Balance> byLocation = new TreeMap<>(others);
        byLocation.put(first.location(), first);
        return List.copyOf(byLocation.values());
    }

    /** An open reservation. */
    public Optional<Reservation> reservation(String id) {
        return Optional.ofNullable(reservations.get(id));
    }

    /** Those with something held or committed, in no order; a view that changes with the stock. */
    public Collection<Reservation> reservations() {
        return Collections.unmodifiableCollection(reservations.values());
    }

    public int reservationCount() {
        return reservations.size();
    }

    /** Units incoming to a location under a reference. */
    public long incoming(String location, String reference) {
        return incoming.getOrDefault(new Incoming(location, reference), 0L);
    }

    /** A view that changes with the stock. */
    public Map<Incoming, Long> incoming() {
        return Collections.unmodifiableMap(incoming);
    }

    /** The hold that expires first. */
    public Optional<Reservation> firstDue() {
        return holdsByExpiry == null || holdsByExpiry.isEmpty()
                ? Optional.empty() : Optional.of(holdsByExpiry.first());
    }

    /** When the first hold expires; 0: nothing is held. */
    public long nextDueMs() {
        return holdsByExpiry == null || holdsByExpiry.isEmpty() ? 0 : holdsByExpiry.first().expiresAtMs();
    }

    /** Puts a stock together from a snapshot; {@code appliedIds} are those given at construction. */
    public void restore(long sequence, long recordedAtMs, Collection<Balance> balances,
            Collection<Reservation> reservations, Map<Incoming, Long> incoming) {
        this.sequence = sequence;
        this.recordedAtMs = recordedAtMs;
        balances.forEach(this::put);
        reservations.forEach(this::put);
        if (!incoming.isEmpty()) {
            this.incoming = new HashMap<>(incoming);
        }
    }

    private void put(Balance balance) {
        if (first == null || isFirst(balance.location())) {
            first = balance;
            return;
        }
        if (others.isEmpty()) {
            others = new HashMap<>(2);
        }
        others.put(balance.location(), balance);
    }

    private void put(Reservation reservation) {
        if (holdsByExpiry == null) {
            holdsByExpiry = new TreeSet<>(BY_EXPIRY);
            reservations = new HashMap<>(2);
        }
        Reservation before = reservation.open()
                ? reservations.put(reservation.id(), reservation)
                : reservations.remove(reservation.id());
        if (before != null && before.held() > 0) {
            holdsByExpiry.remove(before);
        }
        if (reservation.held() > 0) {
            holdsByExpiry.add(reservation);
        }
    }

    private void moveIncoming(Entry entry) {
        for (Movement movement : entry.movements()) {
            if (movement.from() == Bucket.INCOMING) {
                addIncoming(movement.location(), entry.reference(), -movement.quantity());
            }
            if (movement.to() == Bucket.INCOMING) {
                addIncoming(movement.toLocation(), entry.reference(), movement.quantity());
            }
        }
    }

    private void addIncoming(String location, String reference, long quantity) {
        if (incoming.isEmpty()) {
            incoming = new HashMap<>(2);
        }
        incoming.merge(new Incoming(location, reference), quantity,
                (before, more) -> before + more == 0 ? null : before + more);
    }
}
