package io.stockledger.loadtest.report;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;

/**
 * What ran besides our own code, and how it was started: figures of two runs are compared only where these are the same.
 *
 * @param serverFlags of the JVMs of the ledgers that the run started, before what a workload adds
 * @param generatorFlags of this JVM
 * @param postgresql the version of the PostgreSQL under the ledger under test; empty where the run can't ask it
 * @param redis the version of the baseline's; empty where there is none on this machine
 */
public record Programs(List<String> serverFlags, List<String> generatorFlags, Optional<String> postgresql, Optional<String> redis) {
    public Programs {
        serverFlags = List.copyOf(serverFlags);
        generatorFlags = List.copyOf(generatorFlags);
    }

    /** Flags of this JVM, but for those by which the launcher says where things are. */
    public static List<String> flagsHere() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(flag -> !flag.startsWith("-Dstockledger.")).toList();
    }
}
