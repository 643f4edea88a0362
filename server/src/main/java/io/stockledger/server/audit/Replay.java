package io.stockledger.server.audit;

import io.stockledger.server.audit.Finding.Kind;
import io.stockledger.server.domain.AppliedIds;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.EntryKind;
import io.stockledger.server.domain.Recount;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.domain.Stock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One SKU replayed entry by entry, each held against what those before it allow. Each difference is found once, at the
 * entry that made it: the entries after it are held against what that one says.
 */
final class Replay {
    /** The stock needs some; what was applied is never asked of it here. */
    private static final int IDS_KEPT = 64;
    private static final long WINDOW_MS = Duration.ofDays(36_500).toMillis();
    /** Newest entries whose ids a snapshot is asked for. */
    private static final int NEWEST_MAX = 1_000;

    /** An entry that brought an id. */
    record Applied(String mutationId, long createdAtMs, long sequence) {}

    private final String sku;
    private final Findings findings;
    private final Stock stock;
    private final Map<String, Long> held = new HashMap<>();
    private final Map<String, Long> committed = new HashMap<>();
    /** By how much what is reserved, and what is committed, is off at a location: found already. */
    private final Map<String, Long> heldOff = new HashMap<>();
    private final Map<String, Long> committedOff = new HashMap<>();
    private final Deque<Applied> newest = new ArrayDeque<>();
    private boolean whole = true;
    private Optional<Reservation> closed = Optional.empty();

    Replay(String sku, Findings findings) {
        this.sku = sku;
        this.findings = findings;
        this.stock = new Stock(sku, new AppliedIds(IDS_KEPT, 0, WINDOW_MS, 0));
    }

    Stock stock() {
        return stock;
    }

    long sequence() {
        return stock.sequence();
    }

    /** Whether every entry was there: else reservations can't be told any more. */
    boolean isWhole() {
        return whole;
    }

    /** What the last entry closed, as it left it: {@link #stock} knows open ones only. */
    Optional<Reservation> closed() {
        return closed;
    }

    /** The newest entries with an id, oldest first. */
    Iterable<Applied> newest() {
        return newest;
    }

    /** Entries up to this sequence can't be replayed: goes on after them with the balances that there were. */
    void passOver(long upToSequence) {
        whole = false;
        stock.restore(upToSequence, stock.recordedAtMs(), List.of(), List.of(), Map.of());
    }

    /** Takes over the next entry. */
    void entry(Entry entry, boolean saysBelowZero) {
        if (entry.sequence() != sequence() + 1) {
            findings.add(Kind.SEQUENCE_GAP, sequence() + 1, "entry " + (sequence() + 1), "entry " + entry.sequence());
            passOver(entry.sequence() - 1);
        }
        if (!entry.sku().equals(sku)) {
            findings.add(Kind.ENTRY_MALFORMED, entry.sequence(), "an entry of this SKU", "one of the SKU " + entry.sku());
        }
        balances(entry);
        belowZero(entry, saysBelowZero);
        Optional<Reservation> before = stock.reservation(entry.reservationId());
        if (whole) {
            reservation(entry, before);
        }
        try {
            stock.evolve(entry);
        } catch (RuntimeException impossible) {
            // Said above, where it is a reservation that is not open.
            if (!whole || before.isPresent() || !changesReservation(entry.kind())) {
                findings.add(Kind.ENTRY_MALFORMED, entry.sequence(), "an entry that can follow the one before", String.valueOf(impossible.getMessage()));
            }
        }
        closed = before.isPresent() && stock.reservation(entry.reservationId()).isEmpty() ? Optional.of(before.get().after(entry)) : Optional.empty();
        if (whole) {
            holds(entry, before);
        }
        if (!entry.mutationId().isEmpty()) {
            newest.add(new Applied(entry.mutationId(), entry.createdAtMs(), entry.sequence()));
            if (newest.size() > NEWEST_MAX) {
                newest.remove();
            }
        }
    }

    private void balances(Entry entry) {
        Map<String, Balance> counted;
        try {
            counted = Recount.of(stock, entry);
        } catch (RuntimeException impossible) {
            findings.add(Kind.ENTRY_MALFORMED, entry.sequence(), "movements that a ledger makes", String.valueOf(impossible.getMessage()));
            return;
        }
        Map<String, Balance> stated = new HashMap<>();
        entry.balances().forEach(balance -> stated.put(balance.location(), balance));
        Set<String> touched = new LinkedHashSet<>(counted.keySet());
        touched.addAll(stated.keySet());
        for (String location : touched) {
            Balance before = stock.balance(location);
            Difference.between(counted.getOrDefault(location, before), stated.getOrDefault(location, before)).ifPresent(
                    difference -> findings.add(Kind.BALANCE_DRIFT, entry.sequence(), difference.expected(), difference.found()));
        }
    }

    private void belowZero(Entry entry, boolean saysBelowZero) {
        boolean mayBring = entry.kind() == EntryKind.SELL || entry.kind() == EntryKind.COUNT;
        for (Balance after : entry.balances()) {
            Balance before = stock.balance(after.location());
            if (!mayBring) {
                notLower(entry, "available", before.available(), after.available());
            }
            notLower(entry, "reserved", before.reserved(), after.reserved());
            notLower(entry, "committed", before.committed(), after.committed());
            notLower(entry, "damaged", before.damaged(), after.damaged());
            notLower(entry, "in quality control", before.qualityControl(), after.qualityControl());
            notLower(entry, "unavailable for other reasons", before.otherUnavailable(), after.otherUnavailable());
            notLower(entry, "incoming", before.incoming(), after.incoming());
        }
        if (saysBelowZero != entry.belowZero()) {
            findings.add(Kind.BELOW_ZERO, entry.sequence(), entry.belowZero() ? "an entry that says that it leaves less than zero"
                    : "an entry that does not say that it leaves less than zero", "the opposite");
        }
    }

    private void notLower(Entry entry, String bucket, long before, long after) {
        if (after < 0 && after < before) {
            findings.add(Kind.BELOW_ZERO, entry.sequence(), "at least 0 " + bucket
                    + ": only a sale that had already happened or a count may leave less available", after + " " + bucket);
        }
    }

    /** Before the entry is taken over: whether the reservation is one that it can change. */
    private void reservation(Entry entry, Optional<Reservation> before) {
        String named = "reservation " + entry.reservationId();
        if (entry.kind() == EntryKind.RESERVE && before.isPresent()) {
            findings.add(Kind.HOLDS_DRIFT, entry.sequence(), "no open " + named, "one that entry " + before.get().sequence() + " made");
        } else if (changesReservation(entry.kind())) {
            if (before.isEmpty()) {
                findings.add(Kind.HOLDS_DRIFT, entry.sequence(), named + " open before it", "no such reservation open");
                return;
            }
            boolean ofCommitted = entry.kind() == EntryKind.FULFILL || entry.kind() == EntryKind.CANCEL_COMMITTED;
            long there = ofCommitted ? before.get().committed() : before.get().held();
            if (entry.quantity() > there) {
                findings.add(Kind.HOLDS_DRIFT, entry.sequence(), "at most " + there + " of " + named, entry.quantity() + " of it");
            }
        }
    }

    /** After it was taken over: whether what is open adds up to what is reserved and committed. */
    private void holds(Entry entry, Optional<Reservation> before) {
        before.ifPresent(reservation -> add(reservation, -1));
        stock.reservation(entry.reservationId()).ifPresent(reservation -> add(reservation, 1));
        for (Balance after : entry.balances()) {
            String at = " at " + after.location();
            compare(entry, after.location(), held, heldOff, after.reserved(), "reserved" + at + ", the sum of its open holds");
            compare(entry, after.location(), committed, committedOff, after.committed(), "committed" + at + ", the sum of its open commitments");
        }
    }

    private void add(Reservation reservation, long sign) {
        held.merge(reservation.location(), sign * reservation.held(), Long::sum);
        committed.merge(reservation.location(), sign * reservation.committed(), Long::sum);
    }

    private void compare(Entry entry, String location, Map<String, Long> sums, Map<String, Long> off, long stated, String what) {
        long sum = sums.getOrDefault(location, 0L);
        if (stated - sum != off.getOrDefault(location, 0L)) {
            off.put(location, stated - sum);
            findings.add(Kind.HOLDS_DRIFT, entry.sequence(), sum + " " + what, Long.toString(stated));
        }
    }

    private static boolean changesReservation(EntryKind kind) {
        return switch (kind) {
            case EXTEND, RELEASE, COMMIT, FULFILL, CANCEL_COMMITTED, EXPIRE -> true;
            case EXPECT, CANCEL_EXPECTED, RECEIVE, RESERVE, SELL, RETURN, SET_ASIDE, PUT_BACK, SHIP_TRANSFER, RECEIVE_TRANSFER,
                    ADJUST, COUNT, SET_SAFETY_STOCK, SET_CHANNEL_ALLOCATION -> false;
        };
    }
}
