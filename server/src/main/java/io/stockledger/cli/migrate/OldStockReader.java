package io.stockledger.cli.migrate;

import io.stockledger.cli.Failure;
import io.stockledger.cli.Table;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Checks what the old system says, line by line, and gives it out only when all of it is sound: a mistake in the last
 * line must not be found when the others are in the ledger.
 */
final class OldStockReader {
    static final int PROBLEMS_SHOWN_MAX = 20;

    private static final int SKU_CHARACTERS_MAX = 128;
    private static final int LOCATION_CHARACTERS_MAX = 64;
    /** The contract's bound on one mutation's units. */
    private static final long QUANTITY_MAX = 1_000_000_000_000L;

    /**
     * How a source is to be read.
     *
     * @param locationColumn none: the column {@code location} where there is one
     * @param location of a line that names none
     * @param sum a place that stands twice is the sum of its lines, not a mistake
     * @param negative below zero is a value as any other, not a mistake
     */
    record Rules(String skuColumn, String quantityColumn, Optional<String> locationColumn, String location, boolean sum,
            boolean negative) {
    }

    /** A number that a text could be. */
    private sealed interface Quantity {
        record Whole(long value) implements Quantity {
        }

        record Wrong(String why) implements Quantity {
        }
    }

    private final String described;
    private final Rules rules;
    private final int width;
    private final int skuColumn;
    private final int quantityColumn;
    private final Optional<Integer> locationColumn;
    private final Map<OldStock.Place, OldStock.Row> rows = new LinkedHashMap<>();
    private final List<String> problems = new ArrayList<>();
    private long problemCount;
    private Optional<Long> spaced = Optional.empty();

    /** @param header the source's names of its columns; upper and lower case are alike */
    OldStockReader(String described, List<String> header, Rules rules) {
        this.described = described;
        this.rules = rules;
        this.width = header.size();
        this.skuColumn = required(header, rules.skuColumn(), "--sku-column");
        this.quantityColumn = required(header, rules.quantityColumn(), "--quantity-column");
        this.locationColumn = rules.locationColumn().map(name -> required(header, name, "--location-column"))
                .or(() -> column(header, "location"));
    }

    private int required(List<String> header, String name, String option) {
        return column(header, name).orElseThrow(() -> new Failure(described + " has no column " + name + "; its columns are "
                + shown(header.stream().map(String::strip).collect(Collectors.joining(", "))) + "; name the right one with " + option));
    }

    private Optional<Integer> column(List<String> header, String name) {
        Optional<Integer> found = Optional.empty();
        for (int i = 0; i < header.size(); i++) {
            if (header.get(i).strip().equalsIgnoreCase(name)) {
                if (found.isPresent()) {
                    throw new Failure(described + " has two columns " + name);
                }
                found = Optional.of(i);
            }
        }
        return found;
    }

    /** Takes one line's fields. */
    void take(long line, List<String> fields) {
        if (fields.size() != width) {
            wrong(line, fields.size() + " fields where the header has " + width);
            return;
        }
        String sku = Normalizer.normalize(fields.get(skuColumn).strip(), Normalizer.Form.NFC);
        String given = locationColumn.map(fields::get).orElse("").strip();
        String location = Normalizer.normalize(given.isEmpty() ? rules.location() : given, Normalizer.Form.NFC);
        if (sku.isEmpty() || isTooLong(sku, SKU_CHARACTERS_MAX) || holdsControl(sku)) {
            wrong(line, "the SKU must be 1 to " + SKU_CHARACTERS_MAX + " characters, not spaces alone and none of them a control character: "
                    + shown(sku));
            return;
        }
        if (isTooLong(location, LOCATION_CHARACTERS_MAX) || holdsControl(location)) {
            wrong(line, "the location must be up to " + LOCATION_CHARACTERS_MAX + " characters, none of them a control character: "
                    + shown(location));
            return;
        }
        Quantity quantity = quantity(fields.get(quantityColumn).strip());
        if (quantity instanceof Quantity.Wrong wrong) {
            wrong(line, wrong.why());
        } else if (quantity instanceof Quantity.Whole whole) {
            // A column of fixed width, or a typist's slip: "MUG " beside "MUG" would be two shelves.
            if (spaced.isEmpty() && (isSpaced(fields.get(skuColumn)) || locationColumn.map(fields::get).filter(OldStockReader::isSpaced).isPresent())) {
                spaced = Optional.of(line);
            }
            take(new OldStock.Row(line, new OldStock.Place(sku, location), whole.value()));
        }
    }

    private void take(OldStock.Row row) {
        if (rows.size() == OldStock.ROWS_MAX) {
            throw new Failure(described + " has more than " + Table.grouped(OldStock.ROWS_MAX) + " lines; split it");
        }
        OldStock.Row before = rows.putIfAbsent(row.place(), row);
        if (before == null) {
            return;
        }
        if (!rules.sum()) {
            wrong(row.line(), row.place() + " stands in line " + before.line() + " already; --sum adds such lines up");
            return;
        }
        long sum = before.quantity() + row.quantity();
        if (Math.abs(sum) > QUANTITY_MAX) {
            wrong(row.line(), row.place() + " adds up to more than " + Table.grouped(QUANTITY_MAX) + " units");
            return;
        }
        rows.put(row.place(), new OldStock.Row(before.line(), row.place(), sum));
    }

    private Quantity quantity(String text) {
        int first = text.startsWith("-") ? 1 : 0;
        boolean digits = text.length() > first && text.chars().skip(first).allMatch(c -> c >= '0' && c <= '9');
        if (!digits) {
            return new Quantity.Wrong("the quantity is not a whole number: " + shown(text));
        }
        // Twenty digits say enough: longer ones need not fit anything.
        boolean tooMuch = text.length() - first > 18 || Math.abs(Long.parseLong(text)) > QUANTITY_MAX;
        if (first == 1 && !rules.negative()) {
            return new Quantity.Wrong("negative stock: " + shown(text)
                    + "; there is no shelf with less than nothing on it: correct it in the old system, or leave the line out and count the shelf");
        }
        if (tooMuch) {
            return new Quantity.Wrong("the quantity is more than " + Table.grouped(QUANTITY_MAX) + ": " + shown(text));
        }
        return new Quantity.Whole(Long.parseLong(text));
    }

    /** Notes a line that gives nothing. */
    void wrong(long line, String why) {
        problemCount++;
        if (problems.size() < PROBLEMS_SHOWN_MAX) {
            problems.add("line " + line + ": " + why);
        }
    }

    /** All of it; a {@link Failure} that names what is wrong, where anything is. */
    OldStock done() {
        if (problemCount > 0) {
            String more = problemCount > problems.size() ? "\n  and " + Table.grouped(problemCount - problems.size()) + " more lines" : "";
            throw new Failure(described + (problemCount == 1 ? " has a line that is" : " has " + Table.grouped(problemCount) + " lines that are")
                    + " wrong:\n  " + String.join("\n  ", problems) + more);
        }
        if (rows.isEmpty()) {
            throw new Failure(described + " holds no line of stock");
        }
        return new OldStock(described, List.copyOf(rows.values()), spaced);
    }

    private static boolean isSpaced(String field) {
        return !field.equals(field.strip());
    }

    private static boolean isTooLong(String text, int characters) {
        return text.codePointCount(0, text.length()) > characters;
    }

    private static boolean holdsControl(String text) {
        return text.chars().anyMatch(Character::isISOControl);
    }

    private static String shown(String field) {
        return "'" + Table.printable(field.length() > 80 ? field.substring(0, 80) + "..." : field) + "'";
    }
}
