package io.stockledger.loadtest.report;

import io.stockledger.loadtest.engine.Runner;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.figure.Figures;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * All that is known of one run; {@link Table}, {@link Json} and {@link Html} write it down.
 *
 * @param outstanding workloads that had not ended when this was written: it is written after each, for whoever stops the run
 */
public record Report(Instant begun, Duration took, String commit, String command, Machine machine, Programs programs, Settings settings,
        List<Runner.Ending> endings, List<String> outstanding, Figures figures) {}
