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
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What most shops would write: a row a SKU that its sale locks. One statement, so one round trip and the shortest lock
 * that SQL allows: a guarded UPDATE, and the INSERT of a ledger row whose id is unique.
 */
public final class RowLock implements Workload {
    static final List<Integer> CALLERS = List.of(1, 8, 64, 512);
    private static final String SELL = "WITH sold AS (UPDATE loadtest_row_lock.stock SET available = available - 1"
            + " WHERE sku = ? AND available >= 1 RETURNING sku, available)"
            + " INSERT INTO loadtest_row_lock.ledger (id, sku, quantity, available) SELECT ?, sku, 1, available FROM sold";

    @Override
    public String name() {
        return "row-lock-hot";
    }

    @Override
    public String group() {
        return "baseline";
    }

    @Override
    public String about() {
        return "baseline: one SKU, guarded UPDATE and INSERT in one statement, 1 to 512 callers";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(CALLERS.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        make(ground, 0);
        String ids = ground.fresh("rl");
        AtomicLong numbers = new AtomicLong();
        for (int callers : CALLERS) {
            HikariDataSource pool = Tables.pool(ground, callers);
            String name = "row-lock-hot-" + callers;
            ground.add(Figure.of(name, "row lock, hot SKU, " + Plots.callers(callers), ground.peak(name,
                    Callers.threads(callers, caller -> () -> sell(pool, "HOT", ids + "-" + numbers.getAndIncrement()))).rounds(), "mutations/s")
                    .on(Plots.HOT.at("row lock", callers)).note(Tables.note(callers)));
            pool.close();
        }
    }

    /** Its tables, with the SKU {@code HOT} and so many others, named by their numbers. */
    static void make(Ground ground, int skus) throws SQLException {
        Tables.make(ground, "loadtest_row_lock",
                "CREATE TABLE stock (sku text PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0))",
                "CREATE TABLE ledger (id text PRIMARY KEY, sku text NOT NULL, quantity bigint NOT NULL,"
                        + " available bigint NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now())",
                "INSERT INTO stock SELECT 'HOT', 1000000000000 UNION ALL SELECT 'S/' || n, 1000000000000 FROM generate_series(0, "
                        + (skus - 1) + ") n");
    }

    static void sell(HikariDataSource pool, String sku, String id) throws SQLException {
        try (Connection connection = pool.getConnection(); PreparedStatement sell = connection.prepareStatement(SELL)) {
            sell.setString(1, sku);
            sell.setString(2, id);
            if (sell.executeUpdate() != 1) {
                throw new IllegalStateException("a sale under the row lock was refused");
            }
        }
    }
}
