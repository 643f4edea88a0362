package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The launcher in a tree of its own, with a JDK and a Maven that only write down
 * how they were called.
 */
class LauncherTest {
    private static final Path LAUNCHER = Path.of("..", "stockledger");

    @TempDir
    private Path folder;

    private Path home;
    private Path tools;

    private record Ended(int code, String out, String err) {
    }

    @BeforeEach
    void layTheTree() throws IOException {
        assumeTrue(Files.isExecutable(LAUNCHER), "the launcher is not beside the module");
        home = folder.resolve("a home");
        tools = folder.resolve("tools");
        for (String sources : List.of("proto/stockledger", "client-sdk/src/main", "server/src/main", "loadtest/src/main")) {
            Files.createDirectories(home.resolve(sources));
        }
        for (String pom : List.of("pom.xml", "proto/pom.xml", "client-sdk/pom.xml", "server/pom.xml", "loadtest/pom.xml")) {
            Files.writeString(home.resolve(pom), "");
        }
        Files.copy(LAUNCHER, home.resolve("stockledger"));
        script(home.resolve("stockledger"), Files.readString(LAUNCHER));
        jdk("21.0.1");
        script(tools.resolve("mvn"), """
                echo "mvn $*" >> "$CALLS"
                echo 'Tests run: 1'
                case $* in *fail*) echo 'BUILD FAILURE'; exit 1 ;; esac
                [ -z "$SLOW" ] || sleep "$SLOW"
                for module in server loadtest; do
                  mkdir -p $module/target/lib
                  : > $module/target/stockledger-$module-1.jar
                  : > $module/target/lib/stockledger-proto-1.jar
                  : > $module/target/lib/stale-1.jar
                  : > $module/target/lib/needed-2.jar
                  printf 'lib/stockledger-proto-1.jar:lib/needed-2.jar' > $module/target/classpath
                done
                """);
    }

    @Test
    void buildsOnceAndAgainOnlyWhenASourceIsNewer() throws Exception {
        assertEquals(0, launch(Map.of(), "stock", "MUG").code());
        assertEquals(0, launch(Map.of(), "stock", "MUG").code());
        assertEquals(1, calls("mvn").size());
        Path source = Files.writeString(home.resolve("server/src/main/New.java"), "");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plus(Duration.ofMinutes(1))));
        Ended ended = launch(Map.of(), "stock", "MUG");
        assertTrue(ended.err().contains("building"), ended::err);
        assertEquals(2, calls("mvn").size());
    }

    @Test
    void theClassPathIsWhatThePomsNameAndArgumentsArriveAsTheyWere() throws Exception {
        Ended ended = launch(Map.of(), "stock", "A MUG", "*", "");
        String java = calls("java").get(calls("java").size() - 1);
        assertTrue(java.contains("/needed-2.jar") && !java.contains("stale"), java);
        assertTrue(java.contains("a home"), java);
        assertTrue(ended.out().contains("<stock><A MUG><*><>"), ended::out);
    }

    @Test
    void theServerGetsOtherFlagsThanTheVerbs() throws Exception {
        launch(Map.of(), "stock", "MUG");
        assertTrue(lastJava().contains("TieredStopAtLevel=1"), lastJava());
        launch(Map.of("STOCKLEDGER_JAVA_OPTS", "-Xmx8g -XX:+UseParallelGC"), "serve");
        assertTrue(!lastJava().contains("TieredStopAtLevel") && lastJava().contains("-Xmx2g")
                && lastJava().indexOf("-Xmx8g -XX:+UseParallelGC") > lastJava().indexOf("-Xmx2g"), lastJava());
    }

    @Test
    void aStartIsRehearsedOnceAndThenBeginsFromItsArchive() throws Exception {
        for (int i = 0; i < 2; i++) {
            assertEquals(0, launch(Map.of(), "serve").code());
            assertTrue(lastJava().contains("-XX:SharedArchiveFile=") && lastJava().contains("rehearse-serve-21.0.1.jsa"), lastJava());
        }
        assertEquals(1, calls("java").stream().filter(call -> call.endsWith(" rehearse-serve")).count());
    }

    @Test
    void aRehearsalThatFailsKeepsNoServerFromItsStartAndIsNotRepeated() throws Exception {
        for (int i = 0; i < 2; i++) {
            assertEquals(0, launch(Map.of("REHEARSED", "1"), "serve").code());
            assertTrue(lastJava().endsWith(" serve") && !lastJava().contains("SharedArchiveFile"), lastJava());
        }
        assertEquals(1, calls("java").stream().filter(call -> call.endsWith(" rehearse-serve")).count());
    }

    @Test
    void theVerbIsTheProcessThatWasStartedAndItsExitCodeIsTheLaunchers() throws Exception {
        launch(Map.of(), "version");
        Process process = process(Map.of("EXIT", "42"), "version").start();
        long pid = process.pid();
        process.waitFor(20, TimeUnit.SECONDS);
        assertEquals(42, process.exitValue());
        assertTrue(new String(process.getInputStream().readAllBytes()).contains("pid " + pid + " "));
    }

    @Test
    void aFailedBuildShowsTheEndOfItsLogAndIsTriedAgain() throws Exception {
        script(tools.resolve("mvn"), "echo \"mvn $*\" >> \"$CALLS\"; echo 'cannot find symbol'; exit 1");
        for (int i = 1; i <= 2; i++) {
            Ended ended = launch(Map.of(), "stock", "MUG");
            assertEquals(1, ended.code());
            assertTrue(ended.err().contains("cannot find symbol") && ended.err().contains("the build failed"), ended::err);
            assertEquals(i, calls("mvn").size());
        }
    }

    @Test
    void testRunsTheTestsShowsThemAndPassesTheirExitCodeOn() throws Exception {
        Ended good = launch(Map.of(), "test", "-Dtest=A");
        assertEquals(0, good.code());
        assertTrue(good.out().contains("Tests run: 1"), good::out);
        assertEquals(List.of("mvn -B -Dtest=A test"), calls("mvn"));
        assertEquals(1, launch(Map.of(), "test", "-Dfail").code());
    }

    @Test
    void twoLaunchersAtOnceBuildOnce() throws Exception {
        Process first = process(Map.of("SLOW", "1"), "version").start();
        Process second = process(Map.of("SLOW", "1"), "version").start();
        assertTrue(first.waitFor(20, TimeUnit.SECONDS) && second.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, first.exitValue());
        assertEquals(0, second.exitValue());
        assertEquals(1, calls("mvn").size());
    }

    @Test
    void twoLaunchersAtOnceBuildOnceWhereThereIsNoFlock() throws Exception {
        Map<String, String> environment = Map.of("SLOW", "1", "PATH", tools + ":" + bare(new String[0]));
        Process first = process(environment, "version").start();
        Process second = process(environment, "version").start();
        assertTrue(first.waitFor(20, TimeUnit.SECONDS) && second.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, first.exitValue());
        assertEquals(0, second.exitValue());
        assertEquals(1, calls("mvn").size());
        assertTrue(Files.notExists(home.resolve("server/target/launcher.lock.d")));
    }

    @Test
    void aMissingOrOldJdkAndAMissingMavenAreOneClearLine() throws Exception {
        Files.delete(tools.resolve("mvn"));
        assertTrue(launch(Map.of("PATH", bare()), "stock").err().contains("needs Maven"));
        jdk("11.0.2");
        assertTrue(launch(Map.of(), "stock").err().contains("needs a JDK 17 or newer"));
        jdk("1.8.0_392");
        assertTrue(launch(Map.of(), "stock").err().contains("is 1.8.0_392"));
        assertTrue(launch(Map.of("JAVA_HOME", folder.resolve("nowhere").toString()), "stock").err().contains("JAVA_HOME is"));
        Ended none = launch(Map.of("JAVA_HOME", "", "PATH", bare()), "stock");
        assertEquals(1, none.code());
        assertTrue(none.err().contains("there is no java on the PATH"), none::err);
    }

    @Test
    void itRunsThroughALinkFromAnywhere() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("sl"), home.resolve("stockledger"));
        Process process = process(Map.of(), link, "version").directory(folder.toFile()).start();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue());
    }

    /** Only what any system has: no java, no mvn. */
    private String bare() throws IOException {
        return bare("flock");
    }

    private String bare(String... more) throws IOException {
        Path bin = Files.createDirectories(folder.resolve("bin"));
        List<String> names = new ArrayList<>(List.of(more));
        names.addAll(List.of("readlink", "find", "head", "sed", "date", "mkdir", "mv", "rm", "cp", "cat", "tail", "sleep"));
        for (String tool : names) {
            for (String in : List.of("/bin/", "/usr/bin/")) {
                if (Files.isExecutable(Path.of(in + tool)) && !Files.exists(bin.resolve(tool))) {
                    script(bin.resolve(tool), "exec " + in + tool + " \"$@\"");
                }
            }
        }
        return bin.toString();
    }

    private void jdk(String version) throws IOException {
        Files.createDirectories(tools.resolve("jdk/bin"));
        Files.writeString(tools.resolve("jdk/release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
        script(tools.resolve("jdk/bin/java"), """
                echo "java $*" >> "$CALLS"
                case $* in *' rehearse' | *' rehearse-serve')
                  for flag; do case $flag in -XX:ArchiveClassesAtExit=*) : > "${flag#*=}" ;; esac; done
                  exit ${REHEARSED:-0} ;;
                esac
                echo "pid $$ "
                while [ "$1" != io.stockledger.cli.Stockledger ]; do shift; done
                shift
                for word; do printf '<%s>' "$word"; done
                exit ${EXIT:-0}
                """);
        script(tools.resolve("jdk/bin/javac"), "exit 0");
    }

    private static void script(Path path, String body) throws IOException {
        Files.createDirectories(path.getParent());
        Files.writeString(path, body.startsWith("#!") ? body : "#!/bin/sh\n" + body);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private String lastJava() throws IOException {
        List<String> calls = calls("java");
        return calls.get(calls.size() - 1);
    }

    private List<String> calls(String tool) throws IOException {
        Path calls = folder.resolve("calls");
        return Files.exists(calls) ? Files.readAllLines(calls).stream().filter(line -> line.startsWith(tool + " ")).toList() : List.of();
    }

    private Ended launch(Map<String, String> environment, String... args) throws Exception {
        Process process = process(environment, args).start();
        assertTrue(process.waitFor(20, TimeUnit.SECONDS));
        return new Ended(process.exitValue(), new String(process.getInputStream().readAllBytes()), new String(process.getErrorStream().readAllBytes()));
    }

    private ProcessBuilder process(Map<String, String> environment, String... args) {
        return process(environment, home.resolve("stockledger"), args);
    }

    private ProcessBuilder process(Map<String, String> environment, Path launcher, String... args) {
        List<String> command = new ArrayList<>();
        command.add(launcher.toString());
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command);
        Map<String, String> all = new HashMap<>();
        all.put("JAVA_HOME", tools.resolve("jdk").toString());
        all.put("PATH", tools + ":/usr/bin:/bin");
        all.put("CALLS", folder.resolve("calls").toString());
        all.putAll(environment);
        builder.environment().keySet().removeIf(name -> name.startsWith("STOCKLEDGER_"));
        builder.environment().putAll(all);
        return builder;
    }
}
