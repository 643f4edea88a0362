package io.stockledger.loadtest;

import com.google.protobuf.Timestamp;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Receive;
import io.stockledger.v1.Sell;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * First figures: one hot SKU through the whole ledger, beside what a shop would use instead, in one run on one
 * PostgreSQL. Closed loop: each caller sends its next mutation when the last is answered.
 */
@Command(name = "stockledger loadtest", mixinStandardHelpOptions = true,
        description = "Measures one hot SKU beside a row lock on the same PostgreSQL. Start a ledger of its own for it.",
        footer = {"", "Example (the password of an embedded PostgreSQL is in DATA/postgresql/stockledger.password;",
            "its port is in the line that serve prints):", "",
            "  stockledger loadtest --target 127.0.0.1:7400 \\",
            "    --jdbc 'jdbc:postgresql://127.0.0.1:PORT/stockledger?user=stockledger&password=...'"})
public final class Loadtest implements Callable<Integer> {
    @Option(names = "--target", defaultValue = "127.0.0.1:7400", description = "The ledger (default: ${DEFAULT-VALUE}).")
    private String target;

    @Option(names = "--jdbc", required = true, description = "The same ledger's PostgreSQL, for the row lock.")
    private String jdbc;

    @Option(names = "--warm-up", defaultValue = "15", description = "Seconds before each figure (default: ${DEFAULT-VALUE}).")
    private int warmUpSeconds;

    @Option(names = "--seconds", defaultValue = "5", description = "Seconds a figure (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--rounds", defaultValue = "3", description = "Figures of each; the median counts (default: ${DEFAULT-VALUE}).")
    private int rounds;

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Loadtest()).execute(arguments));
    }

    /** Something that runs until told to stop, counting what was answered. */
    private interface Workload {
        void run(LongAdder answered, CountDownLatch stop) throws Exception;
    }

    @Override
    public Integer call() throws Exception {
        ManagedChannel channel = NettyChannelBuilder.forTarget(target).usePlaintext().directExecutor().build();
        try {
            String run = Long.toHexString(System.nanoTime());
            prepareRowLock();
            double lock1 = figure("row lock, 1 client", rowLock(1, run));
            double lock64 = figure("row lock, 64 clients", rowLock(64, run));
            double empty64 = figure("empty unary call, 64 callers", emptyCalls(channel, 64));
            double unary64 = figure("unary, 64 callers", unary(channel, 64, run));
            double unary512 = figure("unary, 512 callers", unary(channel, 512, run));
            double stream = figure("stream, 8 streams of 1,000", streams(channel, 8, 1_000, run));
            double best = Math.max(lock1, lock64);
            System.out.printf("%n%-34s %12s %10s%n", "ONE HOT SKU", "A SECOND", "RATIO");
            row("row lock, 1 client", lock1, lock1 / best);
            row("row lock, 64 clients", lock64, lock64 / best);
            row("empty unary call, 64 callers", empty64, empty64 / best);
            row("unary, 64 callers", unary64, unary64 / lock64);
            row("unary, 512 callers", unary512, unary512 / best);
            row("stream, 8 streams of 1,000", stream, stream / best);
            System.out.println("Ratios: unary with 64 callers to the row lock with 64 clients, all else to its best.");
            return 0;
        } finally {
            channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    private static void row(String name, double perSecond, double ratio) {
        System.out.printf("%-34s %,12.0f %9.1fx%n", name, perSecond, ratio);
    }

    private double figure(String name, Workload workload) throws Exception {
        LongAdder answered = new LongAdder();
        CountDownLatch stop = new CountDownLatch(1);
        Thread thread = new Thread(() -> {
            try {
                workload.run(answered, stop);
            } catch (Exception e) {
                throw new IllegalStateException(name + " failed", e);
            }
        }, name);
        thread.start();
        TimeUnit.SECONDS.sleep(warmUpSeconds);
        List<Double> figures = new ArrayList<>();
        for (int i = 0; i < rounds; i++) {
            long before = answered.sum();
            long begun = System.nanoTime();
            TimeUnit.SECONDS.sleep(seconds);
            figures.add((answered.sum() - before) * 1e9 / (System.nanoTime() - begun));
        }
        stop.countDown();
        thread.join();
        figures.sort(null);
        double median = figures.get(figures.size() / 2);
        System.out.printf("%-34s %,.0f a second%n", name, median);
        return median;
    }

    // ---- the ledger ----

    private static Mutation.Builder mutation(String run, long number) {
        long nowMs = System.currentTimeMillis();
        return Mutation.newBuilder()
                .setMutationId(run + "-" + number)
                .setSku("HOT-" + run)
                .setChannel("web")
                .setCreatedAt(Timestamp.newBuilder()
                        .setSeconds(nowMs / 1000).setNanos((int) (nowMs % 1000) * 1_000_000));
    }

    private static void stockUp(ManagedChannel channel, String run) {
        LedgerServiceGrpc.newBlockingStub(channel).applyMutation(ApplyMutationRequest.newBuilder()
                .setMutation(mutation(run, 0).setMutationId(UUID.randomUUID().toString())
                        .setReceive(Receive.newBuilder().setQuantity(1_000_000_000_000L))).build());
    }

    private static Workload unary(ManagedChannel channel, int callers, String run) {
        return (answered, stop) -> {
            stockUp(channel, run);
            LedgerServiceGrpc.LedgerServiceStub ledger = LedgerServiceGrpc.newStub(channel);
            AtomicLong numbers = new AtomicLong(System.nanoTime());
            loop(callers, answered, stop, (StreamObserver<ApplyMutationResponse> answer) ->
                    ledger.applyMutation(ApplyMutationRequest.newBuilder().setMutation(
                            mutation(run, numbers.getAndIncrement()).setSell(Sell.newBuilder().setQuantity(1))).build(),
                            answer),
                    response -> require(response.getResult()));
        };
    }

    private static Workload emptyCalls(ManagedChannel channel, int callers) {
        return (answered, stop) -> {
            HealthGrpc.HealthStub health = HealthGrpc.newStub(channel);
            loop(callers, answered, stop, (StreamObserver<HealthCheckResponse> answer) ->
                    health.check(HealthCheckRequest.getDefaultInstance(), answer), response -> { });
        };
    }

    /** So many callers, each with one call under way at a time. */
    private static <T> void loop(int callers, LongAdder answered, CountDownLatch stop,
            Consumer<StreamObserver<T>> call, Consumer<T> check) throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(callers);
        for (int i = 0; i < callers; i++) {
            new StreamObserver<T>() {
                void next() {
                    if (stop.getCount() == 0) {
                        ended.countDown();
                    } else {
                        call.accept(this);
                    }
                }

                @Override
                public void onNext(T response) {
                    check.accept(response);
                    answered.increment();
                }

                @Override
                public void onError(Throwable failure) {
                    System.err.println("a call failed: " + failure.getMessage());
                    ended.countDown();
                }

                @Override
                public void onCompleted() {
                    next();
                }
            }.next();
        }
        ended.await();
    }

    private static Workload streams(ManagedChannel channel, int streams, int batch, String run) {
        return (answered, stop) -> {
            stockUp(channel, run);
            AtomicLong numbers = new AtomicLong(System.nanoTime());
            CountDownLatch ended = new CountDownLatch(streams);
            for (int i = 0; i < streams; i++) {
                new StreamObserver<StreamMutationsResponse>() {
                    private final StreamObserver<StreamMutationsRequest> requests =
                            LedgerServiceGrpc.newStub(channel).streamMutations(this);

                    void next() {
                        if (stop.getCount() == 0) {
                            requests.onCompleted();
                            return;
                        }
                        StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
                        for (int n = 0; n < batch; n++) {
                            request.addMutations(mutation(run, numbers.getAndIncrement())
                                    .setSell(Sell.newBuilder().setQuantity(1)));
                        }
                        requests.onNext(request.build());
                    }

                    @Override
                    public void onNext(StreamMutationsResponse response) {
                        response.getResultsList().forEach(Loadtest::require);
                        answered.add(response.getResultsCount());
                        next();
                    }

                    @Override
                    public void onError(Throwable failure) {
                        System.err.println("a stream failed: " + failure.getMessage());
                        ended.countDown();
                    }

                    @Override
                    public void onCompleted() {
                        ended.countDown();
                    }
                }.next();
            }
            ended.await();
        };
    }

    private static void require(MutationResult result) {
        if (!result.hasApplied()) {
            throw new IllegalStateException("not applied: " + result);
        }
    }

    // ---- the row lock ----

    private void prepareRowLock() throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbc);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE SCHEMA IF NOT EXISTS row_lock");
            statement.execute("CREATE TABLE IF NOT EXISTS row_lock.stock"
                    + " (sku text PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0))");
            statement.execute("CREATE TABLE IF NOT EXISTS row_lock.ledger"
                    + " (id text PRIMARY KEY, sku text NOT NULL, quantity bigint NOT NULL, available bigint NOT NULL,"
                    + " recorded_at timestamptz NOT NULL DEFAULT now())");
        }
    }

    private Workload rowLock(int clients, String run) {
        return (answered, stop) -> {
            try (Connection connection = DriverManager.getConnection(jdbc);
                    PreparedStatement stock = connection.prepareStatement(
                            "INSERT INTO row_lock.stock VALUES (?, 1000000000000) ON CONFLICT DO NOTHING")) {
                stock.setString(1, "HOT-" + run);
                stock.executeUpdate();
            }
            AtomicLong numbers = new AtomicLong(System.nanoTime());
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                Thread thread = new Thread(() -> sellUnderLock(run, numbers, answered, stop), "row-lock-" + i);
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) {
                thread.join();
            }
        };
    }

    private void sellUnderLock(String run, AtomicLong numbers, LongAdder answered, CountDownLatch stop) {
        try (Connection connection = DriverManager.getConnection(jdbc);
                PreparedStatement sell = connection.prepareStatement(
                        "WITH sold AS (UPDATE row_lock.stock SET available = available - 1"
                                + " WHERE sku = ? AND available >= 1 RETURNING sku, available)"
                                + " INSERT INTO row_lock.ledger (id, sku, quantity, available)"
                                + " SELECT ?, sku, 1, available FROM sold")) {
            while (stop.getCount() > 0) {
                sell.setString(1, "HOT-" + run);
                sell.setString(2, run + "-" + numbers.getAndIncrement());
                if (sell.executeUpdate() != 1) {
                    throw new SQLException("nothing sold");
                }
                answered.increment();
            }
        } catch (SQLException e) {
            System.err.println("a client failed: " + e.getMessage());
        }
    }
}
