package io.stockledger.cli.migrate;

import io.stockledger.cli.Failure;
import io.stockledger.cli.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What one import brings in, fixed when it is first begun. A run that goes on with it takes its lines from here and not
 * from the source again, which may have moved meanwhile: a line's id must always stand for the same units.
 *
 * @param begun the created_at of each line
 * @param finished when all of it was in the ledger
 */
record ImportPlan(Instant begun, Optional<Instant> finished, List<OldStock.Row> rows) {
    private static final String TITLE = "# an import of stock, begun\t";
    private static final String FINISHED = "\tfinished\t";

    ImportPlan {
        rows = List.copyOf(rows);
    }

    ImportPlan finishedAt(Instant now) {
        return new ImportPlan(begun, Optional.of(now), rows);
    }

    /** Where the source says other than this brings in; empty where it says the same, in whatever order. */
    Optional<String> difference(OldStock source) {
        Map<OldStock.Place, OldStock.Row> left = new LinkedHashMap<>();
        rows.forEach(row -> left.put(row.place(), row));
        for (OldStock.Row now : source.rows()) {
            OldStock.Row planned = left.remove(now.place());
            if (planned == null || planned.quantity() != now.quantity()) {
                return Optional.of("line " + now.line() + " (" + Table.printable(now.place().toString()) + ") has " + Table.grouped(now.quantity())
                        + (planned == null ? " and was no line of it" : " where it had " + Table.grouped(planned.quantity())));
            }
        }
        return left.values().stream().findFirst().map(gone -> Table.printable(gone.place().toString()) + " (line " + gone.line() + " then) is gone from it");
    }

    void write(Path file) {
        StringBuilder text = new StringBuilder(TITLE).append(begun).append(finished.map(at -> FINISHED + at).orElse("")).append("\nline\tsku\tlocation\tquantity\n");
        // No name holds a control character, so tabs part them and need no quotes.
        rows.forEach(row -> text.append(row.line()).append('\t').append(row.place().sku()).append('\t').append(row.place().location())
                .append('\t').append(row.quantity()).append('\n'));
        Folder.write(file, text.toString());
    }

    static Optional<ImportPlan> read(Path file) {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            List<String> lines = Files.readAllLines(file);
            String[] times = lines.get(0).substring(TITLE.length()).split(FINISHED, -1);
            Optional<Instant> finished = times.length > 1 ? Optional.of(Instant.parse(times[1])) : Optional.empty();
            List<OldStock.Row> rows = new ArrayList<>(lines.size());
            for (String line : lines.subList(2, lines.size())) {
                String[] fields = line.split("\t", -1);
                rows.add(new OldStock.Row(Long.parseLong(fields[0]), new OldStock.Place(fields[1], fields[2]), Long.parseLong(fields[3])));
            }
            return Optional.of(new ImportPlan(Instant.parse(times[0]), finished, rows));
        } catch (IOException e) {
            throw new Failure(file + " cannot be read: " + e.getMessage(), e);
        } catch (DateTimeException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new Failure(file + " is not as an import left it; put it back as it was, since it says which lines may be sent again", e);
        }
    }
}
