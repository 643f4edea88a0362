package io.stockledger.server.audit;

import io.stockledger.server.audit.AuditedProjection.Flow;
import io.stockledger.server.audit.AuditedProjection.Moved;
import io.stockledger.server.audit.AuditedProjection.Standing;
import io.stockledger.server.audit.Finding.Kind;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.EntryKind;
import io.stockledger.server.domain.Movement;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.domain.Stock;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.JournalRow;
import java.sql.SQLException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Holds one SKU of a projection against the replay of the rows that the projection has taken over. Its memory is what
 * the SKU has open and its days, not its length: closed reservations, which change no more, are asked for as they come.
 */
final class ProjectionCheck {
    private static final int CLOSED_AT_ONCE = 1_000;

    private final String sku;
    private final AuditedProjection projection;
    private final Standing standing;
    private final Replay replay;
    private final Findings findings;
    private final Map<String, Balance> balances = new HashMap<>();
    private final Map<String, Reservation> open = new HashMap<>();
    private final Doubt<String> balancesInDoubt = new Doubt<>();
    private final Doubt<String> openInDoubt = new Doubt<>();
    private final Doubt<Flow> movementsInDoubt = new Doubt<>();
    private final Map<Flow, Moved> moved = new HashMap<>();
    /** Not asked for yet: as their last entry left each, and that entry. */
    private final Map<String, Closed> closed = new HashMap<>();
    /** Closed ones whose id the projection says was used again since: the entry that made the other. */
    private final Map<String, Long> usedAgain = new HashMap<>();
    private long reservations;
    /** Entries of the row under replay that the projection has taken over. */
    private int taken;
    private boolean compared;

    private record Closed(Reservation reservation, long sequence) {}

    ProjectionCheck(String sku, AuditedProjection projection, Standing standing, Replay replay, Findings findings) {
        this.sku = sku;
        this.projection = projection;
        this.standing = standing;
        this.replay = replay;
        this.findings = findings;
        standing.balances().forEach(balance -> balances.put(balance.location(), balance));
        standing.openReservations().forEach(reservation -> open.put(reservation.id(), reservation));
    }

    /** Before a row is replayed: where it is the first that the projection has not taken over, it is time to compare. */
    void before(JournalRow row) {
        Cursor reflects = standing.reflects();
        if (row.position().isAfter(reflects.position())) {
            compare();
        }
        taken = row.position().equals(reflects.position()) ? reflects.taken() : Cursor.WHOLE_ROW;
    }

    /** After the replay has taken over an entry. */
    void after(Entry entry) {
        if (entry.kind() == EntryKind.RESERVE) {
            usedAgain.remove(entry.reservationId(), entry.sequence());
        }
        if (compared) {
            return;
        }
        for (Balance after : entry.balances()) {
            balancesInDoubt.entry(after.location(), entry.sequence(), after.equals(balance(after.location())));
        }
        for (Movement movement : entry.movements()) {
            Flow flow = Flow.of(entry, movement);
            Moved soFar = moved.getOrDefault(flow, Moved.NOTHING).and(movement);
            moved.put(flow, soFar);
            movementsInDoubt.entry(flow, entry.sequence(), soFar.equals(standing.dailyMovements().get(flow)));
        }
        if (!entry.reservationId().isEmpty()) {
            reservation(entry, entry.reservationId());
        }
        if (--taken == 0) {
            compare();
        }
    }

    private void reservation(Entry entry, String id) {
        if (entry.kind() == EntryKind.RESERVE) {
            reservations++;
            closed.remove(id);
        }
        openInDoubt.entry(id, entry.sequence(), replay.stock().reservation(id).equals(Optional.ofNullable(open.get(id))));
        replay.closed().ifPresent(reservation -> {
            closed.put(id, new Closed(reservation, entry.sequence()));
            if (!open.containsKey(id)) {
                openInDoubt.forget(id);
            }
        });
    }

    /** After a row's entries. */
    void afterRow() throws SQLException {
        if (closed.size() >= CLOSED_AT_ONCE) {
            compareClosed();
        }
    }

    /** After the last row. */
    void end() throws SQLException {
        compare();
        compareClosed();
        usedAgain.forEach((id, made) -> {
            if (made <= replay.sequence() && replay.isWhole()) {
                found(made, "no reservation " + id + " made by this entry", "one that it made");
            }
        });
    }

    /** Where the projection has got to, or after the last row; once. */
    private void compare() {
        if (compared) {
            return;
        }
        compared = true;
        Stock replayed = replay.stock();
        long sequence = replayed.sequence();
        if (standing.sequence() > sequence) {
            // What else differs is what those entries made.
            found(sequence + 1, "entries up to " + sequence + " at most", "a projection that says it reflects entry " + standing.sequence());
            return;
        }
        String when = " after entry " + sequence;
        TreeSet<String> locations = new TreeSet<>(balances.keySet());
        replayed.balances().forEach(balance -> locations.add(balance.location()));
        for (String location : locations) {
            Difference.between(replayed.balance(location), balance(location)).ifPresent(difference ->
                    found(balancesInDoubt.of(location, sequence), difference.expected() + when, difference.found()));
            long sellable = replayed.balance(location).availableToSell("");
            long said = standing.availableToSell().getOrDefault(location, sellable);
            if (sellable != said && replayed.balance(location).equals(balance(location))) {
                found(sequence, sellable + " available to sell at " + location + when, Long.toString(said));
            }
        }
        if (replay.isWhole()) {
            compareOpen(replayed, sequence, when);
            compareMovements(sequence, when);
        }
    }

    private void compareOpen(Stock replayed, long sequence, String when) {
        TreeSet<String> ids = new TreeSet<>(open.keySet());
        replayed.reservations().forEach(reservation -> ids.add(reservation.id()));
        for (String id : ids) {
            Optional<Reservation> expected = replayed.reservation(id);
            Optional<Reservation> found = Optional.ofNullable(open.get(id));
            if (!expected.equals(found)) {
                found(openInDoubt.of(id, sequence), InWords.openReservation(id, expected) + when, InWords.openReservation(id, found));
            }
        }
        // Fewer are right where an id was used again, which is one reservation there.
        if (standing.reservations() > reservations) {
            found(sequence, reservations + " reservations at most, open or closed," + when, Long.toString(standing.reservations()));
        }
    }

    private void compareMovements(long sequence, String when) {
        Set<Flow> flows = new HashSet<>(moved.keySet());
        flows.addAll(standing.dailyMovements().keySet());
        flows.stream().sorted(Comparator.comparing(Flow::day).thenComparing(Flow::toString)).forEach(flow -> {
            Moved expected = moved.getOrDefault(flow, Moved.NOTHING);
            Moved found = standing.dailyMovements().getOrDefault(flow, Moved.NOTHING);
            if (!expected.equals(found)) {
                found(movementsInDoubt.of(flow, sequence), InWords.moved(flow, expected) + when, InWords.moved(flow, found));
            }
        });
    }

    private void compareClosed() throws SQLException {
        if (closed.isEmpty() || !replay.isWhole()) {
            closed.clear();
            return;
        }
        Optional<Map<String, Reservation>> known = projection.reservations(sku, closed.keySet(), standing.reflects());
        known.ifPresent(rows -> closed.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(it -> {
            Reservation expected = it.getValue().reservation();
            Optional<Reservation> found = Optional.ofNullable(rows.get(it.getKey()));
            if (found.isPresent() && found.get().sequence() > it.getValue().sequence()) {
                usedAgain.put(it.getKey(), found.get().sequence());
            } else if (!found.equals(Optional.of(expected))) {
                found(it.getValue().sequence(), InWords.reservation(it.getKey(), Optional.of(expected)), InWords.reservation(it.getKey(), found));
            }
        }));
        closed.clear();
    }

    private void found(long sequence, String expected, String found) {
        findings.add(Kind.PROJECTION_DRIFT, sequence, expected, found);
    }

    private Balance balance(String location) {
        return balances.getOrDefault(location, Balance.empty(location));
    }
}
