package io.stockledger.client;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who decides about a SKU while a shop moves to the ledger, a part at a time: the ledger, or the path that was there
 * before. Read from the file that {@code ./stockledger migrate switch} writes, and read again when it has changed, so
 * a switch, and the way back, take a second and no release.
 *
 * <p>The file is a log: each line is one {@link Switch}, none is ever changed, and the last one that takes in a SKU
 * and channel decides. So it is its own history. Thread-safe; asking costs no read of the file but once a second.
 */
public final class Routing {

    /** Who decides. */
    public enum Decider {
        /** The ledger: ask it first, and let the old path follow. */
        LEDGER,
        /** The path that was there before: the ledger follows, see {@link DualWrite}. */
        OLD_PATH
    }

    /**
     * One change of who decides.
     *
     * @param at when it was made
     * @param to who decides from then on
     * @param skuPrefix about SKUs that begin so; empty: all
     * @param channel on this channel; empty: on all
     * @param by who made it
     * @param why what spoke for it
     */
    public record Switch(Instant at, Decider to, String skuPrefix, String channel, String by, String why) {

        public Switch {
            if (String.join("", skuPrefix, channel, by, why).chars().anyMatch(Character::isISOControl)) {
                throw new IllegalArgumentException("a switch holds no control characters");
            }
        }

        /** Whether it takes in this SKU on this channel. */
        public boolean takesIn(String sku, String onChannel) {
            return sku.startsWith(skuPrefix) && (channel.isEmpty() || channel.equals(onChannel));
        }

        private String line() {
            return String.join("\t", at.toString(), to.name(), skuPrefix, channel, by, why) + "\n";
        }

        private static Switch of(String line) {
            String[] fields = line.split("\t", -1);
            if (fields.length != 6) {
                throw new IllegalArgumentException(fields.length + " fields where there are 6");
            }
            return new Switch(Instant.parse(fields[0]), Decider.valueOf(fields[1]), fields[2], fields[3], fields[4], fields[5]);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(Routing.class);
    private static final String TITLE = "# at\tto\tsku prefix\tchannel\tby\twhy\n";
    private static final long LOOK_NANOS = Duration.ofSeconds(1).toNanos();

    private final Path file;
    private final LongSupplier nanoTime;
    /** Held by who looks: what a slow look finds must not take the place of what a later one found. */
    private final ReentrantLock looking = new ReentrantLock();
    private volatile long lookedNanos;
    private volatile Seen seen = new Seen(0, Instant.EPOCH, List.of());

    /** The file as it was, and how to tell that it is another now. */
    private record Seen(long length, Instant changed, List<Switch> switches) {}

    Routing(Path file, LongSupplier nanoTime) throws IOException {
        this.file = file;
        this.nanoTime = nanoTime;
        this.lookedNanos = nanoTime.getAsLong();
        this.seen = look();
    }

    /**
     * Reads the file; where there is none, the old path decides everything until there is one.
     *
     * @throws IOException where it can't be read, or is not as {@link #record} writes it
     */
    public static Routing load(Path file) throws IOException {
        return new Routing(file, System::nanoTime);
    }

    /** Who decides about this SKU on this channel. A file that can't be read any more leaves it as it was. */
    public Decider decides(String sku, String channel) {
        refresh();
        List<Switch> switches = seen.switches();
        for (int i = switches.size() - 1; i >= 0; i--) {
            if (switches.get(i).takesIn(sku, channel)) {
                return switches.get(i).to();
            }
        }
        return Decider.OLD_PATH;
    }

    /** All switches that were ever made, oldest first. */
    public List<Switch> history() {
        refresh();
        return seen.switches();
    }

    /** Adds a switch to the file, on disk before this returns; makes the file where there is none. */
    public static synchronized void record(Path file, Switch made) throws IOException {
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            // Another process's switch is waited for, and read by this channel: closing another one would end the lock.
            channel.lock();
            String whole = new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
            // What was broken off by a power cut was never a switch.
            int end = whole.lastIndexOf('\n') + 1;
            byte[] kept = whole.substring(0, end).getBytes(StandardCharsets.UTF_8);
            channel.truncate(kept.length).position(kept.length);
            String text = (end == 0 ? TITLE : "") + made.line();
            channel.write(java.nio.ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            channel.force(true);
        }
    }

    private void refresh() {
        long now = nanoTime.getAsLong();
        if (now - lookedNanos < LOOK_NANOS || !looking.tryLock()) {
            return;
        }
        try {
            lookedNanos = now;
            seen = look();
        } catch (IOException e) {
            LOG.warn("The routing in {} can't be read ({}); who decides stays as it was.", file, e.getMessage());
        } finally {
            looking.unlock();
        }
    }

    private Seen look() throws IOException {
        Seen before = seen;
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Instant changed = attributes.lastModifiedTime().toInstant();
            if (before.length() == attributes.size() && before.changed().equals(changed)) {
                return before;
            }
            return new Seen(attributes.size(), changed, read());
        } catch (NoSuchFileException e) {
            if (!before.switches().isEmpty()) {
                throw new IOException("the file is gone", e);
            }
            return new Seen(0, Instant.EPOCH, List.of());
        }
    }

    private List<Switch> read() throws IOException {
        String text = Files.readString(file);
        List<Switch> switches = new ArrayList<>();
        int number = 0;
        int from = 0;
        // A last line without its end is one that is being written.
        for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
            String line = text.substring(from, end);
            from = end + 1;
            number++;
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            try {
                switches.add(Switch.of(line));
            } catch (DateTimeException | IllegalArgumentException e) {
                throw new IOException(file + " line " + number + " is no switch: " + e.getMessage(), e);
            }
        }
        return List.copyOf(switches);
    }
}
