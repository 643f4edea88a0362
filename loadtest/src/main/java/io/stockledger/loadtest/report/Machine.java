package io.stockledger.loadtest.report;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Where a run took place: what a reader must know before comparing figures. */
public record Machine(String processor, int cores, long memoryBytes, String system, String java) {

    public static Machine here() {
        return new Machine(cpu(), Runtime.getRuntime().availableProcessors(), memory(),
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + System.getProperty("os.arch"),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    }

    /** The commit of the sources in that folder, with {@code +} where they were changed since; or {@code unknown}. */
    public static String commit(Path home) {
        String commit = git(home, List.of("rev-parse", "--short=12", "HEAD"));
        if (commit.isEmpty()) {
            return "unknown";
        }
        return commit + (git(home, List.of("status", "--porcelain", "--untracked-files=no")).isEmpty() ? "" : "+");
    }

    private static String git(Path home, List<String> arguments) {
        try {
            ProcessBuilder builder = new ProcessBuilder("git", "-C", home.toString());
            builder.command().addAll(arguments);
            Process git = builder.redirectErrorStream(false).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return git.waitFor(10, TimeUnit.SECONDS) && git.exitValue() == 0 ? said : "";
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    private static String cpu() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip()).findFirst().orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }

    private static long memory() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize() : 0;
    }
}
