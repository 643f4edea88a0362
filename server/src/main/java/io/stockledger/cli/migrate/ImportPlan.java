package io.stockledger.cli.migrate;

import io.stockledger.cli.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What one import brings in, fixed when it is first begun. A run that goes on with it takes its lines from here and not
 * from the source again, which may have moved meanwhile: a line's id must always stand for the same units.
 *
 * @param begun the created_at of each line
 */
record ImportPlan(Instant begun, List<OldStock.Row> rows) {
    private static final String TITLE = "# an import of stock, begun\t";

    ImportPlan {
        rows = List.copyOf(rows);
    }

    void write(Path file) {
        StringBuilder text = new StringBuilder(TITLE).append(begun).append("\nline\tsku\tlocation\tquantity\n");
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
            Instant begun = Instant.parse(lines.get(0).substring(TITLE.length()));
            List<OldStock.Row> rows = new ArrayList<>(lines.size());
            for (String line : lines.subList(2, lines.size())) {
                String[] fields = line.split("\t", -1);
                rows.add(new OldStock.Row(Long.parseLong(fields[0]), new OldStock.Place(fields[1], fields[2]), Long.parseLong(fields[3])));
            }
            return Optional.of(new ImportPlan(begun, rows));
        } catch (IOException e) {
            throw new Failure(file + " cannot be read: " + e.getMessage(), e);
        } catch (DateTimeException | IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new Failure(file + " is not as an import left it; put it back as it was, since it says which lines may be sent again", e);
        }
    }
}
