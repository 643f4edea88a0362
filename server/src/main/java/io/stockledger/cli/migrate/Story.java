package io.stockledger.cli.migrate;

import io.stockledger.cli.Table;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the observations come to: the drifts, the times when nobody looked, and how far the ledger may be trusted. */
final class Story {
    private static final Duration LAG_DEFAULT = Duration.ofMinutes(15);

    private final List<Observation.Looked> looks = new ArrayList<>();
    private final Map<OldStock.Place, List<Drift.Point>> open = new LinkedHashMap<>();
    private final List<Drift> ended = new ArrayList<>();
    private final List<Gap> gaps = new ArrayList<>();
    private Optional<Observation.Begun> begun = Optional.empty();

    /** A time during which a drift longer than the lag could have come and gone unseen. */
    record Gap(Instant from, Instant to) {
    }

    /**
     * How far the ledger may be trusted on some SKUs.
     *
     * @param clean how long it was looked at since the last drift beyond the lag, time that nobody looked left out
     * @param beyond drifts that lasted longer than the lag, so far
     * @param open places that drift now, longer than the lag or not yet
     */
    record Trust(Duration clean, int beyond, int open) {
        String differing() {
            return Table.grouped(open) + (open == 1 ? " place differs now" : " places differ now");
        }
    }

    static Story of(List<Observation> observations) {
        Story story = new Story();
        observations.forEach(story::add);
        return story;
    }

    void add(Observation one) {
        if (one instanceof Observation.Begun first) {
            begun = Optional.of(first);
        } else if (one instanceof Observation.Looked looked) {
            if (!looks.isEmpty()) {
                Instant before = looks.get(looks.size() - 1).at();
                if (Duration.between(before, looked.at()).compareTo(lag()) > 0) {
                    gaps.add(new Gap(before, looked.at()));
                }
            }
            looks.add(looked);
        } else if (one instanceof Observation.Drifting drifting) {
            open.computeIfAbsent(drifting.place(), place -> new ArrayList<>())
                    .add(new Drift.Point(drifting.at(), drifting.old(), drifting.ledger()));
        } else if (one instanceof Observation.Settled settled) {
            List<Drift.Point> points = open.remove(settled.place());
            if (points != null) {
                ended.add(new Drift(settled.place(), points, Optional.of(settled.at())));
            }
        }
    }

    /** How far behind the old figures may be. */
    Duration lag() {
        return begun.map(first -> Duration.ofSeconds(first.lagSeconds())).orElse(LAG_DEFAULT);
    }

    Optional<Observation.Begun> begun() {
        return begun;
    }

    List<Observation.Looked> looks() {
        return List.copyOf(looks);
    }

    List<Gap> gaps() {
        return List.copyOf(gaps);
    }

    /** When it was last looked. */
    Optional<Instant> lastLook() {
        return looks.isEmpty() ? Optional.empty() : Optional.of(looks.get(looks.size() - 1).at());
    }

    /** Those that last, the oldest first. */
    List<Drift> open() {
        return open.entrySet().stream().map(entry -> new Drift(entry.getKey(), entry.getValue(), Optional.empty())).toList();
    }

    /** Those that are over, in the order of their ends. */
    List<Drift> ended() {
        return List.copyOf(ended);
    }

    boolean isDrifting(OldStock.Place place) {
        return open.containsKey(place);
    }

    /** How long it was looked at in all, and since then. */
    Duration watchedSince(Instant from) {
        Duration watched = Duration.ZERO;
        for (int i = 1; i < looks.size(); i++) {
            Instant begin = looks.get(i - 1).at().isBefore(from) ? from : looks.get(i - 1).at();
            Instant end = looks.get(i).at();
            boolean gap = Duration.between(looks.get(i - 1).at(), end).compareTo(lag()) > 0;
            if (!gap && end.isAfter(begin)) {
                watched = watched.plus(Duration.between(begin, end));
            }
        }
        return watched;
    }

    /** How far the ledger may be trusted on SKUs that begin so; empty: on all. */
    Trust trust(String skuPrefix) {
        Instant now = lastLook().orElse(Instant.EPOCH);
        Instant since = Instant.MIN;
        int beyond = 0;
        int drifting = 0;
        List<Drift> all = new ArrayList<>(ended);
        all.addAll(open());
        for (Drift drift : all) {
            if (!drift.place().sku().startsWith(skuPrefix)) {
                continue;
            }
            drifting += drift.ended().isEmpty() ? 1 : 0;
            if (drift.lasted(now).compareTo(lag()) > 0) {
                beyond++;
                Instant end = drift.ended().orElse(now);
                since = end.isAfter(since) ? end : since;
            }
        }
        return new Trust(watchedSince(since), beyond, drifting);
    }
}
