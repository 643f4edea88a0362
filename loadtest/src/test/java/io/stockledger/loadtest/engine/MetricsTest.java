package io.stockledger.loadtest.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The ledger's own count beside ours. */
class MetricsTest {
    private static final String BEFORE = """
            # HELP stockledger_mutations_total What came of mutations.
            # TYPE stockledger_mutations_total counter
            stockledger_mutations_total{outcome="applied",reason="none"} 1000.0
            stockledger_mutations_total{outcome="refused",reason="INSUFFICIENT_STOCK"} 7.0
            stockledger_group_entries_count 100.0
            stockledger_group_entries_sum 1000.0
            stockledger_commit_seconds_bucket{le="+Inf"} 100
            stockledger_commit_seconds_count 100.0
            stockledger_commit_seconds_sum 0.5
            """;
    private static final String AFTER = """
            stockledger_mutations_total{outcome="applied",reason="none"} 5.0E3
            stockledger_mutations_total{outcome="refused",reason="INSUFFICIENT_STOCK"} 9.0
            stockledger_group_entries_count 300.0
            stockledger_group_entries_sum 5000.0
            stockledger_commit_seconds_bucket{le="+Inf"} 300
            stockledger_commit_seconds_count 300.0
            stockledger_commit_seconds_sum 0.9
            """;

    @Test
    void whatGrewBetweenTwoReadingsIsTold() {
        Metrics.Observed observed = Metrics.between(new Metrics.Reading(0, Metrics.parse(BEFORE)),
                new Metrics.Reading(2_000_000_000L, Metrics.parse(AFTER))).orElseThrow();
        assertEquals(2_000, observed.applied());
        assertEquals(20, observed.groupEntries());
        assertEquals(2, observed.commitMs(), 1e-9);
    }

    @Test
    void whereNothingWasAppliedNothingIsTold() {
        Map<String, Double> values = Metrics.parse(BEFORE);
        assertEquals(Optional.empty(), Metrics.between(new Metrics.Reading(0, values), new Metrics.Reading(1, values)));
        assertEquals(Optional.empty(), Metrics.between(new Metrics.Reading(0, Map.of()), new Metrics.Reading(1, Map.of())));
    }

    @Test
    void moreThanOneInAHundredIsADisagreement() {
        Metrics.Observed observed = new Metrics.Observed(1_000, 1, 1);
        assertFalse(observed.disagreesWith(1_009));
        assertFalse(observed.disagreesWith(991));
        assertTrue(observed.disagreesWith(1_011));
        assertTrue(observed.disagreesWith(989));
    }
}
