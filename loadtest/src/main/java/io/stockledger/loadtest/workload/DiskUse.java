package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import io.grpc.stub.StreamObserver;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Bytes on disk an entry, in groups of 100, beside a row lock's ledger row: what stays in tables and indexes, and what
 * went through the write-ahead log. Both on one PostgreSQL of their own, with nothing else at work. Both with ids as the
 * SDK makes them, random UUIDs: ids that count up compress, and fill an index, as no shop's do.
 */
public final class DiskUse implements Workload {
    private static final int GROUP = 100;
    private static final String[] JOURNAL = {"stockledger.event_journal", "stockledger.snapshot", "stockledger.snapshot_part"};

    private record Bytes(long tables, long wal) {
        private Bytes less(Bytes before) {
            return new Bytes(tables - before.tables, wal - before.wal);
        }
    }

    @Override
    public String name() {
        return "disk";
    }

    @Override
    public String group() {
        return "disk";
    }

    @Override
    public String about() {
        return "bytes an entry in groups of 100, write-ahead log included, beside the row lock's ledger row with its index";
    }

    @Override
    public double seconds(Settings settings) {
        return 12 + groups(settings) / 200.0 + rows(settings) / 2_000.0;
    }

    @Override
    public void run(Ground ground) throws Exception {
        ServerProcess ledger = ground.ownLedger("");
        try (Connection connection = DriverManager.getConnection(ledger.jdbc()); Statement statement = connection.createStatement()) {
            rowLock(ground, connection, statement);
            ledger(ground, ledger, statement);
        }
    }

    private static void rowLock(Ground ground, Connection connection, Statement statement) throws SQLException {
        statement.execute("CREATE SCHEMA loadtest_disk");
        statement.execute("CREATE TABLE loadtest_disk.stock (sku text PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0))");
        statement.execute("CREATE TABLE loadtest_disk.ledger (id text PRIMARY KEY, sku text NOT NULL, quantity bigint NOT NULL,"
                + " available bigint NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now())");
        String sku = ground.fresh("DISK");
        statement.execute("INSERT INTO loadtest_disk.stock VALUES ('" + sku + "', 1000000000000)");
        int rows = rows(ground.settings());
        try (PreparedStatement sell = connection.prepareStatement("WITH sold AS (UPDATE loadtest_disk.stock SET available = available - 1"
                + " WHERE sku = ? AND available >= 1 RETURNING sku, available)"
                + " INSERT INTO loadtest_disk.ledger (id, sku, quantity, available) SELECT ?, sku, 1, available FROM sold")) {
            sell(sell, sku, rows / 10);
            Bytes before = bytes(statement, "loadtest_disk.ledger");
            sell(sell, sku, rows);
            Bytes used = bytes(statement, "loadtest_disk.ledger").less(before);
            add(ground, "disk-row-lock", "row lock, its ledger row and index", used, rows,
                    "ids are random UUIDs; one sale a transaction; of the stock row, which is updated in place, only the log is counted");
        }
        statement.execute("DROP SCHEMA loadtest_disk CASCADE");
    }

    private static void sell(PreparedStatement sell, String sku, int rows) throws SQLException {
        for (int i = 0; i < rows; i++) {
            sell.setString(1, sku);
            sell.setString(2, UUID.randomUUID().toString());
            if (sell.executeUpdate() != 1) {
                throw new IllegalStateException("a sale under the row lock was refused");
            }
        }
    }

    private static void ledger(Ground ground, ServerProcess ledger, Statement statement) throws Exception {
        ManagedChannel channel = ground.channelTo(ledger.target());
        Sales sales = new Sales(ground.fresh("dk"));
        String sku = ground.fresh("DISK");
        sales.stockUp(channel, List.of(sku));
        int groups = groups(ground.settings());
        groups(channel, sales, sku, groups / 10);
        long rowsBefore = rowsOf(statement);
        Bytes before = bytes(statement, JOURNAL);
        groups(channel, sales, sku, groups);
        long rows = rowsOf(statement) - rowsBefore;
        Bytes used = bytes(statement, JOURNAL).less(before);
        if (rows != groups) {
            throw new IllegalStateException(groups + " groups became " + rows + " rows");
        }
        add(ground, "disk-entry", "ledger, an entry in a group of " + GROUP, used, groups * GROUP,
                "ids are random UUIDs, as the SDK makes them; each group one row and one transaction; the journal and the snapshots with all their indexes, and all that went through the log");
    }

    private static void add(Ground ground, String name, String title, Bytes used, int entries, String note) {
        Figure whole = Figure.of(name + "-bytes", title + ", log included", (used.tables() + used.wal()) / (double) entries, "bytes").note(note);
        Figure kept = Figure.of(name + "-table-bytes", title + ", table and indexes", used.tables() / (double) entries, "bytes");
        Figure log = Figure.of(name + "-wal-bytes", title + ", write-ahead log", used.wal() / (double) entries, "bytes")
                .note("pg_current_wal_lsn() after less before; full page images are in it");
        boolean ours = name.equals("disk-entry");
        ground.add(ours ? whole.goal(Goal.within(0.5, "disk-row-lock-bytes")) : whole);
        ground.add(ours ? kept.goal(Goal.shown("disk-row-lock-table-bytes")) : kept);
        ground.add(ours ? log.goal(Goal.shown("disk-row-lock-wal-bytes")) : log);
    }

    /** Requests of 100 mutations of one SKU, each sent when the last is answered: so each is one group. */
    private static void groups(ManagedChannel channel, Sales sales, String sku, int groups) throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        new StreamObserver<StreamMutationsResponse>() {
            private final StreamObserver<StreamMutationsRequest> requests = LedgerServiceGrpc.newStub(channel).streamMutations(this);
            private int left = groups;

            private void next() {
                if (left-- == 0) {
                    requests.onCompleted();
                    return;
                }
                StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
                for (int i = 0; i < GROUP; i++) {
                    request.addMutations(sales.sale(sku).setMutationId(UUID.randomUUID().toString()));
                }
                requests.onNext(request.build());
            }

            @Override
            public void onNext(StreamMutationsResponse response) {
                try {
                    response.getResultsList().forEach(Sales::requireApplied);
                    next();
                } catch (RuntimeException e) {
                    done.completeExceptionally(e);
                }
            }

            @Override
            public void onError(Throwable e) {
                done.completeExceptionally(e);
            }

            @Override
            public void onCompleted() {
                done.complete(null);
            }
        }.next();
        done.get(10, TimeUnit.MINUTES);
    }

    private static Bytes bytes(Statement statement, String... tables) throws SQLException {
        long used = 0;
        for (String table : tables) {
            used += number(statement, "SELECT pg_total_relation_size('" + table + "')");
        }
        return new Bytes(used, number(statement, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"));
    }

    private static long rowsOf(Statement statement) throws SQLException {
        return number(statement, "SELECT count(*) FROM stockledger.event_journal");
    }

    private static long number(Statement statement, String query) throws SQLException {
        try (ResultSet result = statement.executeQuery(query)) {
            result.next();
            return result.getBigDecimal(1).longValueExact();
        }
    }

    private static int groups(Settings settings) {
        return settings.quick() ? 500 : 3_000;
    }

    private static int rows(Settings settings) {
        return settings.quick() ? 5_000 : 50_000;
    }
}
