package io.stockledger.cli.migrate;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A time during which a place differed by more than the lag explains.
 *
 * @param points the figures, from when on each: at least one
 * @param ended empty while it lasts
 */
record Drift(OldStock.Place place, List<Point> points, Optional<Instant> ended) {
    Drift {
        points = List.copyOf(points);
    }

    /** Both figures, from then on. */
    record Point(Instant at, long old, long ledger) {
        long difference() {
            return ledger - old;
        }
    }

    Instant began() {
        return points.get(0).at();
    }

    Point last() {
        return points.get(points.size() - 1);
    }

    /** The largest difference, with its sign. */
    long worst() {
        return points.stream().map(Point::difference).max(java.util.Comparator.comparing(Math::abs)).orElse(0L);
    }

    /** How long it lasted, or has so far. */
    Duration lasted(Instant now) {
        return Duration.between(began(), ended.orElse(now));
    }
}
