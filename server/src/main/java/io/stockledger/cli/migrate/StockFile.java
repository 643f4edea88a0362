package io.stockledger.cli.migrate;

import io.stockledger.cli.CsvLines;
import io.stockledger.cli.Failure;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The old system's stock in a CSV file. */
final class StockFile {
    /** No line of stock is longer; one that is, is a file of another kind, and is given up on at once. */
    static final int LINE_BYTES_MAX = 1 << 20;

    private StockFile() {
    }

    static OldStock read(Path file, OldStockReader.Rules rules) {
        if (Files.isDirectory(file)) {
            throw new Failure(file + " is a directory; name one CSV file");
        }
        if (!Files.exists(file)) {
            throw new Failure("there is no file " + file);
        }
        try (CsvLines lines = CsvLines.open(file, LINE_BYTES_MAX)) {
            CsvLines.Line first = lines.next().orElseThrow(() -> new Failure(file + " is empty; its first line must name its columns"));
            if (first instanceof CsvLines.Unreadable unreadable) {
                throw new Failure(file + " line " + unreadable.number() + ": " + unreadable.why() + "; its first line must name its columns");
            }
            OldStockReader reader = new OldStockReader(file.toString(), ((CsvLines.Fields) first).fields(), rules);
            for (Optional<CsvLines.Line> line = lines.next(); line.isPresent(); line = lines.next()) {
                if (line.get() instanceof CsvLines.Fields fields) {
                    reader.take(fields.number(), fields.fields());
                } else if (line.get() instanceof CsvLines.Unreadable unreadable) {
                    reader.wrong(unreadable.number(), unreadable.why());
                    if (unreadable.tooLong()) {
                        break;
                    }
                }
            }
            return reader.done();
        }
    }
}
