package io.stockledger.loadtest.engine;

import java.util.List;

/** Runs workloads one after the other, each on its own ground; one that fails does not end the run. */
public final class Runner {
    private Runner() {}

    /** How a workload ended. */
    public sealed interface Ending {
        String workload();
    }

    public record Ran(String workload) implements Ending {}

    /** Not here, and why. */
    public record NotHere(String workload, String why) implements Ending {}

    public record Failed(String workload, Throwable why) implements Ending {}

    /** Is told which workload begins, and how it ended. */
    public interface Steps {
        void begins(Workload workload);

        void ended(Ending ending);
    }

    public static void run(List<Workload> workloads, Ground.Run run, Steps steps) {
        for (Workload workload : workloads) {
            steps.begins(workload);
            steps.ended(run(workload, run));
        }
    }

    private static Ending run(Workload workload, Ground.Run run) {
        try (Ground ground = new Ground(run, workload)) {
            ground.settle();
            workload.run(ground);
            return new Ran(workload.name());
        } catch (LeftOut e) {
            return new NotHere(workload.name(), e.getMessage());
        } catch (Throwable e) {
            // Also what a workload used up, memory say: its ground is closed by now, and the next has it all again.
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            return new Failed(workload.name(), e);
        }
    }
}
