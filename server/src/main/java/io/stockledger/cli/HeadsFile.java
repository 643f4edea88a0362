package io.stockledger.cli;

import com.google.protobuf.ByteString;
import io.stockledger.v1.ChainHead;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVPrinter;
import org.apache.commons.csv.CSVRecord;

/**
 * Chain heads as a CSV, to be kept where the ledger's own operators can't reach it: sku, row, sequence, sha256. Each
 * line is true by itself, so a file that was cut short still bears witness.
 */
final class HeadsFile implements AutoCloseable {
    private static final String[] COLUMNS = {"sku", "row", "sequence", "sha256"};
    private static final CSVFormat FORMAT = CSVFormat.RFC4180;
    private static final String HEADER = String.join(",", COLUMNS) + FORMAT.getRecordSeparator();
    private static final int SKU_CHARACTERS_MAX = 128;
    private static final int DIGEST_BYTES = 32;
    /** A SKU of 128 characters, quoted, and three numbers come nowhere near. */
    private static final int LINE_BYTES_MAX = 4_096;

    private final Path file;
    private Optional<CSVPrinter> printer = Optional.empty();

    private HeadsFile(Path file) {
        this.file = file;
    }

    /** For a file that can be made; one that is there already and holds a head is evidence, and stays. */
    static HeadsFile of(Path file) {
        OutputFiles.requireFolder(file);
        requireNoEvidence(file);
        return new HeadsFile(file);
    }

    /** Whether there is a file, which may go. */
    private static boolean requireNoEvidence(Path file) {
        boolean there = Files.exists(file, LinkOption.NOFOLLOW_LINKS);
        try {
            if (there && !(Files.isRegularFile(file) && isWithoutHeads(file))) {
                throw evidence(file);
            }
        } catch (IOException e) {
            throw OutputFiles.unwritable(file, e);
        }
        return there;
    }

    private static Failure evidence(Path file) {
        return new Failure(file + " is there already; an older export is evidence, so name a new file");
    }

    /** As an export leaves it that ended before the first head. */
    private static boolean isWithoutHeads(Path file) throws IOException {
        return Files.size(file) <= HEADER.length() && HEADER.startsWith(Files.readString(file, StandardCharsets.ISO_8859_1));
    }

    /** The ledger has answered, so there will be something to keep: makes the file. */
    synchronized void begin() {
        if (printer.isPresent()) {
            return;
        }
        try {
            if (requireNoEvidence(file)) {
                Files.delete(file);
            }
            CSVPrinter begun = FORMAT.print(Files.newBufferedWriter(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
            begun.printRecord((Object[]) COLUMNS);
            begun.flush();
            printer = Optional.of(begun);
        } catch (FileAlreadyExistsException e) {
            throw evidence(file);
        } catch (IOException e) {
            throw OutputFiles.unwritable(file, e);
        }
    }

    /** Writes them, down to the file: what bears witness may not wait in memory. */
    synchronized void add(List<ChainHead> heads) {
        begin();
        try {
            CSVPrinter begun = printer.orElseThrow();
            for (ChainHead head : heads) {
                begun.printRecord(head.getSku(), head.getRow(), head.getSequence(), HexFormat.of().formatHex(head.getDigest().toByteArray()));
            }
            begun.flush();
        } catch (IOException e) {
            throw OutputFiles.unwritable(file, e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            if (printer.isPresent()) {
                printer.get().close(true);
            }
        } catch (IOException e) {
            throw new Failure(file + " can't be written to its end: " + e.getMessage(), e);
        }
    }

    /**
     * The heads of a file, one after the other; what can't be understood is a {@link Failure} that names the line.
     *
     * @return whether the file was cut in the middle of a line, which is left out
     */
    static boolean read(Path file, Consumer<ChainHead> each) {
        CSVFormat format = FORMAT.builder().setHeader().setSkipHeaderRecord(true).setIgnoreEmptyLines(true).get();
        boolean some = false;
        try (WholeLines lines = new WholeLines(Files.newInputStream(file)); CSVParser parser = format.parse(lines)) {
            if (!parser.getHeaderNames().equals(List.of(COLUMNS))) {
                throw new Failure(file + " is no export of chain heads: its first line must be " + String.join(",", COLUMNS));
            }
            for (CSVRecord line : parser) {
                each.accept(head(file, parser.getCurrentLineNumber(), line));
                some = true;
            }
            if (!some) {
                throw new Failure(file + " holds no chain head");
            }
            return lines.cut;
        } catch (IOException e) {
            throw unreadable(file, e);
        } catch (UncheckedIOException e) {
            throw unreadable(file, e.getCause());
        }
    }

    private static ChainHead head(Path file, long line, CSVRecord fields) {
        try {
            ChainHead head = ChainHead.newBuilder()
                    .setSku(fields.get("sku"))
                    .setRow(Long.parseLong(fields.get("row")))
                    .setSequence(Long.parseLong(fields.get("sequence")))
                    .setDigest(ByteString.copyFrom(HexFormat.of().parseHex(fields.get("sha256"))))
                    .build();
            if (mayBe(head)) {
                return head;
            }
        } catch (IllegalArgumentException e) {
            throw new Failure(noHead(file, line), e);
        }
        throw new Failure(noHead(file, line));
    }

    /** What a ledger would refuse is told here, where the line is known. */
    private static boolean mayBe(ChainHead head) {
        String sku = head.getSku();
        return !sku.isBlank() && sku.codePointCount(0, sku.length()) <= SKU_CHARACTERS_MAX && sku.chars().noneMatch(Character::isISOControl)
                && head.getRow() >= 1 && head.getSequence() >= head.getRow() && head.getDigest().size() == DIGEST_BYTES;
    }

    private static String noHead(Path file, long line) {
        return file + " line " + line + " is no chain head: a SKU, the number of a row, the sequence of its last entry and 64 hexadecimal digits";
    }

    private static Failure unreadable(Path file, IOException e) {
        String why = e instanceof CharacterCodingException ? "it is not UTF-8"
                : Files.exists(file) ? e.getMessage() : "there is no such file";
        return new Failure(file + " can't be read: " + why, e);
    }

    /** UTF-8 line by line: one without a line end was cut, and is not told. A byte-order mark is read over. */
    private static final class WholeLines extends Reader {
        private static final char BYTE_ORDER_MARK = '\uFEFF';

        private final InputStream in;
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        private CharBuffer decoded = CharBuffer.allocate(0);
        private boolean begun;
        private boolean cut;

        WholeLines(InputStream in) {
            this.in = new BufferedInputStream(in);
        }

        @Override
        public int read(char[] into, int offset, int length) throws IOException {
            if (!decoded.hasRemaining() && !readLine()) {
                return -1;
            }
            int read = Math.min(length, decoded.remaining());
            decoded.get(into, offset, read);
            return read;
        }

        private boolean readLine() throws IOException {
            line.reset();
            int next;
            while ((next = in.read()) >= 0) {
                line.write(next);
                if (next == '\n') {
                    decoded = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line.toByteArray()));
                    if (!begun && decoded.get(0) == BYTE_ORDER_MARK) {
                        decoded.get();
                    }
                    begun = true;
                    return true;
                }
                if (line.size() > LINE_BYTES_MAX) {
                    throw new IOException("a line is longer than " + Table.grouped(LINE_BYTES_MAX) + " bytes");
                }
            }
            // Asked again after the end it stays so.
            cut |= line.size() > 0;
            return false;
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
