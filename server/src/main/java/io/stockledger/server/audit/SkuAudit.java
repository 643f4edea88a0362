package io.stockledger.server.audit;

import io.stockledger.server.audit.Finding.Kind;
import io.stockledger.server.audit.JournalAudit.Asked;
import io.stockledger.server.audit.JournalAudit.Verdict;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Stock;
import io.stockledger.server.journal.AuditReader;
import io.stockledger.server.journal.ChainHead;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalReader.IndexedRow;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.Pace;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Holds one SKU's journal rows against what they must be, and what was made of them against the rows: bytes that match
 * their digest, a chain without a break, headers that tell of their entries; {@link Replay} looks into the entries.
 * Reads page by page, so a SKU of any length fits.
 */
final class SkuAudit {
    private final String sku;
    private final JournalReader journal;
    private final Findings findings;
    private final Replay replay;
    private final SnapshotCheck snapshots;
    private final HeadCheck heads;
    private final List<ProjectionCheck> projections = new ArrayList<>();
    private byte[] digest = GroupRow.noDigest();
    private Optional<ChainHead> head = Optional.empty();
    private long announcedDueMs;
    private long rowNumber;
    private long rows;
    private long entries;
    private boolean ended;

    /** @param snapshotRows after which its snapshots were made, read before: then each is among the rows */
    SkuAudit(Asked asked, List<Long> snapshotRows, JournalReader journal, AuditReader reader, List<AuditedProjection> audited)
            throws SQLException {
        this.sku = asked.sku();
        this.journal = journal;
        this.findings = new Findings(sku);
        this.replay = new Replay(sku, findings);
        this.heads = new HeadCheck(asked.heads(), findings);
        this.snapshots = new SnapshotCheck(sku, snapshotRows, reader, findings);
        // Before any row too: what it reflects is committed, and so will be read.
        for (AuditedProjection projection : audited) {
            projection.of(sku).ifPresent(standing -> projections.add(new ProjectionCheck(sku, projection, standing, replay, findings)));
        }
    }

    /** Rows read so far. */
    long rows() {
        return rows;
    }

    /** Entries read so far. */
    long entries() {
        return entries;
    }

    /**
     * Reads the next page; its verdict after the last.
     *
     * @param turn which this is part of: a page may hold thousands of entries
     */
    Optional<Verdict> page(Pace.Turn turn) throws SQLException {
        List<IndexedRow> page = List.of();
        try {
            page = journal.indexedRowsForward(sku, rowNumber + 1);
            ended = journal.isLast(page.stream().map(IndexedRow::row).toList());
        } catch (RuntimeException unreadable) {
            findings.add(Kind.ROW_CHANGED, replay.sequence() + 1, "rows that can be read from row " + (rowNumber + 1) + " on",
                    String.valueOf(unreadable.getMessage()));
            ended = true;
        }
        for (IndexedRow row : page) {
            row(row, turn);
        }
        if (!ended) {
            return Optional.empty();
        }
        snapshots.end(rowNumber, replay);
        heads.end(rowNumber, replay.sequence());
        for (ProjectionCheck projection : projections) {
            projection.end();
        }
        List<Finding> found = findings.list();
        return Optional.of(new Verdict(sku, rows, entries, found, found.isEmpty() ? head : Optional.empty()));
    }

    private void row(IndexedRow indexed, Pace.Turn turn) throws SQLException {
        JournalRow stored = indexed.row();
        rows++;
        projections.forEach(projection -> projection.before(stored));
        if (stored.rowNumber() != rowNumber + 1) {
            findings.add(Kind.SEQUENCE_GAP, replay.sequence() + 1, "row " + (rowNumber + 1), "row " + stored.rowNumber());
        }
        rowNumber = stored.rowNumber();
        GroupRow row = stored.group();
        boolean changed = !row.isWhole();
        if (changed) {
            findings.add(Kind.ROW_CHANGED, row.firstSequence(), "bytes that match the row's own digest "
                    + HexFormat.of().formatHex(row.digest()), "other bytes");
        } else if (!indexed.columnsAgree()) {
            findings.add(Kind.ROW_CHANGED, row.firstSequence(), "columns as the row has them: first_sequence "
                    + row.firstSequence() + ", announced_due " + row.announcedDueMs() + ", row_bytes " + row.bytes().length, "first_sequence "
                    + indexed.firstSequence() + ", announced_due " + indexed.announcedDueMs() + ", row_bytes " + stored.bytes());
        }
        if (!Arrays.equals(row.previousDigest(), digest)) {
            findings.add(Kind.CHAIN_BROKEN, row.firstSequence(), "a row that follows " + HexFormat.of().formatHex(digest),
                    "one that follows " + HexFormat.of().formatHex(row.previousDigest()));
        }
        digest = row.digest();
        head = Optional.of(ChainHead.of(stored));
        entries(row, changed, turn);
        for (ProjectionCheck projection : projections) {
            projection.afterRow();
        }
        header(row);
        head.ifPresent(heads::row);
        snapshots.row(rowNumber, digest, announcedDueMs, replay);
    }

    private void entries(GroupRow row, boolean changed, Pace.Turn turn) {
        try {
            row.forEach(stored -> {
                turn.restIfDue();
                entries++;
                Entry entry;
                boolean saysBelowZero;
                try {
                    entry = EntryCodec.toDomain(stored);
                    saysBelowZero = EntryCodec.saysBelowZero(stored);
                } catch (RuntimeException malformed) {
                    findings.add(Kind.ENTRY_MALFORMED, replay.sequence() + 1, "an entry that can be read", String.valueOf(malformed.getMessage()));
                    replay.passOver(replay.sequence() + 1);
                    return;
                }
                replay.entry(entry, saysBelowZero);
                projections.forEach(projection -> projection.after(entry));
            });
        } catch (RuntimeException unreadable) {
            if (!changed) {
                findings.add(Kind.ENTRY_MALFORMED, row.firstSequence(), "entries that can be read", String.valueOf(unreadable.getMessage()));
            }
            // Of a row that was cut short the header may say anything.
            replay.passOver(Math.max(replay.sequence(), row.lastSequence()));
        }
        if (replay.sequence() != row.lastSequence()) {
            findings.add(Kind.SEQUENCE_GAP, row.firstSequence(), "entries " + row.firstSequence() + " to " + row.lastSequence()
                    + ", as the row's header says", "entries up to " + replay.sequence());
        }
    }

    /** What SQL reads of a row: by it overdue holds are found. */
    private void header(GroupRow row) {
        Stock stock = replay.stock();
        long news = stock.nextDueMs() == announcedDueMs ? 0 : stock.nextDueMs();
        if (replay.isWhole() && (row.nextDueMs() != stock.nextDueMs() || row.announcedDueMs() != news)) {
            findings.add(Kind.HOLDS_DRIFT, row.lastSequence(), "a row that says that its first hold is due at "
                    + InWords.time(stock.nextDueMs()) + ", and announces " + InWords.time(news), "one that says "
                    + InWords.time(row.nextDueMs()) + ", and announces " + InWords.time(row.announcedDueMs()));
        }
        if (row.announcedDueMs() > 0) {
            announcedDueMs = row.announcedDueMs();
        }
    }
}
