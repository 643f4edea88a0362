package io.stockledger.cli.migrate;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds the old system's figures against the ledger's, look by look, and says what changed since the look before.
 *
 * <p>An old figure is right where it is the ledger's of now, and behind where it is one that the ledger had within the
 * lag: a copy that a job makes every quarter of an hour is never anything else. What is neither drifts.
 */
final class Comparison {
    private final LedgerSide ledger;
    /** The last figures of each place that drifts, so that only changes are told. */
    private final Map<OldStock.Place, Observation.Drifting> drifting = new HashMap<>();

    Comparison(LedgerSide ledger) {
        this.ledger = ledger;
    }

    /** Goes on with what an earlier comparison left open. */
    void resume(Story story) {
        story.open().forEach(drift -> drifting.put(drift.place(),
                new Observation.Drifting(drift.last().at(), drift.place(), drift.last().old(), drift.last().ledger())));
    }

    /** What changed, and at its end how it stands. */
    List<Observation> look(Instant at, OldStock old) {
        List<Observation> seen = new ArrayList<>();
        int behind = 0;
        long units = 0;
        Map<OldStock.Place, Observation.Drifting> before = new HashMap<>(drifting);
        for (OldStock.Row row : old.rows()) {
            OldStock.Place place = row.place();
            long now = ledger.value(place);
            boolean isBehind = now != row.quantity() && ledger.said(place, row.quantity());
            behind += isBehind ? 1 : 0;
            if (now == row.quantity() || isBehind) {
                continue;
            }
            units += Math.abs(now - row.quantity());
            Observation.Drifting last = before.remove(place);
            if (last == null || last.old() != row.quantity() || last.ledger() != now) {
                Observation.Drifting next = new Observation.Drifting(at, place, row.quantity(), now);
                drifting.put(place, next);
                seen.add(next);
            }
        }
        // What is left of those before drifts no longer, or the old system has forgotten the place.
        before.keySet().forEach(place -> {
            drifting.remove(place);
            seen.add(new Observation.Settled(at, place));
        });
        seen.add(new Observation.Looked(at, old.rows().size(), behind, drifting.size(), units));
        return seen;
    }
}
