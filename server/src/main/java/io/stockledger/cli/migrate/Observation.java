package io.stockledger.cli.migrate;

import java.time.Instant;
import java.util.List;

/** What a comparison has seen, one line of its file. */
sealed interface Observation {
    Instant at();

    /**
     * A comparison begins, or goes on after it was stopped.
     *
     * @param lagSeconds how far behind the old figures may be
     * @param partial what only the ledger has is not compared
     */
    record Begun(Instant at, String source, String figure, long lagSeconds, boolean partial) implements Observation {
    }

    /**
     * The old system names these places for the first time. From then on they are compared, though it may name them no
     * longer: who goes on with a comparison has to know of them.
     *
     * @param places up to {@value #PLACES_MAX}
     */
    record Named(Instant at, List<OldStock.Place> places) implements Observation {
        /** So many places are a line that can still be read. */
        static final int PLACES_MAX = 1_000;

        public Named {
            places = List.copyOf(places);
        }
    }

    /**
     * All was compared.
     *
     * @param compared places, a SKU at a location each
     * @param behind those whose old figure is one that the ledger had within the lag
     * @param drifting those whose old figure is none that it had
     * @param units by which the drifting differ, all together
     */
    record Looked(Instant at, int compared, int behind, int drifting, long units) implements Observation {
    }

    /** Nothing could be compared. */
    record NotLooked(Instant at, String why) implements Observation {
    }

    /** A place differs, or differs by another figure than before. */
    record Drifting(Instant at, OldStock.Place place, long old, long ledger) implements Observation {
    }

    /** A place no longer differs by more than the lag explains. */
    record Settled(Instant at, OldStock.Place place) implements Observation {
    }
}
