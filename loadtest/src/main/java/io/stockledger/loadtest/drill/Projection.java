package io.stockledger.loadtest.drill;

import io.grpc.stub.StreamObserver;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Arrival;
import io.stockledger.loadtest.engine.OpenLoop;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.ListReservationsRequest;
import io.stockledger.v1.ListStockRequest;
import io.stockledger.v1.ListStockResponse;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.ProjectedStock;
import io.stockledger.v1.Reservation;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Rebuilds the projection again and again while one hot SKU sells and a thousand others are written, and reads it all
 * along; kills the ledger in the middle of a rebuild. What it says at the end is what a replay of every SKU says, and a
 * checkout's p99 stays what it is without a rebuild.
 */
final class Projection {
    private static final int SKUS = 1_000;
    private static final int BLOCKS = 3;
    private static final Duration BLOCK = Duration.ofSeconds(5);
    private static final double SLOWER_MAX = 1.5;
    private static final String HOT = "hot";
    /** Somebody puts its row back by hand; a rebuild makes it right. */
    private static final String EDITED = "sku-0007";

    private final Ground ground;
    private final int perSecond;
    private final int history;
    private final AtomicBoolean writing = new AtomicBoolean(true);
    private final AtomicBoolean reading = new AtomicBoolean(true);
    private final AtomicInteger rebuilds = new AtomicInteger();
    private final AtomicLong oldestSeconds = new AtomicLong();
    private final AtomicLong written = new AtomicLong();
    private final AtomicLong listings = new AtomicLong();
    private final AtomicInteger fallbacks = new AtomicInteger();
    private final AtomicInteger missing = new AtomicInteger();
    private final AtomicInteger failedReads = new AtomicInteger();
    private volatile boolean killed;
    private final AtomicReference<Throwable> writerFailure = new AtomicReference<>();
    private long sold;

    /**
     * @param perSecond sales of the hot SKU
     * @param history entries of every other SKU before it begins
     */
    Projection(Ground ground, int perSecond, int history) {
        this.ground = ground;
        this.perSecond = perSecond;
        this.history = history;
    }

    void run() throws Exception {
        ServerProcess server = ground.server("stockledger.projection.old-set-kept = 1 s");
        LedgerClient client = ground.client(server.target());
        client.awaitReachable(Duration.ofSeconds(10));
        Random random = new Random(ground.random().nextLong());
        client.apply(Mutations.receive(HOT, 1_000_000_000).build());
        makeHistory(client, random);
        boolean complete = Ground.await(Duration.ofSeconds(120), () -> isAsOfNow(client));
        ground.check(complete, "the projection has come to the journal's end after %,d entries", (long) SKUS * history);

        Thread reader = thread("reader", () -> read(client));
        Thread writer = thread("writer", () -> {
            try {
                write(client, new Random(random.nextLong()));
            } catch (RuntimeException e) {
                writerFailure.set(e);
            }
        });
        measure(server, client);
        edit(server);
        killInTheMiddle(server, client);
        writing.set(false);
        writer.join();
        reading.set(false);
        reader.join();
        ground.check(writerFailure.get() == null && written.get() > 1_000, "%,d mutations of the others were written meanwhile, none failed (%s)",
                written.get(), writerFailure.get());
        ground.check(failedReads.get() == 0 && missing.get() == 0 && fallbacks.get() == 0 && listings.get() > 10,
                "%,d whole listings were read all along (%d failed, %d with a SKU missing, %d that went back)",
                listings.get(), failedReads.get(), missing.get(), fallbacks.get());
        ground.say("the oldest listing while the ledger was up was %,d s old", oldestSeconds.get());
        boolean built = Ground.await(Duration.ofSeconds(120), () -> isAsOfNow(client) && !isUnderWay(server));
        ground.check(built, "the rebuild that the kill met goes on by itself and ends");
        compare(client);
    }

    private void makeHistory(LedgerClient client, Random random) {
        long begun = System.nanoTime();
        List<CompletableFuture<Outcome>> waiting = new ArrayList<>();
        for (int round = 0; round < history; round++) {
            for (int i = 0; i < SKUS; i++) {
                waiting.add(client.submit(some(random, sku(i), round)));
                if (waiting.size() == 20_000) {
                    waiting.forEach(CompletableFuture::join);
                    waiting.clear();
                }
            }
        }
        waiting.forEach(CompletableFuture::join);
        ground.say("%,d mutations of %,d SKUs in %.1f s", (long) SKUS * history, SKUS, Ground.secondsSince(begun));
    }

    private static String sku(int i) {
        return "sku-%04d".formatted(i);
    }

    private static Mutation some(Random random, String sku, int round) {
        String at = "shop " + random.nextInt(3);
        if (round == 0) {
            return Mutations.receive(sku, 100).setLocation("shop 0").build();
        }
        return switch (random.nextInt(6)) {
            case 0 -> Mutations.receive(sku, 20).setLocation(at).build();
            case 1, 2 -> Mutations.reserve(sku, 1, Duration.ofDays(1)).setLocation(at).setChannel("web").setMutationId("r-" + round).build();
            case 3 -> Mutations.commit(sku, "r-" + (round - 1)).build();
            case 4 -> Mutations.fulfill(sku, "r-" + (round - 2)).build();
            default -> Mutations.sell(sku, 1).setLocation(at).setChannel("pos").build();
        };
    }

    // ---- Meanwhile ----

    /** Some hundred mutations a second of other SKUs. */
    private void write(LedgerClient client, Random random) {
        List<CompletableFuture<Outcome>> waiting = new ArrayList<>();
        // Each with a number of its own: two reservations of one SKU must not share an id.
        for (int number = history; writing.get(); number++) {
            waiting.add(client.submit(some(random, sku(random.nextInt(SKUS)), number)));
            if (waiting.size() == 10) {
                waiting.forEach(CompletableFuture::join);
                written.addAndGet(waiting.size());
                waiting.clear();
                Ground.pause(20);
            }
        }
        waiting.forEach(CompletableFuture::join);
    }

    /**
     * Lists everything, over and over: each SKU stands there, and none goes back but the one whose sequence is edited.
     */
    private void read(LedgerClient client) {
        Map<String, Long> sequences = new HashMap<>();
        while (reading.get()) {
            try {
                Map<String, Long> now = new HashMap<>();
                for (ListStockResponse page : (Iterable<ListStockResponse>) client.listStock(
                        ListStockRequest.newBuilder().setSkuPrefix("sku-").build())::iterator) {
                    page.getStocksList().forEach(row -> now.merge(row.getSku(), row.getSequence(), Math::max));
                    oldestSeconds.accumulateAndGet(page.getFreshness().getAge().getSeconds(), Math::max);
                }
                missing.addAndGet(now.size() < SKUS ? 1 : 0);
                now.remove(EDITED);
                fallbacks.addAndGet(sequences.entrySet().stream()
                        .anyMatch(before -> now.getOrDefault(before.getKey(), 0L) < before.getValue()) ? 1 : 0);
                sequences.putAll(now);
                listings.incrementAndGet();
            } catch (LedgerException e) {
                if (!killed) {
                    failedReads.incrementAndGet();
                    ground.say("a listing failed: %s", e.getMessage());
                }
                Ground.pause(50);
            }
            Ground.pause(50);
        }
    }

    private static Thread thread(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    // ---- p99 ----

    private void measure(ServerProcess server, LedgerClient client) throws Exception {
        Bare bare = ground.keep(new Bare(server.target()));
        new OpenLoop(perSecond, Duration.ofSeconds(15), Duration.ofSeconds(1), 1, Duration.ofSeconds(10)).run(sale(bare));
        List<Double> without = new ArrayList<>();
        List<Double> with = new ArrayList<>();
        for (int block = 0; block < BLOCKS; block++) {
            without.add(p99(bare));
            AtomicBoolean on = new AtomicBoolean(true);
            Thread rebuilder = thread("rebuilder", () -> {
                while (on.get()) {
                    client.rebuildProjection().forEachRemaining(told -> { });
                    rebuilds.incrementAndGet();
                }
            });
            with.add(p99(bare));
            on.set(false);
            rebuilder.join();
        }
        double ratio = median(with) / median(without);
        ground.say("p99 of a sale, ms: without a rebuild %s, with one under way %s; %d rebuilds", shown(without), shown(with), rebuilds.get());
        ground.check(ratio < SLOWER_MAX, "the median p99 is %.2f times as long with a rebuild under way (%.2f and %.2f ms; at most %.1f)",
                ratio, median(without), median(with), SLOWER_MAX);
    }

    private double p99(Bare bare) throws InterruptedException {
        OpenLoop.Latency latency = new OpenLoop(perSecond, Duration.ofSeconds(1), BLOCK, 1, Duration.ofSeconds(10)).run(sale(bare));
        ground.check(latency.unanswered() == 0, "every sale of a block was answered (%d were not)", latency.unanswered());
        return latency.medianMs(99);
    }

    private Arrival sale(Bare bare) {
        return (number, answered) -> {
            Mutation sale = Mutations.sell(HOT, 1).setMutationId("sale-" + sold++).build();
            bare.calls().applyMutation(ApplyMutationRequest.newBuilder().setMutation(sale).build(), new StreamObserver<ApplyMutationResponse>() {
                @Override
                public void onNext(ApplyMutationResponse answer) {
                    if (answer.getResult().hasApplied()) {
                        answered.run();
                    }
                }

                @Override
                public void onError(Throwable notAnswered) {}

                @Override
                public void onCompleted() {}
            });
        };
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private static String shown(List<Double> values) {
        return String.join(" ", values.stream().map(value -> String.format(java.util.Locale.ROOT, "%.2f", value)).toList());
    }

    // ---- Damage ----

    /** Somebody's hand in the tables: a rebuild makes it right. */
    private void edit(ServerProcess server) throws SQLException {
        for (String set : List.of("a", "b")) {
            sql(server, "UPDATE projection.stock_" + set + " SET available = available + 7, sequence = sequence - 1 WHERE sku = '" + EDITED + "'");
            sql(server, "DELETE FROM projection.reservations_" + set + " WHERE sku = 'sku-0008'");
        }
    }

    private void killInTheMiddle(ServerProcess server, LedgerClient client) throws Exception {
        Thread asking = thread("rebuilder", () -> {
            try {
                client.rebuildProjection().forEachRemaining(told -> { });
            } catch (LedgerException atTheKill) {
                // It is what this is about.
            }
        });
        boolean begun = Ground.await(Duration.ofSeconds(30), () -> isUnderWay(server));
        Ground.pause(ground.chance(100, 900));
        killed = true;
        boolean middle = isUnderWay(server);
        server.kill();
        server.start();
        asking.join();
        client.awaitReachable(Duration.ofSeconds(30));
        ground.check(begun && middle, "the ledger was killed in the middle of a rebuild");
        killed = !Ground.await(Duration.ofSeconds(60), () -> isListed(client));
        ground.check(!killed, "it lists stock again after its start");
        Ground.pause(1_000);
    }

    private static boolean isListed(LedgerClient client) {
        try {
            return client.listStock(ListStockRequest.newBuilder().setPageSize(1).build()).findFirst().isPresent();
        } catch (LedgerException notYet) {
            return false;
        }
    }

    private static boolean isAsOfNow(LedgerClient client) {
        try {
            return client.listStock(ListStockRequest.newBuilder().setPageSize(1).build()).findFirst()
                    .map(page -> page.getFreshness().getAge().getSeconds() == 0 && page.getFreshness().getAge().getNanos() < 300_000_000)
                    .orElse(false);
        } catch (LedgerException notYet) {
            return false;
        }
    }

    private static boolean isUnderWay(ServerProcess server) {
        try (Connection connection = DriverManager.getConnection(server.jdbc()); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT count(*) FROM projection.sets WHERE state IN ('asked', 'building')")) {
            return row.next() && row.getLong(1) > 0;
        } catch (SQLException away) {
            return false;
        }
    }

    private static void sql(ServerProcess server, String statement) throws SQLException {
        try (Connection connection = DriverManager.getConnection(server.jdbc()); Statement change = connection.createStatement()) {
            change.executeUpdate(statement);
        }
    }

    // ---- Against a replay ----

    private void compare(LedgerClient client) {
        Map<String, Map<String, ProjectedStock>> stock = new HashMap<>();
        client.listStock(ListStockRequest.getDefaultInstance()).flatMap(page -> page.getStocksList().stream())
                .forEach(row -> stock.computeIfAbsent(row.getSku(), sku -> new TreeMap<>()).put(row.getBalance().getLocation(), row));
        Map<String, Map<String, Reservation>> reservations = new HashMap<>();
        client.listReservations(ListReservationsRequest.getDefaultInstance()).flatMap(page -> page.getReservationsList().stream())
                .forEach(row -> reservations.computeIfAbsent(row.getSku(), sku -> new TreeMap<>()).put(row.getReservationId(), row));
        List<String> different = new ArrayList<>();
        long entries = 0;
        for (int i = 0; i < SKUS; i++) {
            String sku = sku(i);
            Map<String, LocationBalance> balances = new TreeMap<>();
            Map<String, Long> sequences = new TreeMap<>();
            Map<String, long[]> held = new TreeMap<>();
            List<Entry> story = client.entries(sku, 1).toList();
            for (Entry entry : story) {
                entry.getBalancesList().forEach(balance -> {
                    balances.put(balance.getLocation(), balance);
                    sequences.put(balance.getLocation(), entry.getSequence());
                });
                replay(held, entry);
            }
            entries += story.size();
            Map<String, LocationBalance> listed = new TreeMap<>();
            Map<String, Long> listedSequences = new TreeMap<>();
            stock.getOrDefault(sku, Map.of()).forEach((location, row) -> {
                listed.put(location, row.getBalance());
                listedSequences.put(location, row.getSequence());
            });
            Map<String, Reservation> listedHeld = reservations.getOrDefault(sku, Map.of());
            boolean sameHeld = held.keySet().equals(listedHeld.keySet()) && held.entrySet().stream().allMatch(one -> {
                Reservation row = listedHeld.get(one.getKey());
                return row.getHeld() == one.getValue()[0] && row.getCommitted() == one.getValue()[1] && row.getFulfilled() == one.getValue()[2];
            });
            if (!balances.equals(listed) || !sequences.equals(listedSequences) || !sameHeld) {
                different.add(sku);
            }
        }
        ground.check(different.isEmpty(), "stock and reservations of %,d SKUs are those of a replay of their %,d entries (different: %s)",
                SKUS, entries, different.stream().limit(5).toList());
    }

    /** Units held, committed, fulfilled. */
    private static void replay(Map<String, long[]> held, Entry entry) {
        long units = entry.getMovementsList().stream().mapToLong(movement -> movement.getQuantity()).sum();
        if (entry.getKind() == EntryKind.ENTRY_KIND_RESERVE) {
            held.put(entry.getReservationId(), new long[] {units, 0, 0});
        } else if (entry.getKind() == EntryKind.ENTRY_KIND_COMMIT) {
            held.get(entry.getReservationId())[0] -= units;
            held.get(entry.getReservationId())[1] += units;
        } else if (entry.getKind() == EntryKind.ENTRY_KIND_FULFILL) {
            held.get(entry.getReservationId())[1] -= units;
            held.get(entry.getReservationId())[2] += units;
        }
    }
}
