package io.stockledger.server.journal;

import com.typesafe.config.Config;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real PostgreSQL of the ledger's own, in its data folder, durable as any: it is started, watched
 * (and started again on the same port if it dies), and stopped with the ledger. It listens on
 * 127.0.0.1 only, on a port of its own choice, and asks for a password that stands in the cluster's
 * folder, readable by its owner only.
 *
 * <p>An operator gets at the data by SQL as the superuser, while the ledger runs:
 * {@code PGPASSWORD=$(cat DATA/postgresql/stockledger.password) psql -h 127.0.0.1 -p PORT -U postgres stockledger}
 */
public final class EmbeddedPostgresql implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedPostgresql.class);
    private static final String SUPERUSER = "postgres";
    private static final String ROLE = "stockledger";
    /** Written once the role and the database exist; a cluster without it has never held an entry. */
    private static final String READY = "stockledger.ready";
    private static final String PASSWORD = "stockledger.password";
    private static final String SETTINGS = "stockledger.conf";
    /** An empty cluster takes 40 MB, its log at first 32 MB. */
    private static final long FREE_BYTES_MIN = 128L << 20;
    private static final Duration WATCH_INTERVAL = Duration.ofMillis(200);

    private final Path cluster;
    private final Path startLog;
    private final PostgresqlBinaries binaries;
    private final String sharedBuffers;
    private final Object startOrStop = new Object();
    private int port;
    private String password = "";
    private volatile boolean closing;
    private Thread watch = new Thread();

    private EmbeddedPostgresql(DataFolder folder, Config config) {
        this.cluster = folder.cluster();
        this.startLog = folder.path().resolve("postgresql-start.log");
        String binariesFolder = config.getString("embedded.binaries");
        this.binaries = PostgresqlBinaries.unpackInto(
                binariesFolder.isEmpty() ? PostgresqlBinaries.defaultFolder() : Path.of(binariesFolder));
        this.sharedBuffers = config.getString("embedded.shared-buffers");
    }

    /** Starts PostgreSQL on the folder's cluster, made now if there is none. {@code config}: stockledger.journal. */
    public static EmbeddedPostgresql start(DataFolder folder, Config config) {
        EmbeddedPostgresql postgresql = new EmbeddedPostgresql(folder, config);
        try {
            postgresql.startFirst();
        } catch (IOException e) {
            throw new StartupException("The embedded PostgreSQL can't use " + folder.cluster() + ": " + DataFolder.reason(e) + ".", e);
        }
        return postgresql;
    }

    /** Where the ledger's own, unprivileged role finds its database. */
    public Database.Address address() {
        return new Database.Address("jdbc:postgresql://127.0.0.1:" + port + "/" + ROLE, ROLE, password);
    }

    public int port() {
        return port;
    }

    /** The process that all others of this PostgreSQL descend from; empty while it is down. */
    public Optional<ProcessHandle> postmaster() {
        return recordedPid().flatMap(ProcessHandle::of).filter(this::isOurs);
    }

    /** Lets transactions under way end by rollback, and stops; an unclean stop only where that takes too long. */
    @Override
    public void close() {
        closing = true;
        watch.interrupt();
        synchronized (startOrStop) {
            stopRunning();
        }
    }

    /** Lets go of it as a killed ledger does: it runs on, unwatched. For tests. */
    void abandon() {
        closing = true;
        watch.interrupt();
    }

    private void startFirst() throws IOException {
        if (!Files.exists(cluster.resolve(READY))) {
            makeCluster();
        }
        refuseOtherVersion();
        password = Files.readString(cluster.resolve(PASSWORD)).strip();
        stopRunning();
        // Another process may take the port between our look and PostgreSQL's.
        for (int attempt = 1; ; attempt++) {
            port = freePort();
            try {
                startOn(port);
                break;
            } catch (StartupException e) {
                if (attempt == 3 || !e.getMessage().contains("in use")) {
                    throw e;
                }
            }
        }
        try {
            makeRolesAndDatabase();
            if (!Files.exists(cluster.resolve(READY))) {
                Files.createFile(cluster.resolve(READY));
            }
        } catch (SQLException | IOException e) {
            close();
            throw new StartupException("The embedded PostgreSQL can't be set up in " + cluster + ": " + e.getMessage(), e);
        }
        watch = new Thread(this::watch, "postgresql-watch");
        watch.setDaemon(true);
        watch.start();
    }

    private void makeCluster() throws IOException {
        if (Files.isDirectory(cluster) && !isEmpty(cluster)) {
            stopRunning();
            Path aside = cluster.resolveSibling("postgresql.unfinished-" + System.currentTimeMillis());
            Files.move(cluster, aside);
            LOG.warn("An earlier start was broken off before the database was ready; what it left is now {}", aside);
        }
        long free = Files.getFileStore(cluster.getParent()).getUsableSpace();
        if (free < FREE_BYTES_MIN) {
            throw new StartupException("The disk of " + cluster.getParent() + " has " + (free >> 20) + " MB free, a new ledger needs "
                    + (FREE_BYTES_MIN >> 20) + " MB: make room, or name another folder with --data.");
        }
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        Path passwordFile = cluster.resolveSibling(PASSWORD + ".new");
        Files.deleteIfExists(passwordFile);
        Files.createFile(passwordFile, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(passwordFile, HexFormat.of().formatHex(random));
        int exit = run("initdb", List.of("--pgdata=" + cluster, "--username=" + SUPERUSER, "--pwfile=" + passwordFile,
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"));
        if (exit != 0) {
            Files.delete(passwordFile);
            throw new StartupException("The embedded PostgreSQL can't be set up in " + cluster + ": " + reasonInLog());
        }
        Files.move(passwordFile, cluster.resolve(PASSWORD), StandardCopyOption.ATOMIC_MOVE);
        Files.writeString(cluster.resolve("postgresql.conf"),
                "\n# The ledger writes this file at each start; your own settings go in by ALTER SYSTEM.\ninclude_if_exists = '" + SETTINGS + "'\n",
                java.nio.file.StandardOpenOption.APPEND);
    }

    private void refuseOtherVersion() throws IOException {
        String found = Files.readString(cluster.resolve("PG_VERSION")).strip();
        Process version = new ProcessBuilder(binaries.command("postgres", List.of("--version"))).redirectErrorStream(true).start();
        requireEnd(version);
        String ours = new String(version.getInputStream().readAllBytes()).strip();
        if (!ours.contains(" " + found + ".")) {
            throw new StartupException("The data in " + cluster + " was written by PostgreSQL " + found + ", this ledger brings "
                    + ours.substring(ours.lastIndexOf(' ') + 1) + ": use the release that wrote it, or move the data with pg_upgrade.");
        }
    }

    /** A start that can't go on says so; it never waits for ever. */
    private static void requireEnd(Process process) {
        try {
            if (process.waitFor(30, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        throw new StartupException("The embedded PostgreSQL's programs do not answer within 30 s: "
                + process.info().commandLine().orElse("postgres --version") + ". Try again.");
    }

    private void startOn(int port) throws IOException {
        Files.writeString(cluster.resolve(SETTINGS), settings());
        // On the command line what no file may turn off: an answer means that the entry is on disk.
        String options = "-p " + port + " -c fsync=on -c full_page_writes=on -c synchronous_commit=on"
                + " -c listen_addresses=127.0.0.1 -c unix_socket_directories=";
        // Replaying the log after a crash may take minutes: wait for it, never kill it.
        int exit = run("pg_ctl", List.of("--pgdata=" + cluster, "--options=" + options, "--timeout=3600", "--wait", "start"));
        if (exit != 0) {
            throw new StartupException("The embedded PostgreSQL does not start on " + cluster + ": " + reasonInLog());
        }
    }

    /** Sized for a small machine that it shares with the ledger; ALTER SYSTEM overrides each. */
    private String settings() {
        return """
                # Written by the ledger at each start; changes here are lost. Use ALTER SYSTEM.
                shared_buffers = '%s'
                max_connections = 100
                max_wal_size = '4GB'
                min_wal_size = '256MB'
                wal_compression = off
                checkpoint_completion_target = 0.9
                # No session may hold the feed's watermark back by sitting in a transaction.
                idle_in_transaction_session_timeout = '10s'
                # The ledger's queries are short; planning for parallel workers or compiling them only costs.
                max_parallel_workers_per_gather = 0
                jit = off
                timezone = 'UTC'
                log_timezone = 'UTC'
                # A week of messages, then overwritten.
                logging_collector = on
                log_directory = 'log'
                log_filename = 'postgresql-%%a.log'
                log_truncate_on_rotation = on
                log_rotation_age = '1d'
                log_rotation_size = 0
                log_checkpoints = off
                """.formatted(sharedBuffers);
    }

    /** What is not there yet: an older ledger may have made the cluster. */
    private void makeRolesAndDatabase() throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:postgresql://127.0.0.1:" + port + "/postgres", SUPERUSER, password);
                Statement statement = connection.createStatement()) {
            if (!exists(statement, "SELECT 1 FROM pg_roles WHERE rolname = '" + ROLE + "'")) {
                statement.execute("CREATE ROLE " + ROLE + " LOGIN PASSWORD '" + password + "'");
            }
            if (!exists(statement, "SELECT 1 FROM pg_roles WHERE rolname = '" + Database.READER_ROLE + "'")) {
                statement.execute("CREATE ROLE " + Database.READER_ROLE + " NOLOGIN");
            }
            if (!exists(statement, "SELECT 1 FROM pg_database WHERE datname = '" + ROLE + "'")) {
                statement.execute("CREATE DATABASE " + ROLE + " OWNER " + ROLE);
            }
        }
    }

    private static boolean exists(Statement statement, String query) throws SQLException {
        try (ResultSet rows = statement.executeQuery(query)) {
            return rows.next();
        }
    }

    /** Starts PostgreSQL again when it has died under us; the port stays, so every pool finds it. */
    private void watch() {
        boolean warned = false;
        while (!closing) {
            try {
                Thread.sleep(WATCH_INTERVAL.toMillis());
            } catch (InterruptedException e) {
                return;
            }
            synchronized (startOrStop) {
                if (closing || postmaster().isPresent()) {
                    continue;
                }
                if (!warned) {
                    LOG.warn("PostgreSQL has died; starting it again on port {}", port);
                }
                try {
                    stopRunning();
                    startOn(port);
                    LOG.info("PostgreSQL is up again on port {}", port);
                    warned = false;
                } catch (IOException | StartupException e) {
                    if (!warned) {
                        LOG.error("PostgreSQL does not start again, trying on: {}", e.getMessage());
                    }
                    warned = true;
                }
            }
        }
    }

    /**
     * Stops whatever runs on this cluster: a PostgreSQL that outlived its ledger, or sessions that
     * outlived their postmaster. The folder's lock is ours, so nobody else can want it.
     */
    private void stopRunning() {
        Optional<ProcessHandle> running = postmaster();
        if (running.isPresent()) {
            signal("INT", running.get());
            if (!endsWithin(running.get(), Duration.ofSeconds(20))) {
                LOG.warn("PostgreSQL does not stop within 20 s; stopping it at once, it recovers at the next start");
                signal("QUIT", running.get());
                endsWithin(running.get(), Duration.ofSeconds(10));
            }
        }
        // Sessions notice their postmaster's death by themselves, unless they are in the middle of something long.
        if (!awaitNoProcess(Duration.ofSeconds(3))) {
            processes().forEach(process -> signal("QUIT", process));
            if (!awaitNoProcess(Duration.ofSeconds(5))) {
                processes().forEach(ProcessHandle::destroyForcibly);
                awaitNoProcess(Duration.ofSeconds(5));
            }
        }
        // The pid in it may be anybody's by now, which PostgreSQL would take for itself.
        if (postmaster().isEmpty() && processes().isEmpty()) {
            try {
                Files.deleteIfExists(cluster.resolve("postmaster.pid"));
            } catch (IOException e) {
                LOG.debug("postmaster.pid stays", e);
            }
        }
    }

    private boolean awaitNoProcess(Duration bound) {
        return await(bound, () -> processes().isEmpty());
    }

    private boolean endsWithin(ProcessHandle process, Duration bound) {
        return await(bound, () -> !isOurs(process));
    }

    private static boolean await(Duration bound, java.util.function.BooleanSupplier condition) {
        long end = System.nanoTime() + bound.toNanos();
        boolean interrupted = false;
        try {
            while (!condition.getAsBoolean()) {
                if (System.nanoTime() > end) {
                    return false;
                }
                try {
                    Thread.sleep(10);
                } catch (InterruptedException e) {
                    // Leaving PostgreSQL half stopped would be worse than stopping late.
                    interrupted = true;
                }
            }
            return true;
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private Optional<Long> recordedPid() {
        try (Stream<String> lines = Files.lines(cluster.resolve("postmaster.pid"))) {
            return lines.findFirst().map(line -> Long.parseLong(line.strip()));
        } catch (IOException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    private List<ProcessHandle> processes() {
        if (!Files.isDirectory(Path.of("/proc/self"))) {
            return postmaster().stream().toList();
        }
        return ProcessHandle.allProcesses().filter(this::isOurs).toList();
    }

    /** Alive (not merely unburied), a postgres, and at work in this cluster. */
    private boolean isOurs(ProcessHandle process) {
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        if (!Files.isDirectory(Path.of("/proc/self"))) {
            return process.isAlive() && process.info().command().map(command -> command.endsWith("/postgres")).orElse(false);
        }
        try {
            String stat = Files.readString(proc.resolve("stat"));
            String afterName = stat.substring(stat.lastIndexOf(')') + 2);
            return stat.contains("(postgres)") && afterName.charAt(0) != 'Z' && afterName.charAt(0) != 'X'
                    && Files.isSameFile(proc.resolve("cwd"), cluster);
        } catch (IOException | StringIndexOutOfBoundsException e) {
            return false;
        }
    }

    private void signal(String name, ProcessHandle process) {
        try {
            run("pg_ctl", List.of("kill", name, Long.toString(process.pid())));
        } catch (IOException e) {
            LOG.warn("PostgreSQL's process {} can't be signalled: {}", process.pid(), e.getMessage());
        }
    }

    private int run(String program, List<String> arguments) throws IOException {
        // A file, not a pipe: the started server keeps it, and outlives us if we are killed.
        ProcessBuilder builder = new ProcessBuilder(binaries.command(program, arguments))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.to(startLog.toFile()))
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().put("LC_ALL", "C");
        builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
        Process process = builder.start();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    if (process.waitFor(1, TimeUnit.HOURS)) {
                        return process.exitValue();
                    }
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The line in PostgreSQL's own words that says what was wrong. */
    private String reasonInLog() {
        List<String> lines = new ArrayList<>();
        try {
            lines.addAll(Files.readAllLines(startLog));
        } catch (IOException e) {
            LOG.debug("no log of the start", e);
        }
        try (Stream<Path> logs = Files.list(cluster.resolve("log"))) {
            Optional<Path> newest = logs.max(java.util.Comparator.comparingLong(path -> path.toFile().lastModified()));
            if (newest.isPresent()) {
                List<String> all = Files.readAllLines(newest.get());
                lines.addAll(all.subList(Math.max(0, all.size() - 10), all.size()));
            }
        } catch (IOException e) {
            LOG.debug("no log of the server", e);
        }
        for (String mark : List.of("FATAL:", "PANIC:", "error:", "ERROR:", "could not")) {
            for (String line : lines) {
                int at = line.indexOf(mark);
                if (at >= 0) {
                    return line.substring(mark.equals("could not") ? 0 : at + mark.length()).strip() + " (all of it: " + startLog + ")";
                }
            }
        }
        return "see " + startLog;
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.findAny().isEmpty();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            return socket.getLocalPort();
        }
    }
}
