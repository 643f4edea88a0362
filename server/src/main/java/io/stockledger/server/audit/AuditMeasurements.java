package io.stockledger.server.audit;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.stockledger.server.journal.AuditRound.Notes;
import java.util.concurrent.TimeUnit;

/** What the ledger's audit of itself has found, and how far it is. */
final class AuditMeasurements {
    private static final Notes NONE = new Notes("", 0, 0, 0, 0, 0, 0);

    private final Counter entries;
    private volatile Notes notes = NONE;

    AuditMeasurements(MeterRegistry registry) {
        Gauge.builder("stockledger.audit.findings", () -> Math.max(notes.findings(), notes.endedFindings()))
                .description("What the audit found: in the round under way, or in the one before where that found more")
                .register(registry);
        TimeGauge.builder("stockledger.audit.complete.time", () -> notes.endedAtMs(), TimeUnit.MILLISECONDS)
                .description("When the audit last came to the end of everything; 0: not yet, or another node does it")
                .register(registry);
        entries = Counter.builder("stockledger.audit.entries").description("Entries that the audit has read").register(registry);
    }

    void noted(Notes now) {
        notes = now;
    }

    /** What was found is that node's to show from now on. */
    void anotherNodeAudits() {
        notes = NONE;
    }

    void read(long more) {
        entries.increment(more);
    }
}
