package io.stockledger.client;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stockledger.v1.Mutation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets the ledger follow the path that was there before, which stays the authority: the shop does what it always did,
 * and then says {@link #after} what that was.
 *
 * <p>Nothing of the ledger reaches the old path: {@code after} returns at once and never throws, whether the ledger is
 * fast, slow, full or away. What did not get through is kept in a local file, with its id, and {@link #resend} sends
 * it again: the ledger knows ids, so what had arrived all the same is not counted twice. What a process that was
 * killed had under way is in no file; {@code ./stockledger migrate compare} shows it, and handing the same mutations
 * over again, under the same ids and with the same content, is safe within the ledger's window of ids.
 *
 * <p>Say what happened, not what is asked: {@link Mutations#sellAlreadyHappened} rather than {@code sell}, for the old
 * path has sold the unit whatever the ledger thinks of it. A refusal is kept like a failure, since the two paths
 * disagree. Name mutations by the order line ({@code order-1001/line-1}).
 */
public final class DualWrite implements AutoCloseable {

    /**
     * A mutation that the ledger has not taken.
     *
     * @param at when the old path did it
     * @param why what the ledger, or its absence, said
     */
    public record Missed(Instant at, Mutation mutation, String why) {

        /** What is to be sent again is the last field; the SKU, the id and why are there for people. */
        private String line() {
            String readable = String.join("\t", at.toString(), printable(mutation.getSku()), printable(mutation.getMutationId()), printable(why));
            return readable + "\t" + Base64.getEncoder().encodeToString(mutation.toByteArray()) + "\n";
        }

        private static String printable(String text) {
            return text.replaceAll("\\p{Cntrl}", " ");
        }

        /** Empty where the line is not as it was written. */
        private static Optional<Missed> of(String line) {
            try {
                String[] fields = line.split("\t", -1);
                return fields.length != 5
                        ? Optional.empty()
                        : Optional.of(new Missed(Instant.parse(fields[0]), Mutation.parseFrom(Base64.getDecoder().decode(fields[4])), fields[3]));
            } catch (DateTimeException | IllegalArgumentException | InvalidProtocolBufferException e) {
                return Optional.empty();
            }
        }
    }

    /**
     * What became of the mutations that were handed over, since this was opened.
     *
     * @param handedOver in all
     * @param applied in the ledger
     * @param missed kept in the file, some perhaps sent again since
     * @param lost not even kept, since the disk did not keep up or failed; only a comparison finds them
     */
    public record Counts(long handedOver, long applied, long missed, long lost) {

        /** Those that are on their way. */
        public long underWay() {
            return handedOver - applied - missed - lost;
        }
    }

    /**
     * What sending again came to.
     *
     * @param applied in the ledger now
     * @param missedAgain kept in the file again
     * @param tooOld not sent, for the ledger may have forgotten by now whether it had them; they are in a file of their
     *     own beside the other, and these shelves are to be counted
     */
    public record Resent(int applied, int missedAgain, List<Missed> tooOld) {

        public Resent {
            tooOld = List.copyOf(tooOld);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(DualWrite.class);

    /** Mutations that wait to be written to the file; beyond them the disk is what fails. */
    private static final int WAITING_MAX = 100_000;

    /** A day less than the ledger's window unless set otherwise: within it an id is surely recognised. */
    private static final Duration RESEND_MAX_AGE = Duration.ofDays(6);

    /** Mutations sent again at a time: the checkout's own have the line beside them. */
    private static final int RESENT_AT_ONCE = 500;

    private final LedgerClient client;
    private final Path file;
    private final Path resending;
    private final FileChannel lockFile;
    private final AtomicLong handedOver = new AtomicLong();
    private final AtomicLong applied = new AtomicLong();
    private final AtomicLong missed = new AtomicLong();
    private final AtomicLong lost = new AtomicLong();
    /** All writing to the file, in order, away from the shop's own threads. */
    private final ThreadPoolExecutor writer = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(WAITING_MAX), task -> {
                Thread thread = new Thread(task, "stockledger-missed");
                thread.setDaemon(true);
                return thread;
            });

    private DualWrite(LedgerClient client, Path file, FileChannel lockFile) {
        this.client = client;
        this.file = file;
        this.resending = file.resolveSibling(file.getFileName() + ".resending");
        this.lockFile = lockFile;
    }

    /**
     * Opens the way to the ledger. It needs no ledger to answer now.
     *
     * @param client its {@code maxInFlight} bounds what is under way, its mutation timeout how long each is tried
     * @param missed where what did not get through is kept; this process's own
     * @throws IOException where the file can't be written, or another process has it
     */
    public static DualWrite open(LedgerClient client, Path missed) throws IOException {
        FileChannel lockFile = FileChannel.open(
                missed.resolveSibling(missed.getFileName() + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = lockFile.tryLock();
            if (lock == null) {
                throw new IOException(missed + " is in use by another process");
            }
        } catch (OverlappingFileLockException e) {
            lockFile.close();
            throw new IOException(missed + " is in use by this process already", e);
        } catch (IOException e) {
            lockFile.close();
            throw e;
        }
        dropHalfLine(missed);
        return new DualWrite(client, missed, lockFile);
    }

    /**
     * Tells the ledger what the old path has done. Returns at once and never throws. A mutation without an id gets a
     * fresh one, and now as its {@code occurred_at} where that is empty. One that has an id stays as it is, so that
     * handing it over again is the same mutation: give it the old path's own {@code occurred_at}, or none.
     */
    public void after(Mutation mutation) {
        Instant now = Instant.now();
        Mutation.Builder filled = mutation.toBuilder().clearNotAfter();
        if (mutation.getMutationId().isEmpty()) {
            filled.setMutationId(UUID.randomUUID().toString());
            if (!mutation.hasOccurredAt()) {
                filled.setOccurredAt(Times.timestamp(now));
            }
        }
        handedOver.incrementAndGet();
        send(now, filled.build(), this::lose);
    }

    /** What became of it all so far. */
    public Counts counts() {
        // Handed over last, so that none seems to have an end without a beginning.
        long ledger = applied.get();
        long kept = missed.get();
        long gone = lost.get();
        return new Counts(handedOver.get(), ledger, kept, gone);
    }

    /** What is in the file now, oldest first; a line that is not as it was written is left out, and logged. */
    public List<Missed> missed() throws IOException {
        return onWriter(() -> {
            List<Missed> all = new ArrayList<>(read(resending).missed());
            all.addAll(read(file).missed());
            return all;
        });
    }

    /**
     * Sends again what is in the file, those of an earlier process too, each under its own id, and waits for the
     * outcomes. What fails again is in the file again. A line that is not as it was written is kept in a file of its
     * own beside the other, {@code .unreadable}, and logged. Call it now and then, from a thread of your own.
     *
     * @throws IOException where the file can't be read or written; nothing is forgotten then: the next call sends all of
     *     it once more
     */
    public synchronized Resent resend() throws IOException {
        Kept kept = onWriter(() -> {
            // Left by a process that was killed while it sent these: they come first.
            if (!Files.exists(resending) && Files.exists(file)) {
                Files.move(file, resending, StandardCopyOption.ATOMIC_MOVE);
            }
            return read(resending);
        });
        List<Missed> all = kept.missed();
        Instant oldest = Instant.now().minus(RESEND_MAX_AGE);
        List<Missed> tooOld = all.stream().filter(one -> one.at().isBefore(oldest)).toList();
        List<Missed> young = all.stream().filter(one -> !one.at().isBefore(oldest)).toList();
        int again = 0;
        AtomicReference<Exception> notKept = new AtomicReference<>();
        for (int from = 0; from < young.size(); from += RESENT_AT_ONCE) {
            List<CompletableFuture<Boolean>> sent = new ArrayList<>();
            for (Missed one : young.subList(from, Math.min(young.size(), from + RESENT_AT_ONCE))) {
                handedOver.incrementAndGet();
                sent.add(send(one.at(), one.mutation(), (missedAgain, e) -> {
                    // It is in a file still, the one that is being sent.
                    missed.incrementAndGet();
                    notKept.compareAndSet(null, e);
                }));
            }
            for (CompletableFuture<Boolean> one : sent) {
                again += one.join() ? 0 : 1;
            }
        }
        // The file's own writes come before this one, so what failed again is kept, on the disk, before the old file goes.
        onWriter(() -> {
            if (notKept.get() != null) {
                throw new IOException("what failed again can't be kept in " + file + "; it is in " + resending + " still", notKept.get());
            }
            force(file);
            setAside(".too-old", tooOld.stream().map(Missed::line).collect(Collectors.joining()));
            setAside(".unreadable", String.join("", kept.unreadable()));
            return Files.deleteIfExists(resending);
        });
        return new Resent(young.size() - again, again, tooOld);
    }

    /** Waits until nothing is on its way, at most {@code bound}; false where something still is. */
    public boolean awaitSettled(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (counts().underWay() > 0) {
            if (System.nanoTime() - deadline > 0) {
                return false;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(5);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }

    /**
     * Ends it: what is on its way is not waited for ({@link #awaitSettled} does). Close it before the client; what the
     * client gives up after that is in no file.
     */
    @Override
    public void close() throws IOException {
        writer.shutdown();
        try {
            writer.awaitTermination(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lockFile.close();
    }

    /**
     * True where the ledger has it; false where it was missed. Never fails.
     *
     * @param notKept told what was missed and could not be kept either
     */
    private CompletableFuture<Boolean> send(Instant at, Mutation mutation, BiConsumer<Missed, Exception> notKept) {
        CompletableFuture<Outcome> outcome;
        try {
            outcome = client.submit(mutation);
        } catch (RuntimeException e) {
            outcome = CompletableFuture.failedFuture(e);
        }
        return outcome.handle((told, failure) -> {
            if (told instanceof Outcome.Applied) {
                applied.incrementAndGet();
                return true;
            }
            String why = told instanceof Outcome.Refused refused
                    ? "refused: " + refused.reason()
                    : failure instanceof LedgerException e ? e.reason() : String.valueOf(failure);
            keep(new Missed(at, mutation, why), notKept);
            return false;
        });
    }

    private void keep(Missed one, BiConsumer<Missed, Exception> notKept) {
        try {
            writer.execute(() -> {
                try {
                    append(file, one.line());
                    if (missed.getAndIncrement() == 0) {
                        LOG.warn("The ledger has not taken mutation {} ({}); it and what follows are kept in {}.", one.mutation().getMutationId(), one.why(), file);
                    }
                } catch (IOException | RuntimeException e) {
                    notKept.accept(one, e);
                }
            });
        } catch (RejectedExecutionException e) {
            notKept.accept(one, e);
        }
    }

    private void lose(Missed one, Exception e) {
        if (lost.getAndIncrement() == 0) {
            LOG.error("Mutation {} can't even be kept in {}: {}; it and what follows are only counted.", one.mutation().getMutationId(), file, e.toString());
        }
    }

    private void setAside(String beside, String lines) throws IOException {
        if (!lines.isEmpty()) {
            Path aside = file.resolveSibling(file.getFileName() + beside);
            append(aside, lines);
            force(aside);
        }
    }

    /** Has what was written to it outlast a machine that stops now. */
    private static void force(Path written) throws IOException {
        if (Files.exists(written)) {
            try (FileChannel channel = FileChannel.open(written, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
        }
    }

    /** Opened each time: misses are rare, and a file that was moved away is simply made again. */
    private static void append(Path to, String lines) throws IOException {
        try (FileChannel channel = FileChannel.open(to, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            append(channel, ByteBuffer.wrap(lines.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** All or nothing: on a disk that fills up, half a line would spoil the one that is written behind it. */
    static void append(SeekableByteChannel channel, ByteBuffer bytes) throws IOException {
        long before = channel.size();
        channel.position(before);
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            channel.truncate(before);
            throw e;
        }
    }

    /** A process that is killed may leave half a line, which the next one must not be written behind. */
    private static void dropHalfLine(Path from) throws IOException {
        if (Files.exists(from)) {
            byte[] bytes = Files.readAllBytes(from);
            int end = bytes.length;
            while (end > 0 && bytes[end - 1] != '\n') {
                end--;
            }
            try (FileChannel channel = FileChannel.open(from, StandardOpenOption.WRITE)) {
                channel.truncate(end);
            }
        }
    }

    /**
     * What a file holds.
     *
     * @param unreadable lines that are not as they were written, with their ends
     */
    private record Kept(List<Missed> missed, List<String> unreadable) {}

    private static Kept read(Path from) throws IOException {
        Kept kept = new Kept(new ArrayList<>(), new ArrayList<>());
        if (Files.exists(from)) {
            // Bytes that are no UTF-8 must not hide the lines around them.
            for (String line : new String(Files.readAllBytes(from), StandardCharsets.UTF_8).split("\n")) {
                Missed.of(line).ifPresentOrElse(kept.missed()::add, () -> kept.unreadable().add(line + "\n"));
            }
            kept.unreadable().removeIf(String::isBlank);
        }
        if (!kept.unreadable().isEmpty()) {
            LOG.warn("{} holds {} lines that are not as they were written, the first: {}", from, kept.unreadable().size(), kept.unreadable().get(0).strip());
        }
        return kept;
    }

    private interface FileWork<T> {
        T run() throws IOException;
    }

    private <T> T onWriter(FileWork<T> work) throws IOException {
        try {
            return CompletableFuture.supplyAsync(() -> {
                try {
                    return work.run();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }, writer).get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof UncheckedIOException io ? io.getCause() : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
