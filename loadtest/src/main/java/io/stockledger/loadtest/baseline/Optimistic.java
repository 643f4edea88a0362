package io.stockledger.loadtest.baseline;

import com.zaxxer.hikari.HikariDataSource;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.workload.Plots;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * A version column, as object mappers do it: read, check the stock, write if nobody wrote meanwhile, else again at once:
 * a pause between would be another figure. The write is one statement with the ledger row's INSERT.
 */
public final class Optimistic implements Workload {
    private static final String READ = "SELECT available, version FROM loadtest_optimistic.stock WHERE sku = 'HOT'";
    private static final String WRITE = "WITH sold AS (UPDATE loadtest_optimistic.stock SET available = ?, version = version + 1"
            + " WHERE sku = 'HOT' AND version = ? RETURNING sku, available)"
            + " INSERT INTO loadtest_optimistic.ledger (id, sku, quantity, available) SELECT ?, sku, 1, available FROM sold";

    @Override
    public String name() {
        return "optimistic-hot";
    }

    @Override
    public String group() {
        return "baseline";
    }

    @Override
    public String about() {
        return "baseline: one SKU, a version column with retry, 1 to 512 callers";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(RowLock.CALLERS.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        Tables.make(ground, "loadtest_optimistic",
                "CREATE TABLE stock (sku text PRIMARY KEY, available bigint NOT NULL, version bigint NOT NULL)",
                "CREATE TABLE ledger (id text PRIMARY KEY, sku text NOT NULL, quantity bigint NOT NULL,"
                        + " available bigint NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now())",
                "INSERT INTO stock VALUES ('HOT', 1000000000000, 0)");
        String ids = ground.fresh("op");
        AtomicLong numbers = new AtomicLong();
        for (int callers : RowLock.CALLERS) {
            HikariDataSource pool = Tables.pool(ground, callers);
            String name = "optimistic-hot-" + callers;
            LongAdder sales = new LongAdder();
            LongAdder retries = new LongAdder();
            Figure figure = Figure.of(name, "version column, hot SKU, " + Plots.callers(callers), ground.peak(name,
                    Callers.threads(callers, caller -> () -> {
                        retries.add(sell(pool, ids + "-" + numbers.getAndIncrement()));
                        sales.increment();
                    })).rounds(), "mutations/s");
            ground.add(figure.on(Plots.HOT.at("version column", callers)).note(Tables.note(callers))
                    .note(String.format(Locale.ROOT, "%.1f retries a sale", retries.sum() / (double) Math.max(1, sales.sum()))));
            pool.close();
        }
    }

    /** How often it had to try again. */
    private static int sell(HikariDataSource pool, String id) throws SQLException {
        try (Connection connection = pool.getConnection();
                PreparedStatement read = connection.prepareStatement(READ);
                PreparedStatement write = connection.prepareStatement(WRITE)) {
            for (int retries = 0; ; retries++) {
                try (ResultSet row = read.executeQuery()) {
                    row.next();
                    long available = row.getLong(1);
                    if (available < 1) {
                        throw new IllegalStateException("a sale under the version column was refused");
                    }
                    write.setLong(1, available - 1);
                    write.setLong(2, row.getLong(2));
                }
                write.setString(3, id);
                if (write.executeUpdate() == 1) {
                    return retries;
                }
            }
        }
    }
}
