package io.stockledger.loadtest.workload;

import com.google.protobuf.Timestamp;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Arrival;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.OpenLoop;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.GetStockAtRequest;
import io.stockledger.v1.ImportLine;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/**
 * What heavy readers cost a checkout: the latency of sales of a hot SKU while others audit, page and stall. Beside
 * them stands what no reader can go below on these cores: a thread that asks the ledger nothing and only counts, for as
 * much of the time as all readers together may work.
 */
public final class Bulkhead implements Workload {
    private static final int CALLERS = 64;
    /** Of the peak of 64 callers: readers need processors too, and a machine that is full delays everybody. */
    private static final double SHARE_OF_PEAK = 0.1;
    /** SKUs beside the two, for a report to have something to read. */
    private static final int ASSORTMENT = 20_000;

    private static final String ALONE = "bulkhead-alone";
    private static final String COUNTING = "bulkhead-counting";
    private static final String ALONE_AGAIN = "bulkhead-alone-again";
    /** Where nobody reads: what the machine does by itself. */
    private static final Set<String> YARDSTICKS = Set.of(COUNTING, ALONE_AGAIN);

    /** A reader that goes on until it is told to stop. */
    private interface Reader {
        /** One pass; how many it saw, of what it reads. */
        long pass() throws Exception;
    }

    @Override
    public String name() {
        return "bulkhead";
    }

    @Override
    public String group() {
        return "bulkhead";
    }

    @Override
    public String about() {
        return "p99 of a hot SKU's sales alone, and beside a thread that only counts, an audit of everything, a long paging, a past stock, a report in SQL, an import, a stalled subscriber, the audit, the paging and the stall together";
    }

    @Override
    public double seconds(Settings settings) {
        return 20 + entries(settings) / 100_000.0 + 12 * settings.seconds(1);
    }

    @Override
    public void run(Ground ground) throws Exception {
        ServerProcess ledger = ground.ownLedger("");
        ManagedChannel channel = ground.channelTo(ledger.target());
        ManagedChannel reading = ground.channelTo(ledger.target());
        Sales sales = new Sales(ground.fresh("bh"));
        String hot = ground.fresh("HOT");
        String big = ground.fresh("BIG");
        sales.stockUp(channel, List.of(hot, big));
        ground.say(String.format(Locale.ROOT, "fills %,d entries of one SKU", entries(ground.settings())));
        Filling.hot(channel, sales, big, entries(ground.settings()));
        List<String> assortment = IntStream.range(0, ASSORTMENT).mapToObj(number -> hot + "-" + number).toList();
        sales.stockUp(channel, assortment);
        Report report = ground.keep(new Report(ledger));
        ground.say("waits until the projection has come to the journal's end");
        report.waitUntilFresh();

        LedgerServiceGrpc.LedgerServiceStub stub = LedgerServiceGrpc.newStub(channel);
        double peak = ground.peak("bulkhead-peak", Callers.<ApplyMutationResponse>unary(CALLERS,
                (caller, answer) -> stub.applyMutation(sales.request(hot), answer),
                answer -> Sales.requireApplied(answer.getResult()))).perSecond();
        double rate = Math.max(100, Math.round(peak * SHARE_OF_PEAK / 100) * 100);

        Audit audit = ground.keep(new Audit(reading));
        Reader paging = new Paging(reading, big);
        Reader past = () -> past(reading, big, entries(ground.settings()) / 10);
        measure(ground, stub, sales, hot, rate, ALONE, "hot SKU's sales alone", List.of());
        measure(ground, stub, sales, hot, rate, COUNTING, "beside a thread that only counts, a fifth of the time", List.of(new Counting()));
        measure(ground, stub, sales, hot, rate, "bulkhead-audit", "beside an audit of everything, again and again", List.of(audit));
        measure(ground, stub, sales, hot, rate, "bulkhead-paging", "beside ListEntries of a big SKU, page by page", List.of(paging));
        measure(ground, stub, sales, hot, rate, "bulkhead-past", "beside GetStockAt that reads far back, again and again",
                List.of(past));
        measure(ground, stub, sales, hot, rate, "bulkhead-sql", "beside a report in SQL over the projection, again and again",
                List.of(report));
        measure(ground, stub, sales, hot, rate, "bulkhead-import", "beside an import of opening stock, a call of 1,000 lines after the other",
                List.of(new Import(reading, ground.fresh("IMP"))));
        try (Subscriber stalled = Subscriber.stalled(ground.channelTo(ledger.target()), SubscribeRequest.newBuilder().setFromBeginning(true).build())) {
            measure(ground, stub, sales, hot, rate, "bulkhead-stalled", "beside a stalled subscriber", List.of());
            measure(ground, stub, sales, hot, rate, "bulkhead-all", "beside the audit, the paging and the stall", List.of(audit, paging));
            stalled.requireWell();
        }
        // Whatever went by meanwhile: how much of a ratio is the machine's.
        measure(ground, stub, sales, hot, rate, ALONE_AGAIN, "hot SKU's sales alone, once more", List.of());
    }

    private static void measure(Ground ground, LedgerServiceGrpc.LedgerServiceStub stub, Sales sales, String sku, double rate,
            String name, String title, List<Reader> readers) throws Exception {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        long[] seen = new long[readers.size()];
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < readers.size(); i++) {
            int at = i;
            Thread thread = new Thread(() -> {
                try {
                    while (!stop.get()) {
                        seen[at] += readers.get(at).pass();
                    }
                } catch (Exception e) {
                    failure.compareAndSet(null, e);
                }
            }, "reader-" + i);
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        // Each reader is code that the server has not run yet, and its compiler is no reader.
        ground.cold();
        long begun = System.nanoTime();
        OpenLoop.Latency latency;
        try {
            latency = ground.latency(rate, sale(stub, sales, sku, failure));
        } finally {
            stop.set(true);
        }
        double seconds = (System.nanoTime() - begun) / 1e9;
        for (Thread thread : threads) {
            thread.join();
        }
        if (failure.get() != null) {
            throw new IllegalStateException(name + ": " + failure.get().getMessage(), failure.get());
        }
        Figure figure = Figure.of(name + "-p99", "p99, " + title,
                latency.rounds().stream().map(round -> round.atMs(99)).toList(), "ms").percentiles(latency.all())
                .note(String.format(Locale.ROOT, "open loop of %,.0f sales/s, a tenth of the peak of %d callers", rate, CALLERS))
                .note(String.format(Locale.ROOT, "the generator began its calls %.2f ms late at the 99th percentile", latency.lateness().atMs(99)));
        for (long entries : seen) {
            figure = figure.note(String.format(Locale.ROOT, "meanwhile %,.0f a second (entries, SKUs or lines)", entries / seconds));
        }
        Goal goal = YARDSTICKS.contains(name) ? Goal.shown(ALONE + "-p99") : Goal.within(1.5, ALONE + "-p99");
        ground.add(name.equals(ALONE) ? figure : figure.goal(goal));
    }

    private static Arrival sale(LedgerServiceGrpc.LedgerServiceStub stub, Sales sales, String sku, AtomicReference<Throwable> failure) {
        return (number, answered) -> stub.applyMutation(sales.request(sku), new StreamObserver<>() {
            @Override
            public void onNext(ApplyMutationResponse answer) {
                Sales.requireApplied(answer.getResult());
                answered.run();
            }

            @Override
            public void onError(Throwable e) {
                failure.compareAndSet(null, e);
            }

            @Override
            public void onCompleted() {}
        });
    }

    /** At a location that the SKU was never at, so that it is looked for in every entry before. */
    private static long past(ManagedChannel channel, String sku, long sequence) {
        Stock stock = LedgerServiceGrpc.newBlockingStub(channel).getStockAt(GetStockAtRequest.newBuilder()
                .setSku(sku).setAtSequence(sequence).setLocation("nowhere").build()).getStock();
        if (stock.getSequence() != sequence || stock.getBalancesCount() > 0) {
            throw new IllegalStateException("not the stock at sequence " + sequence + ": " + stock);
        }
        return sequence;
    }

    /** Uses a processor for a fifth of the time, as a reader does between its rests, and nothing else. */
    private static final class Counting implements Reader {
        /** About what a page takes. */
        private static final long WORK_NANOS = TimeUnit.MILLISECONDS.toNanos(4);
        private static final int RESTS = 4;

        @Override
        public long pass() throws InterruptedException {
            long begun = System.nanoTime();
            long counted = 0;
            while (System.nanoTime() - begun < WORK_NANOS) {
                counted++;
            }
            TimeUnit.NANOSECONDS.sleep(RESTS * (System.nanoTime() - begun));
            return counted;
        }
    }

    /** An audit of the whole journal, and again: a message a pass, so that nobody waits for the end of it. */
    private static final class Audit implements Reader, AutoCloseable {
        private final AdminServiceGrpc.AdminServiceBlockingStub stub;
        private Context.CancellableContext context = Context.current().withCancellation();
        private Iterator<AuditResponse> messages = Collections.emptyIterator();
        private long entries;

        private Audit(ManagedChannel channel) {
            this.stub = AdminServiceGrpc.newBlockingStub(channel);
        }

        @Override
        public long pass() {
            if (!messages.hasNext()) {
                entries = 0;
                context = Context.current().withCancellation();
                context.run(() -> messages = stub.audit(AuditRequest.getDefaultInstance()));
            }
            AuditResponse message = messages.next();
            if (message.hasFinding()) {
                throw new IllegalStateException("the audit found something: " + message);
            }
            long before = entries;
            entries = message.hasProgress() ? message.getProgress().getEntries()
                    : message.hasTotal() ? message.getTotal().getEntries() : entries;
            return entries - before;
        }

        @Override
        public void close() {
            context.cancel(null);
        }
    }

    /** ListEntries from the first page to the last, and again: a page a pass, so that nobody waits for the end of it. */
    private static final class Paging implements Reader {
        /** So a million entries have 100,000 pages. */
        private static final int PAGE_ENTRIES = 10;

        private final LedgerServiceGrpc.LedgerServiceBlockingStub stub;
        private final String sku;
        private String token = "";

        private Paging(ManagedChannel channel, String sku) {
            this.stub = LedgerServiceGrpc.newBlockingStub(channel);
            this.sku = sku;
        }

        @Override
        public long pass() {
            ListEntriesResponse page = stub.listEntries(
                    ListEntriesRequest.newBuilder().setSku(sku).setPageSize(PAGE_ENTRIES).setPageToken(token).build());
            token = page.getNextPageToken();
            return page.getEntriesCount();
        }
    }

    /** A reporting tool under a login of its own, bounded as the README has it. */
    private static final class Report implements Reader, AutoCloseable {
        private static final String QUERY = """
                SELECT s.sku, s.on_hand, sum(d.units), rank() OVER (PARTITION BY s.location ORDER BY sum(d.units) DESC),
                    string_agg(d.kind, ',' ORDER BY d.day, d.kind)
                FROM stock s JOIN daily_movements d USING (sku, location)
                GROUP BY s.sku, s.location, s.on_hand ORDER BY 4, 1""";

        private static final Duration FRESH_WITHIN = Duration.ofMinutes(10);

        private final Connection connection;

        private Report(ServerProcess ledger) throws SQLException {
            String owner = ledger.jdbc().replace("user=stockledger", "user=postgres");
            try (Connection asOwner = DriverManager.getConnection(owner); Statement statement = asOwner.createStatement()) {
                statement.execute("CREATE ROLE erp LOGIN PASSWORD 'erp' IN ROLE stockledger_reader CONNECTION LIMIT 4");
                statement.execute("ALTER ROLE erp SET search_path = projection");
                statement.execute("ALTER ROLE erp SET statement_timeout = '60s'");
                statement.execute("ALTER ROLE erp SET max_parallel_workers_per_gather = 0");
            }
            connection = DriverManager.getConnection(ledger.jdbc().replaceFirst("\\?.*", "?user=erp&password=erp"));
        }

        private void waitUntilFresh() throws SQLException, InterruptedException {
            long end = System.nanoTime() + FRESH_WITHIN.toNanos();
            while (!isFresh()) {
                if (System.nanoTime() - end > 0) {
                    throw new IllegalStateException("the projection has not come to the journal's end within " + FRESH_WITHIN.toMinutes() + " minutes");
                }
                TimeUnit.MILLISECONDS.sleep(200);
            }
        }

        private boolean isFresh() throws SQLException {
            try (Statement ask = connection.createStatement();
                    ResultSet row = ask.executeQuery("SELECT age < interval '2 seconds' FROM freshness")) {
                return row.next() && row.getBoolean(1);
            }
        }

        @Override
        public long pass() throws SQLException {
            long skus = 0;
            try (PreparedStatement query = connection.prepareStatement(QUERY); ResultSet rows = query.executeQuery()) {
                while (rows.next()) {
                    skus++;
                }
            }
            return skus;
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }

    /** Brings SKUs in that the ledger never saw. */
    private static final class Import implements Reader {
        private static final int LINES = 1_000;

        private final AdminServiceGrpc.AdminServiceBlockingStub stub;
        private final String name;
        private final Timestamp begun = Timestamp.newBuilder().setSeconds(System.currentTimeMillis() / 1_000).build();
        private long line;

        private Import(ManagedChannel channel, String name) {
            this.stub = AdminServiceGrpc.newBlockingStub(channel);
            this.name = name;
        }

        @Override
        public long pass() {
            ImportStockRequest.Builder request = ImportStockRequest.newBuilder().setImportName(name).setCreatedAt(begun);
            for (int i = 0; i < LINES; i++) {
                line++;
                request.addLines(ImportLine.newBuilder().setLine(line).setSku(name + "-" + line).setQuantity(10));
            }
            stub.importStock(request.build()).getResultsList().forEach(Sales::requireApplied);
            return LINES;
        }
    }

    private static long entries(Settings settings) {
        return settings.quick() ? 200_000 : 1_000_000;
    }
}
