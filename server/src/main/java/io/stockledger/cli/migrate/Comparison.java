package io.stockledger.cli.migrate;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Holds the old system's figures against the ledger's, look by look, and says what changed since the look before.
 *
 * <p>An old figure is right where it is the ledger's of now, and behind where it is one that the ledger had within the
 * lag: a copy that a job makes every quarter of an hour is never anything else. What is neither drifts. A place that
 * the old system had, and has no longer, is one of which it has no units; and so is one of which only the ledger knows,
 * unless the source is a part of the old stock.
 */
final class Comparison {
    private final LedgerSide ledger;
    /** The last figures of each place that drifts, so that only changes are told. */
    private final Map<OldStock.Place, Observation.Drifting> drifting = new HashMap<>();
    /** All places that the old system ever named. */
    private final Set<OldStock.Place> known = new HashSet<>();
    private final boolean partial;

    /** @param partial what only the ledger has is not compared */
    Comparison(LedgerSide ledger, boolean partial) {
        this.ledger = ledger;
        this.partial = partial;
    }

    /** Goes on with what an earlier comparison left open. */
    void resume(Story story) {
        story.open().forEach(drift -> drifting.put(drift.place(),
                new Observation.Drifting(drift.last().at(), drift.place(), drift.last().old(), drift.last().ledger())));
        known.addAll(story.named());
    }

    /** What changed, then the places that are named for the first time, and at its end how it stands. */
    List<Observation> look(Instant at, OldStock old) {
        List<Observation> seen = new ArrayList<>();
        int behind = 0;
        long units = 0;
        Map<OldStock.Place, Observation.Drifting> before = new HashMap<>(drifting);
        List<OldStock.Place> named = old.rows().stream().map(OldStock.Row::place).filter(known::add).toList();
        Map<OldStock.Place, Long> quantities = quantities(old);
        for (Map.Entry<OldStock.Place, Long> one : quantities.entrySet()) {
            OldStock.Place place = one.getKey();
            long quantity = one.getValue();
            long now = ledger.value(place);
            boolean isBehind = now != quantity && ledger.said(place, quantity);
            behind += isBehind ? 1 : 0;
            if (now == quantity || isBehind) {
                continue;
            }
            units += Math.abs(now - quantity);
            Observation.Drifting last = before.remove(place);
            if (last == null || last.old() != quantity || last.ledger() != now) {
                Observation.Drifting next = new Observation.Drifting(at, place, quantity, now);
                drifting.put(place, next);
                seen.add(next);
            }
        }
        // What is left of those before drifts no longer.
        before.keySet().forEach(place -> {
            drifting.remove(place);
            seen.add(new Observation.Settled(at, place));
        });
        // Before the look that relies on them: whatever is cut off of the file, no look is in it without its places.
        for (int from = 0; from < named.size(); from += Observation.Named.PLACES_MAX) {
            seen.add(new Observation.Named(at, named.subList(from, Math.min(named.size(), from + Observation.Named.PLACES_MAX))));
        }
        seen.add(new Observation.Looked(at, quantities.size(), behind, drifting.size(), units));
        return seen;
    }

    private Map<OldStock.Place, Long> quantities(OldStock old) {
        Map<OldStock.Place, Long> all = new LinkedHashMap<>();
        old.rows().forEach(row -> all.put(row.place(), row.quantity()));
        known.forEach(place -> all.putIfAbsent(place, 0L));
        if (!partial) {
            ledger.places().forEach(place -> all.putIfAbsent(place, 0L));
        }
        return all;
    }
}
