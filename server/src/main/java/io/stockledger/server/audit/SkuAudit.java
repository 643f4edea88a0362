package io.stockledger.server.audit;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Bucket;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Movement;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.Pace;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;

/**
 * Holds one SKU's journal rows against what they must be: bytes that match their digest, a chain without a break,
 * sequences without a gap, movements that lead from each balance to the next. Reads page by page, so a SKU of any
 * length fits.
 */
public final class SkuAudit {
    /** What a finding is about; within an entry the first that holds is found. */
    public enum Kind { ROW_CHANGED, CHAIN_BROKEN, SEQUENCE_GAP, BALANCE_DRIFT }

    /** Something is not as it must be, from this sequence on. */
    public record Finding(String sku, Kind kind, long sequence, String expected, String found) {}

    /** What was looked at, and what was found. */
    public record Verdict(String sku, long rows, long entries, List<Finding> findings) {}

    /** Of a broken SKU the first findings tell all; so many are kept. */
    private static final int FINDINGS_MAX = 100;
    private static final Bucket[] INSIDE =
            {Bucket.AVAILABLE, Bucket.RESERVED, Bucket.COMMITTED, Bucket.UNAVAILABLE, Bucket.INCOMING};

    private final String sku;
    private final Map<String, Balance> balances = new HashMap<>();
    private final List<Finding> findings = new ArrayList<>();
    private byte[] digest = GroupRow.noDigest();
    private long rowNumber;
    private long sequence;
    private long entries;

    private SkuAudit(String sku) {
        this.sku = sku;
    }

    /**
     * Audits one SKU; empty where it was told not to go on.
     *
     * @param pace kept between pages
     * @param goOn looked at before each page
     */
    public static Optional<Verdict> of(String sku, JournalReader journal, Pace pace, BooleanSupplier goOn) throws SQLException {
        SkuAudit audit = new SkuAudit(sku);
        while (goOn.getAsBoolean() && !Thread.currentThread().isInterrupted()) {
            long begun = System.nanoTime();
            List<JournalRow> page = journal.rowsForward(sku, audit.rowNumber + 1);
            if (page.isEmpty()) {
                return Optional.of(new Verdict(sku, audit.rowNumber, audit.entries, List.copyOf(audit.findings)));
            }
            page.forEach(audit::row);
            pace.rest(System.nanoTime() - begun);
        }
        return Optional.empty();
    }

    private void row(JournalRow stored) {
        if (stored.rowNumber() != rowNumber + 1) {
            find(Kind.SEQUENCE_GAP, sequence + 1, "row " + (rowNumber + 1), "row " + stored.rowNumber());
        }
        rowNumber = stored.rowNumber();
        GroupRow row = stored.group();
        if (!row.isWhole()) {
            find(Kind.ROW_CHANGED, row.firstSequence(), "bytes that match the row's own digest "
                    + HexFormat.of().formatHex(row.digest()), "other bytes");
        }
        if (!Arrays.equals(row.previousDigest(), digest)) {
            find(Kind.CHAIN_BROKEN, row.firstSequence(),
                    "a row that follows " + HexFormat.of().formatHex(digest),
                    "one that follows " + HexFormat.of().formatHex(row.previousDigest()));
        }
        digest = row.digest();
        try {
            row.entries().forEach(entry -> entry(EntryCodec.toDomain(entry)));
        } catch (RuntimeException e) {
            find(Kind.ROW_CHANGED, row.firstSequence(), "entries that can be read", String.valueOf(e.getMessage()));
            sequence = row.lastSequence();
        }
    }

    private void entry(Entry entry) {
        entries++;
        if (entry.sequence() != sequence + 1) {
            find(Kind.SEQUENCE_GAP, entry.sequence(), "entry " + (sequence + 1), "entry " + entry.sequence());
        }
        sequence = entry.sequence();
        Map<String, EnumMap<Bucket, Long>> moved = new HashMap<>();
        for (Movement movement : entry.movements()) {
            add(moved, movement.location(), movement.from(), -movement.quantity());
            add(moved, movement.toLocation(), movement.to(), movement.quantity());
        }
        Set<String> touched = new LinkedHashSet<>(moved.keySet());
        for (Balance after : entry.balances()) {
            touched.add(after.location());
        }
        Map<String, Balance> after = new HashMap<>();
        touched.forEach(location -> after.put(location, balances.getOrDefault(location, Balance.empty(location))));
        entry.balances().forEach(balance -> after.put(balance.location(), balance));
        for (String location : touched) {
            for (Bucket bucket : INSIDE) {
                long before = units(balances.getOrDefault(location, Balance.empty(location)), bucket);
                long movement = moved.getOrDefault(location, new EnumMap<>(Bucket.class)).getOrDefault(bucket, 0L);
                long there = units(after.get(location), bucket);
                if (before + movement != there) {
                    find(Kind.BALANCE_DRIFT, sequence, bucket + " at " + location + " is " + (before + movement),
                            "it is " + there);
                }
            }
        }
        balances.putAll(after);
    }

    private static void add(Map<String, EnumMap<Bucket, Long>> moved, String location, Bucket bucket, long quantity) {
        moved.computeIfAbsent(location, l -> new EnumMap<>(Bucket.class)).merge(bucket, quantity, Long::sum);
    }

    private static long units(Balance balance, Bucket bucket) {
        return switch (bucket) {
            case AVAILABLE -> balance.available();
            case RESERVED -> balance.reserved();
            case COMMITTED -> balance.committed();
            case UNAVAILABLE -> balance.unavailable();
            case INCOMING -> balance.incoming();
            case SUPPLIER, CUSTOMER, SHRINKAGE -> 0;
        };
    }

    private void find(Kind kind, long atSequence, String expected, String found) {
        if (findings.size() < FINDINGS_MAX) {
            findings.add(new Finding(sku, kind, atSequence, expected, found));
        }
    }
}
