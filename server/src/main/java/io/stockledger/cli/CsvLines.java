package io.stockledger.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * A CSV file line by line, gzip or plain, with or without a byte-order mark, with either line end, in memory that a
 * line bounds: a file of one endless line costs no more than another.
 *
 * <p>A line of the file is one record. A field may not run on over the end of a line: no column of stock has a reason
 * to, and one lost quote would swallow the rest of the file.
 */
public final class CsvLines implements Closeable {
    /** One line that is not empty, by the number that an editor shows for it: 1 is the first. */
    public sealed interface Line {
        long number();
    }

    public record Fields(long number, List<String> fields) implements Line {
    }

    /**
     * A line that gives no fields, and why.
     *
     * @param tooLong its end was not looked for: the next line is read from behind it, however far that is
     */
    public record Unreadable(long number, String why, boolean tooLong) implements Line {
    }

    private final Path file;
    private final InputStream in;
    private final int lineBytesMax;
    private final byte[] buffer = new byte[65_536];
    private final ByteArrayOutputStream line = new ByteArrayOutputStream(256);
    private int position;
    private int limit;
    private long number;
    private boolean tooLong;

    private CsvLines(Path file, InputStream in, int lineBytesMax) {
        this.file = file;
        this.in = in;
        this.lineBytesMax = lineBytesMax;
    }

    /** Opens the file; what stands in the way is a {@link Failure}. */
    public static CsvLines open(Path file, int lineBytesMax) {
        InputStream in = null;
        try {
            in = new BufferedInputStream(Files.newInputStream(file), 65_536);
            in.mark(2);
            boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
            in.reset();
            return new CsvLines(file, gzip ? new GZIPInputStream(in, 65_536) : in, lineBytesMax);
        } catch (IOException e) {
            close(in);
            throw broken(file, e);
        }
    }

    /** The next line that is not empty; none at the end of the file. What is left of a line too long is passed over. */
    public Optional<Line> next() {
        try {
            while (readLine()) {
                if (tooLong) {
                    return Optional.of(new Unreadable(number, "longer than " + Table.grouped(lineBytesMax) + " bytes", true));
                }
                String text = line.toString(StandardCharsets.UTF_8);
                if (number == 1 && text.startsWith("\uFEFF")) {
                    text = text.substring(1);
                }
                if (!text.isEmpty()) {
                    return Optional.of(parse(text));
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw broken(file, e);
        }
    }

    @Override
    public void close() {
        close(in);
    }

    private static void close(InputStream in) {
        if (in == null) {
            return;
        }
        try {
            in.close();
        } catch (IOException e) {
            // It was only read: nothing is lost.
        }
    }

    private Line parse(String text) {
        if (text.indexOf('\uFFFD') >= 0) {
            return new Unreadable(number, "not UTF-8", false);
        }
        if (text.indexOf('"') < 0) {
            return new Fields(number, Arrays.asList(text.split(",", -1)));
        }
        try (CSVParser parser = CSVParser.parse(new StringReader(text), CSVFormat.RFC4180)) {
            List<CSVRecord> records = parser.getRecords();
            if (records.size() == 1) {
                List<String> fields = new ArrayList<>();
                records.get(0).forEach(fields::add);
                return new Fields(number, fields);
            }
        } catch (IOException | java.io.UncheckedIOException | IllegalStateException e) {
            // Told below.
        }
        return new Unreadable(number, "its quotes do not match within the line; a quoted field may not run on over the end of a line", false);
    }

    /** Reads one line into {@link #line}, without its end, as far as it may go; false at the end of the file. */
    private boolean readLine() throws IOException {
        if (tooLong) {
            passOver();
        }
        line.reset();
        boolean any = false;
        while (fill()) {
            any = true;
            int end = lineEnd();
            line.write(buffer, position, end - position);
            tooLong = line.size() > lineBytesMax;
            boolean ended = end < limit;
            // Of one too long the rest is left: whoever gives up on it need not wait for its end.
            position = ended && !tooLong ? end + 1 : end;
            if (ended || tooLong) {
                break;
            }
        }
        if (!any) {
            return false;
        }
        number++;
        dropCarriageReturn();
        return true;
    }

    private void passOver() throws IOException {
        tooLong = false;
        while (fill()) {
            int end = lineEnd();
            boolean ended = end < limit;
            position = ended ? end + 1 : end;
            if (ended) {
                return;
            }
        }
    }

    private boolean fill() throws IOException {
        if (position == limit) {
            position = 0;
            limit = Math.max(0, in.read(buffer, 0, buffer.length));
        }
        return limit > 0;
    }

    private int lineEnd() {
        int end = position;
        while (end < limit && buffer[end] != '\n') {
            end++;
        }
        return end;
    }

    private void dropCarriageReturn() {
        byte[] bytes = line.toByteArray();
        if (bytes.length > 0 && bytes[bytes.length - 1] == '\r') {
            line.reset();
            line.write(bytes, 0, bytes.length - 1);
        }
    }

    private static Failure broken(Path file, IOException e) {
        if (e instanceof EOFException) {
            return new Failure(file + " is cut off: its gzip data ends before its end; fetch it again", e);
        }
        if (e instanceof ZipException) {
            return new Failure(file + " is not sound gzip data (" + e.getMessage() + "); fetch it again", e);
        }
        if (e instanceof AccessDeniedException) {
            return new Failure(file + " may not be read by this user", e);
        }
        return new Failure(file + " cannot be read: " + e.getMessage(), e);
    }
}
