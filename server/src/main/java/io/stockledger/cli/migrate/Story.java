package io.stockledger.cli.migrate;

import io.stockledger.cli.Table;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What the observations come to: the drifts, the times when nobody looked, and how far the ledger may be trusted. */
final class Story {
    private static final Duration LAG_DEFAULT = Duration.ofMinutes(15);
    /** For how long a comparison is asked to be clean, unless somebody says otherwise. */
    static final String TRUST_DEFAULT = "7d";
    static final Duration TRUST_DEFAULT_LENGTH = Duration.ofDays(7);
    /** Of the time for which a place is to be trusted, it may drift for so much, each drift shorter than the lag. */
    static final double DRIFTING_MAX = 0.05;
    /** What nobody has compared for so long may have gone wrong since. */
    private static final Duration LOOK_AGE_MAX = Duration.ofDays(1);

    private final Set<OldStock.Place> named = new HashSet<>();
    /** Each SKU that was ever compared, and since when. */
    private final NavigableMap<String, Instant> compared = new TreeMap<>();
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
        Duration within(Instant since, Instant until) {
            Instant begin = from.isBefore(since) ? since : from;
            Instant end = to.isAfter(until) ? until : to;
            return end.isAfter(begin) ? Duration.between(begin, end) : Duration.ZERO;
        }
    }

    /**
     * How far the ledger may be trusted on some SKUs.
     *
     * @param compared whether any of them was ever compared
     * @param clean how long they were looked at since the first of them was, and since the last drift beyond the lag;
     *     time that nobody looked left out
     * @param beyond drifts that lasted longer than the lag, so far
     * @param open places that drift now, longer than the lag or not yet
     * @param often how often they drifted of late
     */
    record Trust(boolean compared, Duration clean, int beyond, int open, Often often) {
        String differing() {
            return Table.grouped(open) + (open == 1 ? " place differs now" : " places differ now");
        }

        boolean holdsFor(Duration required) {
            return compared && clean.compareTo(required) >= 0 && open == 0 && often.isBearable();
        }
    }

    /**
     * How often places drifted of late, for however short a time: a place that is wrong fourteen minutes of each
     * fifteen drifts never beyond the lag, and is no less wrong for that.
     *
     * @param looked the time that this is about, as far as it was looked at
     * @param drifts that began or ended in it, or lasted
     * @param worst the place that drifted longest; empty where none did
     * @param share of the time, that it drifted for: 0 to 1
     */
    record Often(Duration looked, int drifts, Optional<OldStock.Place> worst, double share) {
        boolean isBearable() {
            return share <= DRIFTING_MAX;
        }

        @Override
        public String toString() {
            return worst.map(place -> Table.grouped(drifts) + (drifts == 1 ? " drift" : " drifts") + " of any length in the last " + Durations.shown(looked) + ", "
                    + Table.printable(place.toString()) + " the longest, for " + percent(share) + " of the time (up to " + percent(DRIFTING_MAX) + " is trusted)")
                    .orElse("no drift of any length in the last " + Durations.shown(looked));
        }

        private static String percent(double share) {
            return String.format(Locale.ROOT, "%.1f %%", share * 100);
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
            lastLook().ifPresent(before -> passed(before, looked.at()));
            looks.add(looked);
            blind = Optional.empty();
        } else if (one instanceof Observation.NotLooked not) {
            blind = blind.or(() -> Optional.of(not.at()));
        } else if (one instanceof Observation.Named first) {
            named.addAll(first.places());
            first.places().forEach(place -> compared.putIfAbsent(place.sku(), one.at()));
        } else if (one instanceof Observation.Drifting drifting) {
            compared.putIfAbsent(drifting.place().sku(), one.at());
            open.computeIfAbsent(drifting.place(), place -> new ArrayList<>())
                    .add(new Drift.Point(drifting.at(), drifting.old(), drifting.ledger()));
        } else if (one instanceof Observation.Settled settled) {
            List<Drift.Point> points = open.remove(settled.place());
            if (points != null) {
                ended.add(new Drift(settled.place(), points, Optional.of(settled.at())));
            }
        }
    }

    private void passed(Instant before, Instant now) {
        if (Duration.between(before, now).compareTo(lag()) > 0) {
            gaps.add(new Gap(before, now));
        } else {
            Instant end = blind.orElse(now);
            boolean goesOn = !watches.isEmpty() && watches.get(watches.size() - 1).to().equals(before);
            watches.add(new Watch(goesOn ? watches.remove(watches.size() - 1).from() : before, end));
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

    /** All places that the old system ever named. */
    Set<OldStock.Place> named() {
        return Collections.unmodifiableSet(named);
    }

    /** Whether what only the ledger has was left out. */
    boolean isPartial() {
        return begun.filter(Observation.Begun::partial).isPresent();
    }

    /** How long it was looked at since then. */
    Duration watchedSince(Instant from) {
        return watched(from, Instant.MAX);
    }

    private Duration watched(Instant from, Instant until) {
        return watches.stream().map(watch -> watch.within(from, until)).reduce(Duration.ZERO, Duration::plus);
    }

    /**
     * How far the ledger may be trusted on SKUs that begin so.
     *
     * @param skuPrefix empty: all
     * @param required for how long: how often they drifted is told of the last so much
     */
    Trust trust(String skuPrefix, Duration required) {
        Optional<Instant> first = comparedSince(skuPrefix);
        if (first.isEmpty()) {
            return new Trust(false, Duration.ZERO, 0, 0, new Often(Duration.ZERO, 0, Optional.empty(), 0));
        }
        Instant now = lastLook().orElse(Instant.EPOCH);
        Instant since = first.get();
        int beyond = 0;
        int drifting = 0;
        List<Drift> all = Stream.concat(ended.stream(), open().stream()).filter(drift -> drift.place().sku().startsWith(skuPrefix)).toList();
        for (Drift drift : all) {
            drifting += drift.ended().isEmpty() ? 1 : 0;
            if (drift.lasted(now).compareTo(lag()) > 0) {
                beyond++;
                Instant end = drift.ended().orElse(now);
                since = end.isAfter(since) ? end : since;
            }
        }
        return new Trust(true, watchedSince(since), beyond, drifting, often(all, now, lastOf(required, first.get())));
    }

    /** Since when any of these SKUs was compared. */
    private Optional<Instant> comparedSince(String skuPrefix) {
        Optional<Instant> first = Optional.empty();
        for (Map.Entry<String, Instant> one : compared.tailMap(skuPrefix, true).entrySet()) {
            if (!one.getKey().startsWith(skuPrefix)) {
                break;
            }
            first = first.filter(before -> !one.getValue().isBefore(before)).or(() -> Optional.of(one.getValue()));
        }
        return first;
    }

    /** When that began of which so much was looked at; not before then. */
    private Instant lastOf(Duration length, Instant notBefore) {
        Duration left = length;
        for (int i = watches.size() - 1; i >= 0; i--) {
            Watch watch = watches.get(i);
            Duration looked = watch.within(notBefore, Instant.MAX);
            if (looked.compareTo(left) >= 0) {
                return watch.to().minus(left);
            }
            left = left.minus(looked);
        }
        return notBefore;
    }

    private Often often(List<Drift> drifts, Instant now, Instant from) {
        Duration looked = watchedSince(from);
        Map<OldStock.Place, Duration> lasted = new HashMap<>();
        int count = 0;
        for (Drift drift : drifts) {
            Instant end = drift.ended().orElse(now);
            if (end.isBefore(from)) {
                continue;
            }
            count++;
            lasted.merge(drift.place(), watched(drift.began().isBefore(from) ? from : drift.began(), end), Duration::plus);
        }
        Optional<Map.Entry<OldStock.Place, Duration>> worst = lasted.entrySet().stream().max(Map.Entry.comparingByValue());
        double share = looked.isZero() ? 0 : worst.map(longest -> longest.getValue().toMillis() / (double) Math.max(1, looked.toMillis())).orElse(0.0);
        return new Often(looked, count, worst.map(Map.Entry::getKey), share);
    }
}
