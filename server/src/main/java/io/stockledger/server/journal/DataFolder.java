package io.stockledger.server.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The folder that holds one ledger's data, locked for this process for as long as it is open: two
 * servers never share one.
 *
 * <pre>
 *   lock         held by the running server
 *   postgresql/  the embedded PostgreSQL's cluster
 * </pre>
 */
public final class DataFolder implements AutoCloseable {
    private final Path path;
    private final FileChannel channel;
    private final FileLock lock;

    private DataFolder(Path path, FileChannel channel, FileLock lock) {
        this.path = path;
        this.channel = channel;
        this.lock = lock;
    }

    /** Creates the folder where it does not exist, and locks it. */
    public static DataFolder open(Path folder) {
        Path path = folder.toAbsolutePath().normalize();
        try {
            Files.createDirectories(path);
        } catch (FileAlreadyExistsException e) {
            throw new StartupException("The data folder " + path + " is not a directory: name another with --data.", e);
        } catch (IOException e) {
            throw new StartupException("The data folder " + path + " can't be created: " + reason(e) + ".", e);
        }
        FileChannel channel;
        try {
            channel = FileChannel.open(path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new StartupException("The data folder " + path + " can't be written to: " + reason(e) + ".", e);
        }
        try {
            FileLock lock = channel.tryLock();
            if (lock == null) {
                throw inUse(path);
            }
            // A full disk shows itself here, before anything is half made.
            channel.truncate(0);
            channel.write(java.nio.ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes()));
            return new DataFolder(path, channel, lock);
        } catch (OverlappingFileLockException e) {
            closeQuietly(channel);
            throw inUse(path);
        } catch (StartupException e) {
            closeQuietly(channel);
            throw e;
        } catch (IOException e) {
            closeQuietly(channel);
            throw new StartupException("The data folder " + path + " can't be locked: " + reason(e) + ".", e);
        }
    }

    public Path path() {
        return path;
    }

    /** The embedded PostgreSQL's cluster; may not exist yet. */
    public Path cluster() {
        return path.resolve("postgresql");
    }

    @Override
    public void close() {
        try {
            lock.release();
            channel.close();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("releasing the lock of " + path, e);
        }
    }

    private static StartupException inUse(Path path) {
        return new StartupException("Another ledger is running on the data folder " + path
                + ": stop it first, or name another folder with --data.");
    }

    /** Why a file operation failed, in words that a person can use. */
    static String reason(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof FileSystemException fs && fs.getReason() != null) {
            return fs.getReason();
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static void closeQuietly(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // The reason that led here is the one worth telling.
        }
    }
}
