package io.stockledger.server.journal;

import io.zonky.test.db.postgres.embedded.DefaultPostgresBinaryResolver;
import io.zonky.test.db.postgres.util.ArchUtils;
import io.zonky.test.db.postgres.util.LinuxUtils;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * PostgreSQL's programs, unpacked once a user and version from the jar they come in. They are no
 * data, so they live outside of the data folder and may be deleted while no server runs.
 */
final class PostgresqlBinaries {
    private final Path home;
    private final List<String> prefix;

    private PostgresqlBinaries(Path home, List<String> prefix) {
        this.home = home;
        this.prefix = prefix;
    }

    /** Where they are unpacked unless a setting says otherwise. */
    static Path defaultFolder() {
        return Path.of(System.getProperty("user.home"), ".stockledger", "postgresql-binaries");
    }

    static PostgresqlBinaries unpackInto(Path folder) {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("mac") ? "Darwin" : System.getProperty("os.name");
        String hardware = ArchUtils.normalize(System.getProperty("os.arch"));
        try {
            Files.createDirectories(folder);
            // Two servers that start at once unpack one after the other.
            try (FileChannel lock = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                lock.lock();
                Path home = folder.resolve(digest(system, hardware));
                if (!Files.isExecutable(home.resolve("bin/postgres"))) {
                    unpack(system, hardware, folder, home);
                }
                return new PostgresqlBinaries(home, prefix());
            }
        } catch (IOException e) {
            throw new StartupException("PostgreSQL can't be unpacked into " + folder + ": " + DataFolder.reason(e)
                    + ". Free some space there, name another folder (stockledger.journal.embedded.binaries), or use your own server with --postgres.", e);
        }
    }

    /** The command line that runs one of the programs. */
    List<String> command(String program, List<String> arguments) {
        List<String> command = new ArrayList<>(prefix);
        command.add(home.resolve("bin").resolve(program).toString());
        command.addAll(arguments);
        return command;
    }

    /** PostgreSQL refuses to run as root; as root it gets a user namespace of its own, in which it is not. */
    private static List<String> prefix() {
        if (!System.getProperty("os.name").startsWith("Linux") || !"root".equals(System.getProperty("user.name"))) {
            return List.of();
        }
        if (!LinuxUtils.isUnshareAvailable()) {
            throw new StartupException("PostgreSQL does not run as root, and `unshare -U` is not available here: "
                    + "start as another user, or use your own server with --postgres.");
        }
        return List.of("unshare", "-U");
    }

    private static InputStream archive(String system, String hardware) throws IOException {
        InputStream archive;
        try {
            archive = DefaultPostgresBinaryResolver.INSTANCE.getPgBinary(system, hardware);
        } catch (IllegalStateException e) {
            archive = null;
        }
        if (archive == null) {
            throw new StartupException("No embedded PostgreSQL comes for " + system + " on " + hardware + ": use your own server with --postgres.");
        }
        return archive;
    }

    private static String digest(String system, String hardware) throws IOException {
        try (DigestInputStream in = new DigestInputStream(archive(system, hardware), MessageDigest.getInstance("SHA-256"))) {
            in.transferTo(OutputStream.nullOutputStream());
            return "postgresql-" + HexFormat.of().formatHex(in.getMessageDigest().digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }

    /** Unpacks beside the place and moves it there whole, so that an interrupted one is never taken for good. */
    private static void unpack(String system, String hardware, Path folder, Path home) throws IOException {
        Path unfinished = folder.resolve("unpacking");
        delete(unfinished);
        Files.createDirectory(unfinished);
        try {
            try (TarArchiveInputStream tar = new TarArchiveInputStream(new XZInputStream(archive(system, hardware)))) {
                for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                    Path target = unfinished.resolve(entry.getName()).normalize();
                    if (!target.startsWith(unfinished)) {
                        throw new IOException("the archive reaches outside of its folder: " + entry.getName());
                    }
                    if (entry.isDirectory()) {
                        Files.createDirectories(target);
                    } else if (entry.isSymbolicLink()) {
                        Files.createDirectories(target.getParent());
                        Files.createSymbolicLink(target, Path.of(entry.getLinkName()));
                    } else if (entry.isLink()) {
                        Files.createLink(target, unfinished.resolve(entry.getLinkName()));
                    } else {
                        Files.createDirectories(target.getParent());
                        Files.copy(tar, target);
                        Files.setPosixFilePermissions(target,
                                PosixFilePermissions.fromString((entry.getMode() & 0111) != 0 || entry.getName().contains("bin/") ? "rwxr-xr-x" : "rw-r--r--"));
                    }
                }
            }
            // What an earlier interruption may have left in the place.
            delete(home);
            Files.move(unfinished, home, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            delete(unfinished);
        }
    }

    private static void delete(Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(tree)) {
            for (Path path : paths.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
