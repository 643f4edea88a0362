package io.stockledger.cli.migrate;

import java.time.Instant;

/** What a comparison has seen, one line of its file. */
sealed interface Observation {
    Instant at();

    /**
     * A comparison begins, or goes on after it was stopped.
     *
     * @param lagSeconds how far behind the old figures may be
     */
    record Begun(Instant at, String source, String figure, long lagSeconds) implements Observation {
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
