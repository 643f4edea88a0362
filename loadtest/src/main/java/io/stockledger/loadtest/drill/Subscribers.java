package io.stockledger.loadtest.drill;

import com.google.protobuf.ByteString;
import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Subscription;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * Follows a replay with subscribers that have a hard life: a process that is killed, one that stalls for seconds, one
 * that goes and comes back, one on a connection that breaks, filtered ones and three shares; and kills the server
 * once. In the end each must have been told what a fresh reader is told, per SKU in order, nothing twice.
 */
final class Subscribers {
    private static final String PREFIX = "22";
    private static final String CHANNEL = "france";
    private static final int LISTED_SKUS = 300;

    private final Ground ground;
    private final Path file;
    private final Map<String, Heard> records = new LinkedHashMap<>();
    private final List<String> failures = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger comebacks = new AtomicInteger();
    private final AtomicInteger stalls = new AtomicInteger();
    private volatile boolean over;

    Subscribers(Ground ground, Path file) {
        this.ground = ground;
        this.file = file;
    }

    void run() throws Exception {
        PlainCount count = PlainCount.of(file, 100);
        ServerProcess server = ground.server();
        Proxy proxy = ground.keep(Proxy.to(server.port()));
        LedgerClient client = ground.client(server.target());
        LedgerClient shaky = ground.client(proxy.target());
        client.awaitReachable(Duration.ofSeconds(10));

        SubscribeRequest all = SubscribeRequest.newBuilder().setFromBeginning(true).build();
        follow(client, "undisturbed", all);
        follow(shaky, "on a connection that breaks", all);
        stalled(client, "stalled for seconds", all);
        follow(client, "prefix " + PREFIX, all.toBuilder().setFilter(FeedFilter.newBuilder().setSkuPrefix(PREFIX)).build());
        follow(client, "channel " + CHANNEL, all.toBuilder().setFilter(FeedFilter.newBuilder().addChannels(CHANNEL)).build());
        for (int share = 0; share < 3; share++) {
            follow(shaky, "share " + share + " of 3", all.toBuilder().setShare(Share.newBuilder().setIndex(share).setCount(3)).build());
        }
        Thread restless = background(() -> restless(client, "goes and comes back"));
        Path notes = ground.folder().resolve("subscriber.notes");
        AtomicInteger subscriberKills = new AtomicInteger();
        Thread killed = background(() -> killedProcess(server, notes, subscriberKills));

        Process replay = replay(server);
        boolean serverKilled = false;
        int cuts = 0;
        while (replay.isAlive()) {
            if (!serverKilled && record("undisturbed").entries() > count.entries() / 2) {
                server.kill();
                Ground.pause(ground.chance(0, 2_000));
                server.start();
                serverKilled = true;
            }
            if (replay.waitFor(ground.chance(200, 1_500), TimeUnit.MILLISECONDS)) {
                break;
            }
            proxy.cut();
            cuts++;
        }
        boolean replayed = replay.exitValue() == 0 || replay(server).waitFor() == 0;
        ground.check(replayed && serverKilled, "the replay came to its end, the server killed once in its middle");

        Heard whole = freshRead(client, "a fresh reader", all);
        over = true;
        restless.join(30_000);
        killed.join(60_000);
        boolean settled = Ground.await(Duration.ofSeconds(60), () -> records.entrySet().stream()
                .allMatch(record -> record.getValue().entries() >= expected(record.getKey(), whole)));
        ground.say("%d connections cut, %d stalls, %d comebacks, %d kills of the subscriber's process", cuts, stalls.get(), comebacks.get(), subscriberKills.get());
        failures.forEach(failure -> ground.say("ended: %s", failure));
        ground.check(settled && failures.isEmpty(), "no subscription ended or fell short");

        holdAgainstLedger(client, count, whole);
        records.put("killed process", new Heard());
        SubscriberProcess.tell(notes, record("killed process"));
        for (String name : List.of("undisturbed", "on a connection that breaks", "stalled for seconds", "goes and comes back", "killed process")) {
            Heard record = record(name);
            ground.check(record.outOfOrder() == 0 && record.equalTo(whole), "%s: %,d entries, each SKU as the fresh reader has it, none twice", name, record.entries());
        }
        String prefix = "prefix " + PREFIX;
        ground.check(record(prefix).equalTo(part(whole, sku -> sku.startsWith(PREFIX))), "%s: %,d entries, all of its SKUs, dense", prefix, record(prefix).entries());
        channel(client, all);
        shares(whole);
    }

    private void holdAgainstLedger(LedgerClient client, PlainCount count, Heard whole) {
        long dense = whole.skus().stream().filter(whole::isDense).count();
        ground.check(whole.entries() == count.entries() && dense == count.skus().size(), "a fresh reader: %,d entries, %,d SKUs, each dense from 1", whole.entries(), dense);
        long other = client.stocks(whole.skus(), "").stream().filter(stock -> isOther(stock, whole)).count();
        ground.check(other == 0, "as far as the stock of each SKU says (%d differ)", other);
        List<String> skus = new ArrayList<>(whole.skus());
        Collections.shuffle(skus, ground.random());
        List<String> sample = skus.subList(0, Math.min(LISTED_SKUS, skus.size()));
        long same = sample.stream().filter(sku -> Arrays.equals(client.entries(sku, 1).mapToLong(Entry::getSequence).toArray(), whole.of(sku))).count();
        ground.check(same == sample.size(), "and as ListEntries has it, for %d of %d SKUs", same, sample.size());
    }

    private static boolean isOther(Stock stock, Heard whole) {
        return stock.getSequence() != whole.of(stock.getSku()).length;
    }

    private void channel(LedgerClient client, SubscribeRequest all) throws InterruptedException {
        Heard record = record("channel " + CHANNEL);
        Heard chosen = new Heard();
        readAll(client, all, entry -> entry.getChannel().equals(CHANNEL), chosen);
        ground.check(record.outOfOrder() == 0 && record.equalTo(chosen) && chosen.entries() > 0,
                "channel %s: %,d entries, those that a fresh reader picks out by itself, in order", CHANNEL, record.entries());
    }

    private void shares(Heard whole) {
        Heard together = new Heard();
        long shared = 0;
        boolean inOrder = true;
        for (int share = 0; share < 3; share++) {
            Heard record = record("share " + share + " of 3");
            inOrder &= record.outOfOrder() == 0 && record.skus().stream().allMatch(record::isDense);
            shared += record.entries();
            for (String sku : record.skus()) {
                for (long sequence : record.of(sku)) {
                    together.note(sku, sequence);
                }
            }
        }
        ground.check(inOrder && shared == whole.entries() && together.equalTo(whole), "three shares: %,d + %,d + %,d entries, all of them, each once",
                record("share 0 of 3").entries(), record("share 1 of 3").entries(), record("share 2 of 3").entries());
    }

    /** Closes its subscription at random and opens another after the cursor that it kept with the entries. */
    private void restless(LedgerClient client, String name) {
        Heard record = record(name);
        Keeping keeping = new Keeping(name, record);
        java.util.Random random = new java.util.Random(ground.random().nextLong());
        while (!over) {
            try (Subscription subscription = client.subscribe(keeping.request(), keeping)) {
                Ground.pause(200 + random.nextInt(1_500));
            }
            comebacks.incrementAndGet();
            Ground.pause(random.nextInt(800));
        }
        client.subscribe(keeping.request(), keeping);
    }

    private void killedProcess(ServerProcess server, Path notes, AtomicInteger kills) {
        java.util.Random random = new java.util.Random(ground.random().nextLong());
        Path output = ground.folder().resolve("subscriber.log");
        while (!over) {
            Process process = launch(server, notes, output);
            long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(2_000 + random.nextInt(3_000));
            while (!over && System.nanoTime() < end) {
                Ground.pause(20);
            }
            process.destroyForcibly();
            kills.incrementAndGet();
        }
        Process last = launch(server, notes, output);
        long expected = record("undisturbed").entries();
        Heard told = new Heard();
        Ground.await(Duration.ofSeconds(40), () -> {
            Heard now = new Heard();
            try {
                SubscriberProcess.tell(notes, now);
            } catch (IOException e) {
                return false;
            }
            return now.entries() >= expected;
        });
        last.destroyForcibly();
    }

    private Process launch(ServerProcess server, Path notes, Path output) {
        try {
            Process process = new ProcessBuilder(System.getProperty("stockledger.java"), "-Xmx256m", "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path"),
                    Drill.class.getName(), "subscriber", "--target", server.target(), "--notes", notes.toString())
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile())).start();
            ground.keep(new Killed(process));
            return process;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private Process replay(ServerProcess server) {
        return ground.keep(new Killed(server.verb(ground.folder().resolve("replay.log"), List.of("replay", file.toString())))).process();
    }

    private void follow(LedgerClient client, String name, SubscribeRequest request) {
        client.subscribe(request, new Keeping(name, record(name)));
    }

    private void stalled(LedgerClient client, String name, SubscribeRequest request) {
        Keeping keeping = new Keeping(name, record(name));
        java.util.Random random = new java.util.Random(ground.random().nextLong());
        client.subscribe(request, new EntryListener() {
            private long nextStall = System.nanoTime();

            @Override
            public void onEntries(List<Entry> entries, FeedProgress progress) {
                keeping.onEntries(entries, progress);
                if (!over && System.nanoTime() > nextStall) {
                    stalls.incrementAndGet();
                    Ground.pause(2_000 + random.nextInt(4_000));
                    nextStall = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(500 + random.nextInt(1_500));
                }
            }

            @Override
            public void onFailed(LedgerException error) {
                keeping.onFailed(error);
            }
        });
    }

    private Heard freshRead(LedgerClient client, String name, SubscribeRequest all) throws InterruptedException {
        Heard record = new Heard();
        ground.check(readAll(client, all, entry -> true, record), "%s caught up", name);
        return record;
    }

    private static boolean readAll(LedgerClient client, SubscribeRequest all, Predicate<Entry> which, Heard into) throws InterruptedException {
        java.util.concurrent.CountDownLatch caughtUp = new java.util.concurrent.CountDownLatch(1);
        try (Subscription subscription = client.subscribe(all, new EntryListener() {
            @Override
            public void onEntries(List<Entry> entries, FeedProgress progress) {
                entries.stream().filter(which).forEach(entry -> into.note(entry.getSku(), entry.getSequence()));
            }

            @Override
            public void onCaughtUp(FeedProgress progress) {
                caughtUp.countDown();
            }
        })) {
            return caughtUp.await(60, TimeUnit.SECONDS);
        }
    }

    private static Heard part(Heard whole, Predicate<String> skus) {
        Heard part = new Heard();
        whole.skus().stream().filter(skus).forEach(sku -> Arrays.stream(whole.of(sku)).forEach(sequence -> part.note(sku, sequence)));
        return part;
    }

    private static long expected(String name, Heard whole) {
        if (name.startsWith("channel ") || name.startsWith("share ")) {
            return 1;
        }
        return name.startsWith("prefix ") ? part(whole, sku -> sku.startsWith(PREFIX)).entries() : whole.entries();
    }

    private Heard record(String name) {
        synchronized (records) {
            return records.computeIfAbsent(name, key -> new Heard());
        }
    }

    private static Thread background(Runnable task) {
        Thread thread = new Thread(task, "drill");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    /** Notes what it is told, with the cursor after it, as a consumer with a transaction would. */
    private final class Keeping implements EntryListener {
        private final String name;
        private final Heard record;
        private Optional<ByteString> cursor = Optional.empty();

        Keeping(String name, Heard record) {
            this.name = name;
            this.record = record;
        }

        synchronized SubscribeRequest request() {
            return cursor.map(after -> SubscribeRequest.newBuilder().setAfterCursor(after).build())
                    .orElseGet(() -> SubscribeRequest.newBuilder().setFromBeginning(true).build());
        }

        @Override
        public synchronized void onEntries(List<Entry> entries, FeedProgress progress) {
            entries.forEach(entry -> record.note(entry.getSku(), entry.getSequence()));
            cursor = Optional.of(progress.cursor());
        }

        @Override
        public void onFailed(LedgerException error) {
            failures.add(name + ": " + error.getMessage());
        }
    }
}
