package io.stockledger.cli.migrate;

import io.stockledger.cli.Failure;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where the old system's stock is read: options of every verb that does. */
final class SourceOptions {
    private static final String PASSWORD = "STOCKLEDGER_JDBC_PASSWORD";

    @Parameters(arity = "0..1", paramLabel = "FILE", description = "A CSV file (gzip or plain, UTF-8) whose first line names its columns.")
    private Optional<Path> file = Optional.empty();

    @Option(names = "--jdbc", paramLabel = "URL", order = 10,
            description = "In place of a file: the old system's database. A password may stand in the variable " + PASSWORD + ".")
    private Optional<String> jdbc = Optional.empty();

    @Option(names = "--query", paramLabel = "SQL", order = 11, description = "What to ask it: its columns are named as a file's are.")
    private Optional<String> query = Optional.empty();

    @Option(names = "--user", paramLabel = "NAME", order = 12, description = "Who asks it.")
    private Optional<String> user = Optional.empty();

    @Option(names = "--driver-jar", paramLabel = "JAR", order = 13, description = "Its JDBC driver; PostgreSQL's is here already.")
    private Optional<Path> driverJar = Optional.empty();

    @Option(names = "--sku-column", paramLabel = "NAME", defaultValue = "sku", order = 14, description = "Default: ${DEFAULT-VALUE}.")
    private String skuColumn;

    @Option(names = "--quantity-column", paramLabel = "NAME", defaultValue = "quantity", order = 15, description = "Default: ${DEFAULT-VALUE}.")
    private String quantityColumn;

    @Option(names = "--location-column", paramLabel = "NAME", order = 16, description = "Default: location, where there is such a column.")
    private Optional<String> locationColumn = Optional.empty();

    @Option(names = "--location", paramLabel = "NAME", defaultValue = OldStock.DEFAULT_LOCATION, order = 17,
            description = "Where a line's units are that names no location (default: ${DEFAULT-VALUE}).")
    private String location;

    @Option(names = "--sum", order = 18, description = "Lines of the same SKU and location are added up; else they are a mistake.")
    private boolean sum;

    /** The same source each time it is asked. */
    interface Source {
        OldStock read();
    }

    /** Whether any is named. */
    boolean isNamed() {
        return file.isPresent() || jdbc.isPresent() || query.isPresent();
    }

    /**
     * The source; a {@link Failure} where the options name none, or two.
     *
     * @param negative whether stock below zero is a value as any other
     */
    Source source(boolean negative) {
        OldStockReader.Rules rules = new OldStockReader.Rules(skuColumn, quantityColumn, locationColumn, location, sum, negative);
        if (file.isPresent() == jdbc.isPresent()) {
            throw new Failure("name either a CSV file, or a database with --jdbc URL and --query SQL");
        }
        if (jdbc.isPresent() != query.isPresent()) {
            throw new Failure("--jdbc and --query go together");
        }
        if (file.isPresent()) {
            Path path = file.get();
            return () -> StockFile.read(path, rules);
        }
        StockQuery asked = new StockQuery(jdbc.get(), user, Optional.ofNullable(System.getenv(PASSWORD)), driverJar, query.get());
        return () -> asked.read(rules);
    }
}
