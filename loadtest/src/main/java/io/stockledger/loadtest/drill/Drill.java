package io.stockledger.loadtest.drill;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * The drills: long fault tests, run by hand before a release. Each breaks a ledger of its own on purpose and says
 * whether the promise held: exit code 0, else 1.
 */
@Command(name = "stockledger drill", mixinStandardHelpOptions = true, synopsisSubcommandLabel = "NAME",
        description = "Breaks a ledger of its own on purpose and checks its promises.")
public final class Drill implements Runnable {
    @Spec
    private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(new CommandLine(new Drill()).execute(args));
    }

    @Override
    public void run() {
        spec.commandLine().usage(System.out);
    }
}
