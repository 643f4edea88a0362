package io.stockledger.cli.migrate;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The road from a cron job that copies stock to the ledger that keeps it, a verb a step. */
@Command(name = "migrate", mixinStandardHelpOptions = true, synopsisSubcommandLabel = "STEP", commandListHeading = "%nSteps:%n",
        description = {"From a cron job that copies stock to the ledger, in steps that can each be taken back.", "",
            "import the opening stock; let the old path lead and the ledger follow (DualWrite, in the client library); compare until you "
                + "trust it; switch the decision over, a part at a time (Routing, in the client library); retire the job."})
public final class Migrate implements Runnable {
    @Spec
    private CommandSpec spec;

    private Migrate() {
    }

    public static CommandLine verb() {
        CommandLine steps = new CommandLine(new Migrate())
                .addSubcommand(new Import()).addSubcommand(new Compare()).addSubcommand(new Report())
                .addSubcommand(new Switch()).addSubcommand(new Retire());
        steps.getSubcommands().values().forEach(step -> step.getCommandSpec().usageMessage().sortOptions(false).abbreviateSynopsis(true));
        return steps;
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
