package io.stockledger.cli;

import java.io.Closeable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;

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
    private final CsvLines lines;
    private int width;
    private int skuColumn;
    private int quantityColumn;
    private int timeColumn;
    private int channelColumn;

    private SalesLog(Path file, CsvLines lines) {
        this.file = file;
        this.lines = lines;
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
        SalesLog log = new SalesLog(file, CsvLines.open(file, LINE_BYTES_MAX));
        try {
            log.readHeader();
            return log;
        } catch (Failure e) {
            log.close();
            throw e;
        }
    }

    /** The next record; empty at the end of the file. Empty lines are passed over. */
    Optional<Line> next() {
        return lines.next().map(line -> {
            if (line instanceof CsvLines.Fields fields) {
                return parse(fields.number(), fields.fields());
            } else if (line instanceof CsvLines.Unreadable unreadable) {
                return new Malformed(unreadable.number(), unreadable.why());
            }
            throw new IllegalArgumentException("no such line: " + line);
        });
    }

    @Override
    public void close() {
        lines.close();
    }

    private void readHeader() {
        CsvLines.Line first = lines.next().orElseThrow(() ->
                new Failure(file + " is empty; its first line must name the columns " + String.join(",", COLUMNS)));
        List<String> header = first instanceof CsvLines.Fields fields ? fields.fields() : List.of();
        for (String column : COLUMNS) {
            int place = header.indexOf(column);
            if (place < 0 || place != header.lastIndexOf(column)) {
                throw new Failure(file + (place < 0 ? " has no column " : " has two columns ") + column
                        + "; its first line must name " + String.join(",", COLUMNS));
            }
        }
        width = header.size();
        skuColumn = header.indexOf("sku");
        quantityColumn = header.indexOf("quantity");
        timeColumn = header.indexOf("occurred_at");
        channelColumn = header.indexOf("channel");
    }

    private Line parse(long number, List<String> fields) {
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
}
