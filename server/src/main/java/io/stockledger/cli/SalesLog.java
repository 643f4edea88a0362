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
import java.text.Normalizer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
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
 * A shop's log of sales and returns, read line by line from CSV, gzip or plain.
 *
 * <p>The header names the columns {@code order_id, sku, quantity, occurred_at,
 * channel}, in any order and with others beside them. A line of the file is one
 * record: what does not parse is told as malformed, with its number, and never
 * guessed.
 */
final class SalesLog implements Closeable {
    /** The longest line that is read, in bytes; a longer one is malformed. */
    static final int LINE_BYTES_MAX = 65_536;

    /** The contract's bound on one mutation's units. */
    static final long QUANTITY_MAX = 1_000_000_000_000L;

    private static final int SKU_CHARACTERS_MAX = 128;
    private static final int CHANNEL_CHARACTERS_MAX = 64;
    private static final Instant TIME_MIN = Instant.parse("0001-01-01T00:00:00Z");
    private static final Instant TIME_MAX = Instant.parse("9999-12-31T23:59:59.999999999Z");
    private static final List<String> COLUMNS = List.of("order_id", "sku", "quantity", "occurred_at", "channel");

    /** One record of the file, by the number that an editor shows for it. */
    sealed interface Line {
        /** 1 is the header. */
        long number();
    }

    /** Units sold (above zero) or given back (below zero). */
    record Movement(long number, String sku, long quantity, Instant occurredAt, String channel) implements Line {
    }

    /** Not a sale and not a return, and why. */
    record Malformed(long number, String why) implements Line {
    }

    private final Path file;
    private final InputStream in;
    private final byte[] buffer = new byte[65_536];
    private final ByteArrayOutputStream line = new ByteArrayOutputStream(256);
    private int position;
    private int limit;
    private long number;
    private boolean tooLong;
    private int width;
    private int skuColumn;
    private int quantityColumn;
    private int timeColumn;
    private int channelColumn;

    private SalesLog(Path file, InputStream in) {
        this.file = file;
        this.in = in;
    }

    /** Opens the file and reads its header; what stands in the way is a {@link Failure}. */
    static SalesLog open(Path file) {
        if (Files.isDirectory(file)) {
            throw new Failure(file + " is a directory; replay takes one CSV file, gzip or plain");
        }
        if (!Files.exists(file)) {
            throw new Failure("there is no file " + file);
        }
        if (!Files.isRegularFile(file)) {
            // It is read twice: once to check it whole, once to send it.
            throw new Failure(file + " is not a regular file; replay reads its file twice, so save it to one first");
        }
        InputStream in = null;
        try {
            in = new BufferedInputStream(Files.newInputStream(file), 65_536);
            in.mark(2);
            boolean gzip = in.read() == 0x1f && in.read() == 0x8b;
            in.reset();
            SalesLog log = new SalesLog(file, gzip ? new GZIPInputStream(in, 65_536) : in);
            log.readHeader();
            return log;
        } catch (IOException e) {
            close(in);
            throw broken(file, e);
        } catch (Failure e) {
            close(in);
            throw e;
        }
    }

    /** The next record; empty at the end of the file. Empty lines are passed over. */
    Optional<Line> next() {
        try {
            while (readLine()) {
                if (tooLong) {
                    return Optional.of(new Malformed(number, "longer than " + Table.grouped(LINE_BYTES_MAX) + " bytes"));
                }
                String text = line.toString(StandardCharsets.UTF_8);
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

    private void readHeader() throws IOException {
        if (!readLine()) {
            throw new Failure(file + " is empty; its first line must name the columns " + String.join(",", COLUMNS));
        }
        String text = line.toString(StandardCharsets.UTF_8);
        if (text.startsWith("\uFEFF")) {
            text = text.substring(1);
        }
        List<String> header = tooLong ? List.of() : split(text).orElse(List.of());
        for (String column : COLUMNS) {
            int first = header.indexOf(column);
            if (first < 0 || first != header.lastIndexOf(column)) {
                throw new Failure(file + (first < 0 ? " has no column " : " has two columns ") + column
                        + "; its first line must name " + String.join(",", COLUMNS));
            }
        }
        width = header.size();
        skuColumn = header.indexOf("sku");
        quantityColumn = header.indexOf("quantity");
        timeColumn = header.indexOf("occurred_at");
        channelColumn = header.indexOf("channel");
    }

    private Line parse(String text) {
        if (text.indexOf('\uFFFD') >= 0) {
            return new Malformed(number, "not UTF-8");
        }
        Optional<List<String>> split = split(text);
        if (split.isEmpty()) {
            return new Malformed(number, "its quotes do not match");
        }
        List<String> fields = split.get();
        if (fields.size() != width) {
            return new Malformed(number, fields.size() + " fields where the header has " + width);
        }
        String sku = Normalizer.normalize(fields.get(skuColumn), Normalizer.Form.NFC);
        String channel = Normalizer.normalize(fields.get(channelColumn), Normalizer.Form.NFC);
        if (sku.isEmpty() || characters(sku) > SKU_CHARACTERS_MAX || holdsControl(sku)) {
            return new Malformed(number, "sku must be 1 to " + SKU_CHARACTERS_MAX + " characters, none of them a control character");
        }
        if (characters(channel) > CHANNEL_CHARACTERS_MAX || holdsControl(channel)) {
            return new Malformed(number, "channel must be up to " + CHANNEL_CHARACTERS_MAX + " characters, none of them a control character");
        }
        String digits = fields.get(quantityColumn);
        if (!isWholeNumber(digits)) {
            return new Malformed(number, "quantity is not a whole number: " + shown(digits));
        }
        // 13 digits at most, so it fits.
        long quantity = Long.parseLong(digits);
        if (quantity == 0 || Math.abs(quantity) > QUANTITY_MAX) {
            return new Malformed(number, "quantity must be 1 to " + Table.grouped(QUANTITY_MAX) + ", or as much below zero: " + shown(digits));
        }
        Optional<Instant> occurredAt = time(fields.get(timeColumn));
        if (occurredAt.isEmpty()) {
            return new Malformed(number, "occurred_at is not a time such as 2010-12-01T08:26:00Z: " + shown(fields.get(timeColumn)));
        }
        return new Movement(number, sku, quantity, occurredAt.get(), channel);
    }

    /**
     * The fields of one line; empty where its quotes do not match. A field may
     * not run on over the end of a line: no column here has a reason to, and one
     * lost quote would swallow the rest of the file.
     */
    private static Optional<List<String>> split(String text) {
        if (text.indexOf('"') < 0) {
            return Optional.of(Arrays.asList(text.split(",", -1)));
        }
        try (CSVParser parser = CSVParser.parse(new StringReader(text), CSVFormat.RFC4180)) {
            List<CSVRecord> records = parser.getRecords();
            if (records.size() != 1) {
                return Optional.empty();
            }
            List<String> fields = new ArrayList<>();
            records.get(0).forEach(fields::add);
            return Optional.of(fields);
        } catch (IOException | java.io.UncheckedIOException | IllegalStateException e) {
            return Optional.empty();
        }
    }

    /** Reads one line into {@link #line}, without its end; false at the end of the file. */
    private boolean readLine() throws IOException {
        line.reset();
        tooLong = false;
        boolean any = false;
        while (true) {
            if (position == limit) {
                position = 0;
                limit = Math.max(0, in.read(buffer, 0, buffer.length));
                if (limit == 0) {
                    break;
                }
            }
            any = true;
            int end = position;
            while (end < limit && buffer[end] != '\n') {
                end++;
            }
            if (!tooLong) {
                tooLong = line.size() + (end - position) > LINE_BYTES_MAX;
                if (!tooLong) {
                    line.write(buffer, position, end - position);
                }
            }
            boolean ended = end < limit;
            position = ended ? end + 1 : end;
            if (ended) {
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

    private void dropCarriageReturn() {
        byte[] bytes = line.toByteArray();
        if (bytes.length > 0 && bytes[bytes.length - 1] == '\r') {
            line.reset();
            line.write(bytes, 0, bytes.length - 1);
        }
    }

    private static Optional<Instant> time(String text) {
        try {
            Instant time = text.endsWith("Z") ? Instant.parse(text) : OffsetDateTime.parse(text).toInstant();
            return time.isBefore(TIME_MIN) || time.isAfter(TIME_MAX) ? Optional.empty() : Optional.of(time);
        } catch (DateTimeException e) {
            return Optional.empty();
        }
    }

    private static boolean isWholeNumber(String text) {
        int first = text.startsWith("-") ? 1 : 0;
        int digits = text.length() - first;
        return digits >= 1 && digits <= 13 && text.chars().skip(first).allMatch(c -> c >= '0' && c <= '9');
    }

    private static int characters(String text) {
        return text.codePointCount(0, text.length());
    }

    private static boolean holdsControl(String text) {
        return text.chars().anyMatch(Character::isISOControl);
    }

    private static String shown(String field) {
        return "'" + Table.printable(field.length() > 40 ? field.substring(0, 40) + "..." : field) + "'";
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
