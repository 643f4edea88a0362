package io.stockledger.server.audit;

import io.stockledger.server.audit.AuditedProjection.Standing;
import io.stockledger.server.audit.Finding.Kind;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.domain.Stock;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.JournalRow;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Holds one SKU of a projection against the replay of the rows that the projection has taken over. */
final class ProjectionCheck {
    private final Findings findings;
    private final Replay replay;
    private final Standing standing;
    private final Map<String, Balance> balances = new HashMap<>();
    private final Map<String, Reservation> reservations = new HashMap<>();
    private final Doubt balancesInDoubt = new Doubt();
    private final Doubt reservationsInDoubt = new Doubt();
    /** Entries of the row under replay that the projection has taken over. */
    private int taken;
    private boolean compared;

    ProjectionCheck(Standing standing, Replay replay, Findings findings) {
        this.standing = standing;
        this.replay = replay;
        this.findings = findings;
        standing.balances().forEach(balance -> balances.put(balance.location(), balance));
        standing.reservations().forEach(reservation -> reservations.put(reservation.id(), reservation));
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
        if (compared) {
            return;
        }
        for (Balance after : entry.balances()) {
            balancesInDoubt.entry(after.location(), entry.sequence(), after.equals(balance(after.location())));
        }
        if (!entry.reservationId().isEmpty()) {
            reservationsInDoubt.entry(entry.reservationId(), entry.sequence(), replay.stock().reservation(entry.reservationId())
                    .equals(Optional.ofNullable(reservations.get(entry.reservationId()))));
        }
        if (--taken == 0) {
            compare();
        }
    }

    /** After the last row, or where the projection has got to; once. */
    void compare() {
        if (compared) {
            return;
        }
        compared = true;
        Stock replayed = replay.stock();
        long sequence = replayed.sequence();
        String when = " after entry " + sequence;
        if (standing.sequence() > sequence) {
            found(sequence + 1, "entries up to " + sequence + " at most", "a projection that says it reflects entry " + standing.sequence());
        }
        TreeSet<String> locations = new TreeSet<>(balances.keySet());
        replayed.balances().forEach(balance -> locations.add(balance.location()));
        for (String location : locations) {
            Difference.between(replayed.balance(location), balance(location)).ifPresent(difference ->
                    found(balancesInDoubt.of(location, sequence), difference.expected() + when, difference.found()));
        }
        if (replay.isWhole()) {
            compareReservations(replayed, sequence, when);
        }
    }

    private void compareReservations(Stock replayed, long sequence, String when) {
        TreeSet<String> ids = new TreeSet<>(reservations.keySet());
        replayed.reservations().forEach(reservation -> ids.add(reservation.id()));
        for (String id : ids) {
            Optional<Reservation> expected = replayed.reservation(id);
            Optional<Reservation> found = Optional.ofNullable(reservations.get(id));
            if (!expected.equals(found)) {
                found(reservationsInDoubt.of(id, sequence), InWords.reservation(id, expected) + when, InWords.reservation(id, found));
            }
        }
    }

    private void found(long sequence, String expected, String found) {
        findings.add(Kind.PROJECTION_DRIFT, sequence, expected, found);
    }

    private Balance balance(String location) {
        return balances.getOrDefault(location, Balance.empty(location));
    }
}
