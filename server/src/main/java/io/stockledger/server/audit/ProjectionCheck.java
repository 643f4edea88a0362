package io.stockledger.server.audit;

import io.stockledger.server.audit.AuditedProjection.Standing;
import io.stockledger.server.audit.Finding.Kind;
import io.stockledger.server.domain.Balance;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Stock;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * Holds one SKU of a projection against the replay at the same sequence. Where it stands as the ledger did after an
 * earlier entry, the next entry is the first that it lacks; where it never stood so, its last entry is in doubt.
 */
final class ProjectionCheck {
    private final Findings findings;
    private final long sequence;
    private final Map<String, Balance> projected = new HashMap<>();
    /** The first entry that a location lacks, or its last if it never stood so; by location. */
    private final Map<String, Long> doubted = new HashMap<>();
    private final TreeSet<String> onceSame = new TreeSet<>();

    ProjectionCheck(Standing standing, Findings findings) {
        this.findings = findings;
        this.sequence = standing.sequence();
        standing.balances().forEach(balance -> projected.put(balance.location(), balance));
    }

    /** After the replay has taken over an entry. */
    void entry(Entry entry, Stock replayed) {
        if (entry.sequence() > sequence) {
            return;
        }
        for (Balance after : entry.balances()) {
            String location = after.location();
            if (after.equals(of(location))) {
                onceSame.add(location);
                doubted.remove(location);
            } else if (onceSame.contains(location)) {
                doubted.putIfAbsent(location, entry.sequence());
            } else {
                doubted.put(location, entry.sequence());
            }
        }
        if (entry.sequence() == sequence) {
            compare(replayed);
        }
    }

    private void compare(Stock replayed) {
        TreeSet<String> locations = new TreeSet<>(projected.keySet());
        replayed.balances().forEach(balance -> locations.add(balance.location()));
        for (String location : locations) {
            Difference.between(replayed.balance(location), of(location)).ifPresent(difference -> findings.add(
                    Kind.PROJECTION_DRIFT, doubted.getOrDefault(location, sequence),
                    difference.expected() + " after entry " + sequence, difference.found()));
        }
    }

    /** After the last entry. */
    void end(Stock replayed) {
        if (sequence > replayed.sequence()) {
            findings.add(Kind.PROJECTION_DRIFT, replayed.sequence() + 1, "entries up to " + replayed.sequence() + " at most",
                    "a projection that reflects entry " + sequence);
        }
    }

    private Balance of(String location) {
        return projected.getOrDefault(location, Balance.empty(location));
    }
}
