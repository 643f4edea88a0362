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
    /** What nobody has compared for so long may have gone wrong since. */
    private static final Duration LOOK_AGE_MAX = Duration.ofDays(1);

    private final List<Observation.Looked> looks = new ArrayList<>();
    private final Map<OldStock.Place, List<Drift.Point>> open = new LinkedHashMap<>();
    private final List<Drift> ended = new ArrayList<>();
    private final List<Gap> gaps = new ArrayList<>();
    private final List<Watch> watches = new ArrayList<>();
    private Optional<Observation.Begun> begun = Optional.empty();
    /** Since when nobody can look, where a look has ended so. */
    private Optional<Instant> blind = Optional.empty();

    /** A time during which a drift longer than the lag could have come and gone unseen. */
    record Gap(Instant from, Instant to) {
    }

    /** A time during which it was looked at. */
    private record Watch(Instant from, Instant to) {
        Duration since(Instant since) {
            Instant begin = from.isBefore(since) ? since : from;
            return to.isAfter(begin) ? Duration.between(begin, to) : Duration.ZERO;
        }
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
            // When the one before was stopped after its last look is in no file.
            blind = blind.or(this::lastLook);
        } else if (one instanceof Observation.Looked looked) {
            lastLook().ifPresent(before -> watched(before, looked.at()));
            looks.add(looked);
            blind = Optional.empty();
        } else if (one instanceof Observation.NotLooked not) {
            blind = blind.or(() -> Optional.of(not.at()));
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

    private void watched(Instant before, Instant now) {
        if (Duration.between(before, now).compareTo(lag()) > 0) {
            gaps.add(new Gap(before, now));
        } else {
            watches.add(new Watch(before, blind.orElse(now)));
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

    /** Whether the last look still says something of the present. */
    boolean isRecent(Instant now) {
        return lastLook().filter(look -> Duration.between(look, now).compareTo(LOOK_AGE_MAX) < 0).isPresent();
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
        return watches.stream().map(watch -> watch.since(from)).reduce(Duration.ZERO, Duration::plus);
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
