package io.stockledger.loadtest.report;

import io.stockledger.loadtest.engine.Runner;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.figure.Figures;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** All that is known of one run; {@link Table}, {@link Json} and {@link Html} write it down. */
public record Report(Instant begun, Duration took, String commit, String command, Machine machine, Settings settings,
        List<Runner.Ending> endings, Figures figures) {}
