package io.stockledger.server.audit;

import io.stockledger.server.audit.Finding.Kind;
import io.stockledger.server.domain.AppliedIds;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.domain.Stock;
import io.stockledger.server.journal.AuditReader;
import io.stockledger.server.journal.Snapshot;
import io.stockledger.server.journal.SnapshotCodec;
import io.stockledger.server.journal.SnapshotCodec.Standing;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** Holds a SKU's snapshots against the replay at their rows. Ids are held against it as far as both know them. */
final class SnapshotCheck {
    /** More than any SKU keeps: what a snapshot holds is taken as it is. */
    private static final int IDS_KEPT = 1 << 20;
    private static final int OLDER_IDS_KEPT = 1 << 24;
    private static final long WINDOW_MS = Duration.ofDays(36_500).toMillis();

    private final String sku;
    private final AuditReader reader;
    private final Findings findings;
    private final Deque<Long> rows;
    private final long newestAtStart;

    /** @param rows after which its snapshots were made, in order, read before any of its rows */
    SnapshotCheck(String sku, List<Long> rows, AuditReader reader, Findings findings) {
        this.sku = sku;
        this.reader = reader;
        this.findings = findings;
        this.rows = new ArrayDeque<>(rows);
        this.newestAtStart = rows.isEmpty() ? 0 : rows.get(rows.size() - 1);
    }

    /** After the replay has taken over a row. */
    void row(long rowNumber, byte[] digest, long announcedDueMs, Replay replay) throws SQLException {
        while (!rows.isEmpty() && rows.peek() <= rowNumber) {
            if (rows.remove() == rowNumber) {
                compare(rowNumber, digest, announcedDueMs, replay);
            }
        }
    }

    /** After the last row. A snapshot that was made since the start may be of a later one. */
    void end(long rowNumber, Replay replay) {
        if (newestAtStart > rowNumber) {
            findings.add(Kind.SNAPSHOT_DRIFT, replay.sequence() + 1, "row " + newestAtStart + ", after which a snapshot was made",
                    rowNumber == 0 ? "no row at all" : "row " + rowNumber + " as the last");
        }
    }

    private void compare(long rowNumber, byte[] digest, long announcedDueMs, Replay replay) throws SQLException {
        long sequence = replay.sequence();
        Standing standing;
        try {
            Optional<Snapshot> stored = reader.snapshot(sku, rowNumber);
            if (stored.isEmpty()) {
                replaced(rowNumber);
                return;
            }
            standing = SnapshotCodec.decode(stored.get(), new AppliedIds(IDS_KEPT, OLDER_IDS_KEPT, WINDOW_MS, 0));
        } catch (RuntimeException unreadable) {
            findings.add(Kind.SNAPSHOT_DRIFT, sequence, "a snapshot of row " + rowNumber + " that can be read", String.valueOf(unreadable.getMessage()));
            return;
        }
        Stock saved = standing.stock();
        Stock replayed = replay.stock();
        if (!Arrays.equals(digest, standing.digest())) {
            // Made of another history: what else differs follows from that.
            found(sequence, "row SHA-256 " + HexFormat.of().formatHex(digest), HexFormat.of().formatHex(standing.digest()));
            return;
        }
        same(sequence, "SKU", sku, saved.sku());
        same(sequence, "entry", sequence, saved.sequence());
        same(sequence, "the last entry recorded at", InWords.time(replayed.recordedAtMs()), InWords.time(saved.recordedAtMs()));
        same(sequence, "the first hold announced to be due at", InWords.time(announcedDueMs), InWords.time(standing.announcedDueMs()));
        balances(sequence, replayed, saved);
        if (replay.isWhole()) {
            reservations(sequence, replayed, saved);
            if (!replayed.incoming().equals(saved.incoming())) {
                found(sequence, InWords.incoming(replayed.incoming()), InWords.incoming(saved.incoming()));
            }
            ids(sequence, replay, saved);
        }
    }

    /** A SKU that is busy makes newer snapshots faster than it is replayed: those that are there now are still to come. */
    private void replaced(long rowNumber) throws SQLException {
        rows.clear();
        reader.snapshotRows(List.of(sku)).getOrDefault(sku, List.of()).stream().filter(row -> row > rowNumber).forEach(rows::add);
    }

    private void balances(long sequence, Stock replayed, Stock saved) {
        TreeSet<String> locations = new TreeSet<>();
        for (Stock stock : List.of(replayed, saved)) {
            stock.balances().forEach(balance -> locations.add(balance.location()));
        }
        for (String location : locations) {
            Balance expected = replayed.balance(location);
            Difference.between(expected, saved.balance(location)).ifPresent(
                    difference -> found(sequence, difference.expected(), difference.found()));
        }
    }

    private void reservations(long sequence, Stock replayed, Stock saved) {
        Map<String, Reservation> there = new HashMap<>();
        saved.reservations().forEach(reservation -> there.put(reservation.id(), reservation));
        TreeSet<String> ids = new TreeSet<>(there.keySet());
        replayed.reservations().forEach(reservation -> ids.add(reservation.id()));
        for (String id : ids) {
            Optional<Reservation> expected = replayed.reservation(id);
            Optional<Reservation> found = Optional.ofNullable(there.get(id));
            if (!expected.equals(found)) {
                found(sequence, InWords.openReservation(id, expected), InWords.openReservation(id, found));
            }
        }
    }

    /** An id that is missing would let its mutation be applied a second time. */
    private void ids(long sequence, Replay replay, Stock saved) {
        AppliedIds ids = saved.appliedIds();
        for (Replay.Applied applied : replay.newest()) {
            if (applied.sequence() > ids.forgottenSequence() && Arrays.stream(ids.find(ids.fingerprint(applied.mutationId()),
                    applied.createdAtMs(), applied.sequence() - 1)).noneMatch(found -> found == applied.sequence())) {
                found(sequence, "the mutation id " + applied.mutationId() + " of entry " + applied.sequence() + " among those applied", "it is not");
                return;
            }
        }
    }

    private void same(long sequence, String what, Object expected, Object found) {
        if (!expected.equals(found)) {
            found(sequence, what + " " + expected, found.toString());
        }
    }

    private void found(long sequence, String expected, String found) {
        findings.add(Kind.SNAPSHOT_DRIFT, sequence, expected + " in the snapshot", found);
    }
}
