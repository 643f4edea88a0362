package io.stockledger.cli;

import com.google.protobuf.ByteString;
import io.stockledger.v1.ChainHead;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.List;
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
    /** A SKU of 128 characters, quoted, and three numbers come nowhere near. */
    private static final int LINE_BYTES_MAX = 4_096;

    private final Path file;
    private final CSVPrinter printer;

    private HeadsFile(Path file, CSVPrinter printer) {
        this.file = file;
        this.printer = printer;
    }

    /** Begins a new file; one that is there already is evidence, and stays. */
    static HeadsFile create(Path file) {
        try {
            Writer out = Files.newBufferedWriter(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            return new HeadsFile(file, CSVFormat.RFC4180.builder().setHeader(COLUMNS).get().print(out));
        } catch (FileAlreadyExistsException e) {
            throw new Failure(file + " is there already; an older export is evidence, so name a new file", e);
        } catch (IOException e) {
            throw new Failure(file + " can't be written: " + e.getMessage(), e);
        }
    }

    /** Writes them, down to the file: what bears witness may not wait in memory. */
    synchronized void add(List<ChainHead> heads) {
        try {
            for (ChainHead head : heads) {
                printer.printRecord(head.getSku(), head.getRow(), head.getSequence(), HexFormat.of().formatHex(head.getDigest().toByteArray()));
            }
            printer.flush();
        } catch (IOException e) {
            throw new Failure(file + " can't be written: " + e.getMessage(), e);
        }
    }

    @Override
    public synchronized void close() {
        try {
            printer.close(true);
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
        CSVFormat format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).setIgnoreEmptyLines(true).get();
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
            return ChainHead.newBuilder()
                    .setSku(fields.get("sku"))
                    .setRow(Long.parseLong(fields.get("row")))
                    .setSequence(Long.parseLong(fields.get("sequence")))
                    .setDigest(ByteString.copyFrom(HexFormat.of().parseHex(fields.get("sha256"))))
                    .build();
        } catch (IllegalArgumentException e) {
            throw new Failure(file + " line " + line + " is no chain head: a SKU, two whole numbers and 64 hexadecimal digits", e);
        }
    }

    private static Failure unreadable(Path file, IOException e) {
        String why = e instanceof CharacterCodingException ? "it is not UTF-8"
                : Files.exists(file) ? e.getMessage() : "there is no such file";
        return new Failure(file + " can't be read: " + why, e);
    }

    /** UTF-8 line by line: one without a line end was cut, and is not told. */
    private static final class WholeLines extends Reader {
        private final InputStream in;
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        private CharBuffer decoded = CharBuffer.allocate(0);
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
