package io.stockledger.loadtest.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Figures;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One workload's end is not the run's. */
class RunnerTest {
    @TempDir
    private Path folder;
    private final Figures figures = new Figures();

    @Test
    void whateverAWorkloadThrowsTheNextOneRuns() {
        List<Runner.Ending> endings = new ArrayList<>();
        Settings settings = new Settings(Duration.ZERO, Duration.ofSeconds(1), 1, 1, true, false, Optional.empty());
        Ground.Watcher nobody = new Ground.Watcher() {
            @Override
            public void say(String line) {}

            @Override
            public void measured(Figure figure) {}
        };
        Runner.run(List.of(throwing("memory", new OutOfMemoryError("Java heap space")), throwing("here", new LeftOut("not here")), throwing("last", null)),
                new Ground.Run(settings, "127.0.0.1:1", Optional.empty(), Optional.empty(), folder, figures, nobody, Optional.empty()), new Runner.Steps() {
                    @Override
                    public void begins(Workload workload) {}

                    @Override
                    public void ended(Runner.Ending ending) {
                        endings.add(ending);
                    }
                });
        assertEquals(List.of("memory", "here", "last"), endings.stream().map(Runner.Ending::workload).toList());
        assertInstanceOf(Runner.Failed.class, endings.get(0));
        assertInstanceOf(Runner.NotHere.class, endings.get(1));
        assertInstanceOf(Runner.Ran.class, endings.get(2));
        assertEquals(3, figures.all().size());
    }

    /** Adds a figure, and throws then; null: nothing. */
    private static Workload throwing(String name, Throwable what) {
        return new Workload() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public String group() {
                return "test";
            }

            @Override
            public String about() {
                return "";
            }

            @Override
            public double seconds(Settings settings) {
                return 0;
            }

            @Override
            public void run(Ground ground) {
                ground.add(Figure.of(name, name, 1, "ms"));
                if (what instanceof Error error) {
                    throw error;
                } else if (what instanceof RuntimeException exception) {
                    throw exception;
                }
            }
        };
    }
}
