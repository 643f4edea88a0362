package io.stockledger.cli;

import com.google.protobuf.ByteString;
import io.stockledger.v1.ChainHead;
import java.io.FilterReader;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.MalformedInputException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
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
    private static final int LINE_CHARACTERS_MAX = 4_096;

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

    /** The heads of a file; what can't be understood is a {@link Failure} that names the line. */
    static List<ChainHead> read(Path file) {
        List<ChainHead> heads = new ArrayList<>();
        CSVFormat format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).setIgnoreEmptyLines(true).get();
        try (CSVParser parser = format.parse(new BoundedLines(Files.newBufferedReader(file)))) {
            if (!parser.getHeaderNames().equals(List.of(COLUMNS))) {
                throw new Failure(file + " is no export of chain heads: its first line must be " + String.join(",", COLUMNS));
            }
            for (CSVRecord line : parser) {
                heads.add(head(file, parser.getCurrentLineNumber(), line));
            }
        } catch (IOException e) {
            throw unreadable(file, e);
        } catch (UncheckedIOException e) {
            throw unreadable(file, e.getCause());
        }
        if (heads.isEmpty()) {
            throw new Failure(file + " holds no chain head");
        }
        return heads;
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
        String why = e instanceof MalformedInputException ? "it is not UTF-8"
                : Files.exists(file) ? e.getMessage() : "there is no such file";
        return new Failure(file + " can't be read: " + why, e);
    }

    /** Ends where a line is longer than any of ours: the parser would gather all of it in memory. */
    private static final class BoundedLines extends FilterReader {
        private int length;

        BoundedLines(Reader in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int next = super.read();
            count(next);
            return next;
        }

        @Override
        public int read(char[] into, int offset, int length) throws IOException {
            int read = super.read(into, offset, length);
            for (int i = 0; i < read; i++) {
                count(into[offset + i]);
            }
            return read;
        }

        private void count(int character) throws IOException {
            length = character == '\n' ? 0 : length + 1;
            if (length > LINE_CHARACTERS_MAX) {
                throw new IOException("a line is longer than " + Table.grouped(LINE_CHARACTERS_MAX) + " characters");
            }
        }
    }
}
