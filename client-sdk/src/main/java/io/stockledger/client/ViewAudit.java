package io.stockledger.client;

import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Holds one SKU of a stock view against the ledger's entries up to the sequence that the view reflects. Where a
 * location stands as the ledger did after an earlier entry, the next entry there is the first that the view lacks;
 * where it never stood so, the last is in doubt.
 */
final class ViewAudit {

    private static final String ADVICE = "Open the view anew: it then begins with the ledger's stock. If it drifts again,"
            + " look for what changes it beside the feed.";

    private final Stock view;
    private final Map<String, LocationBalance> viewed = new HashMap<>();
    private final Map<String, LocationBalance> replayed = new HashMap<>();
    private final Map<String, Long> doubted = new HashMap<>();
    private final TreeSet<String> onceSame = new TreeSet<>();
    private long last;

    private ViewAudit(Stock view) {
        this.view = view;
        view.getBalancesList().forEach(balance -> viewed.put(balance.getLocation(), balance));
    }

    /** @param entries the SKU's from the first on; read no further than the view reflects */
    static List<AuditFinding> of(Stock view, Stream<Entry> entries) {
        ViewAudit audit = new ViewAudit(view);
        Iterator<Entry> next = entries.iterator();
        while (audit.last < view.getSequence() && next.hasNext()) {
            audit.entry(next.next());
        }
        return audit.findings();
    }

    private void entry(Entry entry) {
        last = entry.getSequence();
        for (LocationBalance after : entry.getBalancesList()) {
            String location = after.getLocation();
            replayed.put(location, after);
            if (after.equals(viewed.get(location))) {
                onceSame.add(location);
                doubted.remove(location);
            } else if (onceSame.contains(location)) {
                doubted.putIfAbsent(location, last);
            } else {
                doubted.put(location, last);
            }
        }
    }

    private List<AuditFinding> findings() {
        List<AuditFinding> findings = new ArrayList<>();
        if (last < view.getSequence()) {
            findings.add(finding(last + 1, "entries up to " + last + " at most", "a view that reflects entry " + view.getSequence()));
            return findings;
        }
        TreeSet<String> locations = new TreeSet<>(viewed.keySet());
        locations.addAll(replayed.keySet());
        for (String location : locations) {
            LocationBalance expected = balance(replayed, location);
            LocationBalance found = balance(viewed, location);
            if (!expected.equals(found)) {
                findings.add(finding(doubted.getOrDefault(location, view.getSequence()),
                        told(expected) + " after entry " + view.getSequence(), told(found)));
            }
        }
        return findings;
    }

    private AuditFinding finding(long sequence, String expected, String found) {
        return AuditFinding.newBuilder()
                .setSku(view.getSku())
                .setKind(AuditFindingKind.AUDIT_FINDING_KIND_VIEW_DRIFT)
                .setSequence(sequence)
                .setExpected(expected)
                .setFound(found)
                .setAdvice(ADVICE)
                .build();
    }

    private static LocationBalance balance(Map<String, LocationBalance> balances, String location) {
        return balances.getOrDefault(location, LocationBalance.newBuilder().setLocation(location).build());
    }

    private static String told(LocationBalance balance) {
        return balance.getAvailable() + " available, " + balance.getReserved() + " reserved, " + balance.getCommitted()
                + " committed, " + balance.getUnavailable() + " unavailable, " + balance.getIncoming() + " incoming, safety stock "
                + balance.getSafetyStock() + ", " + balance.getAllocationsCount() + " allocations at " + balance.getLocation();
    }
}
