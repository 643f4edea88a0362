package io.stockledger.loadtest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A ledger as its users run it: {@code serve} in a process of its own, on a folder and a loopback port of its own,
 * which it keeps over restarts. May be killed, and stopped; only processes that were started here are touched.
 */
public final class ServerProcess implements AutoCloseable {
    private static final Duration START_MAX = Duration.ofSeconds(120);
    private static final Duration STOP_MAX = Duration.ofSeconds(40);
    private static final Duration METRICS_TOLD_MAX = Duration.ofSeconds(10);

    private final Path folder;
    private final int port;
    private final List<String> moreFlags;
    private Process process;

    private ServerProcess(Path folder, int port, List<String> moreFlags) {
        this.folder = folder;
        this.port = port;
        this.moreFlags = moreFlags;
    }

    /**
     * Starts a ledger and waits until its port answers.
     *
     * @param folder where its data and its log go
     * @param settings HOCON laid over the defaults; may be empty
     * @param moreFlags for its JVM, after those of the launcher and so above them
     */
    public static ServerProcess start(Path folder, String settings, String... moreFlags) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("settings.conf"), settings + "\nstockledger.metrics.port = 0\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        ServerProcess server = new ServerProcess(folder, freePort(), List.of(moreFlags));
        server.start();
        return server;
    }

    /** Starts it again; how long it took until the port answered. */
    public synchronized Duration start() {
        long begun = System.nanoTime();
        process = launch(List.of("serve", "--data", dataFolder().toString(), "--port", Integer.toString(port),
                "--config", folder.resolve("settings.conf").toString()), logFile(), serverFlags());
        while (!answers()) {
            if (!process.isAlive()) {
                throw new IllegalStateException("the ledger did not start; its log is " + logFile());
            }
            if (System.nanoTime() - begun > START_MAX.toNanos()) {
                tellWhereItHangs();
                throw new IllegalStateException("the ledger did not start within " + START_MAX.toSeconds() + " s; its log is " + logFile());
            }
            pause(20);
        }
        return Duration.ofNanos(System.nanoTime() - begun);
    }

    /** It does nothing until this is closed; who calls it meanwhile waits. */
    public AutoCloseable frozen() {
        Process standing = process;
        signal(standing, "-STOP");
        return () -> signal(standing, "-CONT");
    }

    /** Sends a process that was started here a signal, {@code -STOP} say. */
    public static void signal(Process process, String signal) {
        try {
            new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends it as a power cut would, its PostgreSQL aside. */
    public synchronized void kill() {
        process.destroyForcibly();
        await(process, STOP_MAX);
    }

    /** Ends it as Ctrl-C does. */
    public synchronized void stop() {
        process.destroy();
        if (!await(process, STOP_MAX)) {
            kill();
        }
    }

    /** Kills the embedded PostgreSQL under it; its pid. */
    public long killPostgresql() {
        ProcessHandle postmaster = postmaster().orElseThrow(() -> new IllegalStateException("PostgreSQL is not running"));
        postmaster.destroyForcibly();
        return postmaster.pid();
    }

    /** Stops it, and a PostgreSQL that has outlived it. */
    @Override
    public void close() {
        stop();
        postmaster().ifPresent(postmaster -> {
            postmaster.destroy();
            long end = System.nanoTime() + STOP_MAX.toNanos();
            while (postmaster.isAlive() && System.nanoTime() < end) {
                pause(20);
            }
            if (postmaster.isAlive()) {
                postmaster.destroyForcibly();
            }
        });
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public int port() {
        return port;
    }

    /** {@code HOST:PORT}. */
    public String target() {
        return "127.0.0.1:" + port;
    }

    /** Where its metrics are read, as its newest start says: a port that was free then. */
    public URI metrics() {
        long end = System.nanoTime() + METRICS_TOLD_MAX.toNanos();
        while (true) {
            // Said once the port answers.
            List<String> lines = logLines("metrics:");
            if (!lines.isEmpty()) {
                return URI.create(lines.get(lines.size() - 1).split("\\s+")[1]);
            }
            if (System.nanoTime() - end > 0) {
                throw new IllegalStateException("the ledger does not say where its metrics are; its log is " + logFile());
            }
            pause(20);
        }
    }

    public Path dataFolder() {
        return folder.resolve("data");
    }

    /** Its process, for whoever measures memory or takes a profile. */
    public long pid() {
        return process.pid();
    }

    /** Its embedded PostgreSQL, as the ledger's own role meets it. */
    public String jdbc() {
        Path cluster = dataFolder().resolve("postgresql");
        try {
            // The fourth line is the port.
            String postgresqlPort = Files.readAllLines(cluster.resolve("postmaster.pid")).get(3).strip();
            String password = Files.readString(cluster.resolve("stockledger.password")).strip();
            return "jdbc:postgresql://127.0.0.1:" + postgresqlPort + "/stockledger?user=stockledger&password=" + password;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What it said, over all its starts. */
    public Path logFile() {
        return folder.resolve("server.log");
    }

    /** The lines of its log that hold one of these words, in any case. */
    public List<String> logLines(String... words) {
        try (var lines = Files.lines(logFile())) {
            return lines.filter(line -> {
                String lower = line.toLowerCase(java.util.Locale.ROOT);
                return java.util.Arrays.stream(words).anyMatch(lower::contains);
            }).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Runs a verb of the command line against this ledger, its output into a file. */
    public Process verb(Path output, List<String> arguments) {
        List<String> all = new ArrayList<>(arguments);
        all.add("--target");
        all.add(target());
        return launch(all, output, List.of("-XX:+UseSerialGC", "-Xmx512m"));
    }

    /** PostgreSQL's first process, if it is alive and at work in our own data folder. */
    private Optional<ProcessHandle> postmaster() {
        Path cluster = dataFolder().resolve("postgresql");
        try {
            String first = Files.readAllLines(cluster.resolve("postmaster.pid")).get(0);
            long pid = Long.parseLong(first.strip());
            Path cwd = Path.of("/proc", Long.toString(pid), "cwd");
            boolean ours = !Files.isDirectory(Path.of("/proc/self")) || Files.isSameFile(cwd, cluster);
            return ours ? ProcessHandle.of(pid).filter(ProcessHandle::isAlive) : Optional.empty();
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
            // While nobody listens, a connection may be given that very port for its own end, and so meet itself.
            return socket.getLocalPort() != port;
        } catch (IOException e) {
            return false;
        }
    }

    /** A JVM answers SIGQUIT with the stacks of its threads, here into its log. */
    private void tellWhereItHangs() {
        try {
            new ProcessBuilder("kill", "-QUIT", Long.toString(process.pid())).start().waitFor();
            pause(1_000);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Process launch(List<String> arguments, Path output, List<String> flags) {
        List<String> line = new ArrayList<>();
        line.add(property("stockledger.java"));
        line.addAll(flags);
        String archive = System.getProperty("stockledger.server.archive", "");
        if (!archive.isEmpty()) {
            line.add("-XX:SharedArchiveFile=" + archive);
        }
        line.add("-cp");
        line.add(property("stockledger.server.classpath"));
        line.add("io.stockledger.cli.Stockledger");
        line.addAll(arguments);
        try {
            Process process = new ProcessBuilder(line).redirectErrorStream(true)
                    .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile())).start();
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> serverFlags() {
        List<String> flags = new ArrayList<>(flags());
        flags.addAll(moreFlags);
        return flags;
    }

    /** What the launcher gives a server's JVM, with what STOCKLEDGER_JAVA_OPTS says. */
    public static List<String> flags() {
        return List.of(property("stockledger.server.flags").strip().split("\\s+"));
    }

    private static String property(String name) {
        String value = System.getProperty(name);
        if (value == null) {
            throw new IllegalStateException(name + " is not set: start it by the launcher ./stockledger");
        }
        return value;
    }

    private static boolean await(Process process, Duration bound) {
        try {
            return process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return !process.isAlive();
        }
    }

    private static void pause(long millis) {
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the ledger", e);
        }
    }

    /** A port of the loopback address that nobody listens on now. */
    public static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
