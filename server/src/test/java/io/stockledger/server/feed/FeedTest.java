package io.stockledger.server.feed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.InvalidProtocolBufferException;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.Position;
import io.stockledger.server.journal.TestJournalWriter;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FeedTest {
    private static final FeedRequest.Start BEGINNING = new FeedRequest.Start.Beginning();
    private static final FeedRequest.Start NOW = new FeedRequest.Start.Now();

    private Database database;
    private JournalReader reader;
    private Feed feed;
    private final TestJournalWriter writer = new TestJournalWriter();

    @BeforeEach
    void open() throws Exception {
        database = TestPostgresql.database();
        reader = new JournalReader(database, TestPostgresql.JOURNAL);
    }

    @AfterEach
    void close() {
        if (feed != null) {
            feed.close();
        }
        database.close();
    }

    private void startFeed(String settings) throws Exception {
        Config config = ConfigFactory.parseString(settings).withFallback(TestPostgresql.FEED);
        feed = Feed.start(database, reader, TestPostgresql.JOURNAL, config, Clock.systemUTC(), new Pace(1),
                new CompositeMeterRegistry());
    }

    /** A subscriber that keeps what it gets, checks each SKU's order, and can be stalled. */
    private final class Subscriber implements FeedSink {
        final List<Entry> entries = new ArrayList<>();
        final Map<String, Stock> stock = new HashMap<>();
        final List<SubscribeResponse> messages = new ArrayList<>();
        private final boolean gapless;
        private final boolean lateStart;
        private final Map<String, Long> sequences = new HashMap<>();
        private final List<String> faults = new ArrayList<>();
        private boolean ready = true;
        private int readyOnce;
        /** It was said to be ready, and nothing was sent since: that may still come, though it is so no more. */
        private boolean saidReady;
        private Optional<End> end = Optional.empty();
        private Subscription subscription;

        Subscriber(Selection selection, FeedRequest.Start start, boolean initialStock, Duration heartbeat) {
            this.gapless = !selection.looksIntoEntries();
            // Then a SKU's first entry may be any of its; not with initial stock, which says where it stands.
            this.lateStart = start != BEGINNING && !initialStock;
            this.subscription = feed.subscribe(new FeedRequest(selection, start, initialStock, heartbeat), this).orElseThrow();
        }

        Subscriber(Selection selection, FeedRequest.Start start) {
            this(selection, start, false, Duration.ofSeconds(1));
        }

        @Override
        public synchronized boolean isReady() {
            saidReady = ready || readyOnce > 0;
            return saidReady;
        }

        @Override
        public synchronized void send(FeedMessage message) {
            if (!ready) {
                if (!saidReady) {
                    faults.add("sent though not ready");
                }
                saidReady = false;
                readyOnce = Math.max(0, readyOnce - 1);
            }
            SubscribeResponse response = parse(message);
            messages.add(response);
            for (Stock one : response.getStocksList()) {
                stock.put(one.getSku(), one);
                sequences.put(one.getSku(), one.getSequence());
            }
            for (Entry entry : response.getEntriesList()) {
                long before = sequences.getOrDefault(entry.getSku(), 0L);
                boolean inOrder = gapless && (before > 0 || !lateStart) ? entry.getSequence() == before + 1 : entry.getSequence() > before;
                if (!inOrder) {
                    faults.add(entry.getSku() + ": " + before + " then " + entry.getSequence());
                }
                sequences.put(entry.getSku(), entry.getSequence());
                entries.add(entry);
            }
        }

        @Override
        public synchronized void end(End why) {
            end = Optional.of(why);
        }

        synchronized void stall() {
            ready = false;
        }

        void resume() {
            synchronized (this) {
                ready = true;
            }
            subscription.wake();
        }

        void takeOne() {
            synchronized (this) {
                readyOnce = 1;
            }
            subscription.wake();
        }

        synchronized int count() {
            assertEquals(List.of(), faults);
            return entries.size();
        }

        synchronized boolean caughtUp() {
            return messages.stream().anyMatch(SubscribeResponse::getCaughtUp);
        }

        synchronized Cursor cursor() {
            byte[] bytes = messages.get(messages.size() - 1).getCursor().toByteArray();
            return ((Cursor.Parsed.Valid) feed.parseCursor(bytes)).cursor();
        }

        synchronized List<SubscribeResponse> messages() {
            return List.copyOf(messages);
        }

        synchronized Optional<End> ended() {
            return end;
        }
    }

    @Test
    void whatIsInTheJournalComesThenCaughtUpThenWhatCommits() throws Exception {
        writer.write(database, "A", TestJournalWriter.receipts(3, "main"));
        startFeed("");
        writer.write(database, "B", TestJournalWriter.receipts(2, "main"));
        Subscriber subscriber = new Subscriber(Selection.ALL, BEGINNING);
        await("caught up", subscriber::caughtUp);
        assertEquals(5, subscriber.count());
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        feed.committed();
        await("the next entry", () -> subscriber.count() == 6);
        assertEquals(1, subscriber.messages().stream().filter(SubscribeResponse::getCaughtUp).count());
    }

    @Test
    void rowsOfAnySizeComeInOrderFromTheJournalAndLive() throws Exception {
        int[] sizes = {1, 1, 300, 1, 900, 900, 1, 1, 1, 200, 1};
        int total = 0;
        for (int round = 0; round < 3; round++) {
            for (int size : sizes) {
                writer.write(database, "sku " + size % 7, TestJournalWriter.receipts(size, "main"));
                total += size;
            }
        }
        startFeed("message-bytes = 4 KiB");
        Subscriber subscriber = new Subscriber(Selection.ALL, BEGINNING);
        await("caught up", subscriber::caughtUp);
        assertEquals(total, subscriber.count());
        try (Connection connection = TestPostgresql.connect(database)) {
            connection.setAutoCommit(false);
            for (int size : sizes) {
                writer.write(connection, "sku " + size % 7, TestJournalWriter.receipts(size, "main"));
                total += size;
            }
            connection.commit();
        }
        feed.committed();
        int all = total;
        await("what was committed at once", () -> subscriber.count() == all);
    }

    @Test
    void rowsThatNobodySubscribedToAreNotReadAndComeToWhoComesLater() throws Exception {
        startFeed("");
        writer.write(database, "A", TestJournalWriter.receipts(3, "main"));
        Position first = reader.watermark();
        await("the tail has passed over the row", () -> feed.ring().covers(Cursor.after(first)) && !feed.ring().covers(Cursor.START));
        assertEquals(0, feed.ring().bytes());
        Subscriber one = new Subscriber(Selection.ALL, BEGINNING);
        await("caught up", one::caughtUp);
        writer.write(database, "A", TestJournalWriter.receipts(2, "main"));
        await("the next entries", () -> one.count() == 5);
        assertTrue(feed.ring().bytes() > 0);
        one.subscription.cancel();
        writer.write(database, "A", TestJournalWriter.receipts(4, "main"));
        Position last = reader.watermark();
        await("the tail has passed over this one too", () -> feed.ring().covers(Cursor.after(last)) && feed.ring().bytes() == 0);
        Subscriber other = new Subscriber(Selection.ALL, BEGINNING);
        await("caught up", other::caughtUp);
        assertEquals(9, other.count());
    }

    @Test
    void fromNowOnlyWhatCommitsLaterComes() throws Exception {
        startFeed("");
        writer.write(database, "A", TestJournalWriter.receipts(3, "main"));
        Subscriber subscriber = new Subscriber(Selection.ALL, NOW);
        await("caught up", subscriber::caughtUp);
        assertEquals(0, subscriber.count());
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        await("the next entry", () -> subscriber.count() == 1);
        assertEquals(4, subscriber.entries.get(0).getSequence());
    }

    @Test
    void heartbeatsTellHowFreshTheSubscriberIs() throws Exception {
        startFeed("");
        Subscriber subscriber = new Subscriber(Selection.ALL, NOW, false, Duration.ofMillis(100));
        await("three heartbeats", () -> subscriber.messages().size() >= 4);
        SubscribeResponse last = subscriber.messages().get(3);
        assertTrue(last.hasCompleteTime() && last.hasLedgerTime() && !last.getCursor().isEmpty());
        long stale = ms(last.getLedgerTime()) - ms(last.getCompleteTime());
        assertTrue(stale >= 0 && stale < 2_000, stale + " ms");
    }

    @Test
    void everyCursorResumesExactlyBehindItsMessageAlsoInTheMiddleOfARow() throws Exception {
        try (Connection connection = TestPostgresql.connect(database)) {
            connection.setAutoCommit(false);
            for (int i = 0; i < 5; i++) {
                writer.write(connection, "A", TestJournalWriter.receipts(40, "main"));
                writer.write(connection, "B", TestJournalWriter.receipts(1, "main"));
            }
            connection.commit();
        }
        startFeed("message-bytes = 400");
        for (Selection selection : List.of(Selection.ALL, kinds(EntryKind.ENTRY_KIND_RECEIVE), skus("A", "B"))) {
            Subscriber whole = new Subscriber(selection, BEGINNING);
            await("all", () -> whole.count() == 205);
            assertTrue(whole.messages().size() > 15, "rows were not split: " + whole.messages().size());
            int before = 0;
            for (SubscribeResponse message : whole.messages()) {
                before += message.getEntriesCount();
                Cursor cursor = ((Cursor.Parsed.Valid) feed.parseCursor(message.getCursor().toByteArray())).cursor();
                Subscriber resumed = new Subscriber(selection, new FeedRequest.Start.After(cursor));
                int expected = 205 - before;
                await("the rest", () -> resumed.caughtUp() && resumed.count() == expected);
                assertEquals(whole.entries.subList(before, 205), resumed.entries);
                resumed.subscription.cancel();
            }
            whole.subscription.cancel();
        }
    }

    @Test
    void entriesMustMatchEachPartOfTheFilter() throws Exception {
        try (Connection connection = TestPostgresql.connect(database)) {
            writer.write(connection, "A", List.of(
                    TestJournalWriter.entry(EntryKind.ENTRY_KIND_RECEIVE, "berlin", ""),
                    TestJournalWriter.entry(EntryKind.ENTRY_KIND_SELL, "berlin", "web"),
                    TestJournalWriter.entry(EntryKind.ENTRY_KIND_SELL, "paris", "web"),
                    TestJournalWriter.entry(EntryKind.ENTRY_KIND_SELL, "berlin", "pos"),
                    TestJournalWriter.entry(EntryKind.ENTRY_KIND_SHIP_TRANSFER, "rome", "").addMovements(
                            io.stockledger.v1.Movement.newBuilder()
                                    .setFrom(io.stockledger.v1.Bucket.BUCKET_AVAILABLE)
                                    .setTo(io.stockledger.v1.Bucket.BUCKET_INCOMING).setQuantity(1)
                                    .setLocation("rome").setToLocation("berlin"))));
            writer.write(connection, "AB", List.of(TestJournalWriter.entry(EntryKind.ENTRY_KIND_SELL, "berlin", "web")));
            writer.write(connection, "B", List.of(TestJournalWriter.entry(EntryKind.ENTRY_KIND_SELL, "berlin", "web")));
        }
        startFeed("");
        assertEquals(List.of("A1", "A2", "A4", "A5", "AB1", "B1"), matched(new Selection(new TreeSet<>(), "", 0, 1, Set.of("berlin"), Set.of(), Set.of())));
        assertEquals(List.of("A2", "A3", "AB1", "B1"), matched(new Selection(new TreeSet<>(), "", 0, 1, Set.of(), Set.of("web"), Set.of())));
        assertEquals(List.of("A1", "A5"), matched(new Selection(new TreeSet<>(), "", 0, 1, Set.of(), Set.of(""), Set.of())));
        assertEquals(List.of("A2", "AB1"), matched(new Selection(new TreeSet<>(), "A", 0, 1, Set.of("berlin"), Set.of("web"), Set.of(EntryKind.ENTRY_KIND_SELL_VALUE))));
        assertEquals(List.of("B1"), matched(skus("B")));
        assertEquals(List.of("AB1"), matched(new Selection(new TreeSet<>(), "AB", 0, 1, Set.of(), Set.of(), Set.of())));
    }

    private List<String> matched(Selection selection) throws Exception {
        Subscriber subscriber = new Subscriber(selection, BEGINNING);
        await("caught up", subscriber::caughtUp);
        subscriber.count();
        subscriber.subscription.cancel();
        return subscriber.entries.stream().map(entry -> entry.getSku() + entry.getSequence()).toList();
    }

    @Test
    void threeSharesTogetherSeeAllOnceWhileWritersRun() throws Exception {
        startFeed("ring-rows = 50");
        List<Subscriber> shares = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            shares.add(new Subscriber(new Selection(new TreeSet<>(), "", i, 3, Set.of(), Set.of(), Set.of()), BEGINNING));
        }
        Subscriber all = new Subscriber(Selection.ALL, BEGINNING);
        int written = writeFrom(4, 250);
        await("all of it", () -> all.count() == written && shares.stream().mapToInt(Subscriber::count).sum() == written);
        Set<String> seen = new HashSet<>();
        for (Subscriber share : shares) {
            assertTrue(share.count() > 0);
            share.entries.forEach(entry -> assertTrue(seen.add(entry.getSku() + " " + entry.getSequence())));
        }
    }

    @Test
    void stalledSubscriberHoldsNothingDelaysNobodyAndFallsBackToTheJournal() throws Exception {
        startFeed("ring-bytes = 200000, ring-rows = 100");
        Subscriber stalled = new Subscriber(Selection.ALL, BEGINNING);
        Subscriber brisk = new Subscriber(Selection.ALL, BEGINNING);
        await("both live", () -> stalled.caughtUp() && brisk.caughtUp());
        stalled.stall();
        int before = stalled.count();
        int written = writeFrom(4, 250);
        await("the brisk one has all", () -> brisk.count() == written);
        assertEquals(before, stalled.count());
        assertTrue(feed.ring().bytes() <= 200_000, "the ring holds " + feed.ring().bytes());
        // A little at a time, then all.
        for (int i = 0; i < 3; i++) {
            int had = stalled.messages().size();
            stalled.takeOne();
            await("one message", () -> stalled.messages().size() == had + 1);
        }
        stalled.resume();
        await("the stalled one has all", () -> stalled.count() == written);
        await("caught up a second time", () -> stalled.messages().stream().filter(SubscribeResponse::getCaughtUp).count() == 2);
    }

    @Test
    void subscriberThatIsStalledAndReconnectedAtRandomMissesNothing() throws Exception {
        startFeed("ring-rows = 64, message-bytes = 2000");
        AtomicBoolean writing = new AtomicBoolean(true);
        ExecutorService pool = Executors.newSingleThreadExecutor();
        Future<Integer> written = pool.submit(() -> writeFrom(4, 300));
        Random random = new Random(7);
        Map<String, Long> sequences = new HashMap<>();
        FeedRequest.Start start = BEGINNING;
        int total = 0;
        while (writing.get()) {
            boolean last = written.isDone();
            Subscriber subscriber = new Subscriber(kinds(EntryKind.ENTRY_KIND_RECEIVE), start);
            int wanted = 1 + random.nextInt(8);
            await("some messages", () -> subscriber.messages().size() >= wanted || subscriber.caughtUp());
            if (random.nextBoolean()) {
                subscriber.stall();
                TimeUnit.MILLISECONDS.sleep(random.nextInt(20));
                subscriber.resume();
            }
            if (last) {
                await("caught up", subscriber::caughtUp);
                writing.set(false);
            }
            subscriber.subscription.cancel();
            subscriber.stall();
            synchronized (subscriber) {
                for (Entry entry : subscriber.entries) {
                    assertEquals(sequences.merge(entry.getSku(), 1L, Long::sum), entry.getSequence(), entry.getSku());
                    total++;
                }
                if (!subscriber.messages.isEmpty()) {
                    start = new FeedRequest.Start.After(subscriber.cursor());
                }
            }
        }
        pool.shutdown();
        assertEquals(written.get(), total);
    }

    @Test
    void initialStockAndTheEntriesAfterItLeaveNoGapWhileWritersRun() throws Exception {
        writeFrom(4, 50);
        // A location that only the oldest group touched.
        TestJournalWriter two = new TestJournalWriter();
        two.write(database, "two", TestJournalWriter.receipts(1, "cellar"));
        for (int i = 0; i < 5; i++) {
            two.write(database, "two", TestJournalWriter.receipts(2, "shop"));
        }
        reader = new JournalReader(database, 2, 500);
        startFeed("message-bytes = 500");
        ExecutorService pool = Executors.newSingleThreadExecutor();
        Future<Integer> more = pool.submit(() -> writeFrom(4, 100));
        Subscriber subscriber = new Subscriber(Selection.ALL, NOW, true, Duration.ofSeconds(1));
        more.get();
        pool.shutdown();
        await("each SKU stands where its last entry does", () -> {
            synchronized (subscriber) {
                subscriber.count();
                return subscriber.caughtUp() && subscriber.sequences.entrySet().stream()
                        .allMatch(entry -> entry.getKey().equals("two") || entry.getValue() == lastSequence(entry.getKey()));
            }
        });
        Stock stock = subscriber.stock.get("two");
        assertEquals(11, stock.getSequence());
        assertEquals(List.of("cellar", "shop"), stock.getBalancesList().stream().map(LocationBalance::getLocation).toList());
        assertEquals(12, stock.getOnHand());
        List<SubscribeResponse> messages = subscriber.messages();
        int complete = messages.indexOf(messages.stream().filter(SubscribeResponse::getStockComplete).findFirst().orElseThrow());
        for (int i = 0; i < messages.size(); i++) {
            assertEquals(i < complete, messages.get(i).getCursor().isEmpty());
            assertTrue(i <= complete ? messages.get(i).getEntriesCount() == 0 : messages.get(i).getStocksCount() == 0);
        }
        assertTrue(complete > 3, "one page only");
        Subscriber cellar = new Subscriber(new Selection(new TreeSet<>(), "", 0, 1, Set.of("cellar"), Set.of(), Set.of()), NOW, true, Duration.ofSeconds(1));
        await("caught up", cellar::caughtUp);
        assertEquals(Set.of("two"), cellar.stock.keySet());
        assertEquals(1, cellar.stock.get("two").getOnHand());
    }

    @Test
    void stockOfASkuAtVeryManyLocationsComesInPartsThatFit() throws Exception {
        TestJournalWriter wide = new TestJournalWriter();
        wide.write(database, "after", TestJournalWriter.receipts(1, "main"));
        for (int i = 0; i < 200; i++) {
            wide.write(database, "wide", TestJournalWriter.receipts(1, "location " + (1000 + i)));
        }
        wide.write(database, "before", TestJournalWriter.receipts(1, "main"));
        startFeed("message-bytes = 500");
        Subscriber subscriber = new Subscriber(Selection.ALL, NOW, true, Duration.ofSeconds(1));
        await("caught up", subscriber::caughtUp);
        List<Stock> parts = subscriber.messages().stream().flatMap(message -> message.getStocksList().stream())
                .filter(stock -> stock.getSku().equals("wide")).toList();
        assertTrue(parts.size() > 5, parts.size() + " parts");
        assertEquals(IntStream.range(0, 200).mapToObj(i -> "location " + (1000 + i)).toList(), parts.stream()
                .flatMap(part -> part.getBalancesList().stream()).map(LocationBalance::getLocation).toList());
        for (Stock part : parts) {
            assertEquals(200, part.getSequence());
            long units = part.getBalancesList().stream().mapToLong(LocationBalance::getAvailable).sum();
            assertEquals(units, part.getOnHand());
            assertEquals(units, part.getAvailableToSell());
        }
        for (SubscribeResponse message : subscriber.messages()) {
            assertTrue(message.getSerializedSize() < 1_200, message.getSerializedSize() + " bytes");
        }
        assertEquals(Set.of("after", "before", "wide"), subscriber.stock.keySet());
        Subscriber nowhere = new Subscriber(new Selection(new TreeSet<>(), "", 0, 1, Set.of("elsewhere"), Set.of(), Set.of()), NOW, true, Duration.ofSeconds(1));
        await("caught up", nowhere::caughtUp);
        assertEquals(Set.of(), nowhere.stock.keySet());
    }

    @Test
    void cursorOfARowThatTheJournalDoesNotHoldIsExpiredNotSilent() throws Exception {
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        startFeed("");
        Position last = reader.watermark();
        Subscriber subscriber = new Subscriber(Selection.ALL, new FeedRequest.Start.After(Cursor.after(new Position(last.tx() + 1_000_000, 5))));
        await("ended", () -> subscriber.ended().isPresent());
        assertEquals(FeedSink.End.CURSOR_EXPIRED, subscriber.ended().orElseThrow());
        assertEquals(0, feed.subscriptionCount());
    }

    @Test
    void subscriptionsGoOnAfterTheDatabaseWasAway() throws Exception {
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        startFeed("");
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        Subscriber live = new Subscriber(Selection.ALL, BEGINNING);
        Subscriber catchingUp = new Subscriber(Selection.ALL, BEGINNING);
        catchingUp.stall();
        await("live", live::caughtUp);
        String name = database.address().url().replaceFirst(".*/", "");
        try (Connection connection = TestPostgresql.superuser("postgres"); var statement = connection.createStatement()) {
            statement.execute("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
            statement.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'");
            catchingUp.resume();
            statement.execute("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
        }
        try (Connection connection = TestPostgresql.connect(database)) {
            writer.write(connection, "A", TestJournalWriter.receipts(1, "main"));
        }
        await("both have all", () -> live.count() == 3 && catchingUp.count() == 3);
    }

    @Test
    void aCursorInsideOfTheLastRowOfASkuThatIsNotAskedForBecomesLiveOnAQuietLedger() throws Exception {
        writer.write(database, "A", TestJournalWriter.receipts(20, "main"));
        // Its ring begins behind that row.
        startFeed("");
        Cursor inside = new Cursor(reader.watermark(), 7);
        Subscriber others = new Subscriber(skus("B"), new FeedRequest.Start.After(inside));
        Subscriber prefix = new Subscriber(new Selection(new TreeSet<>(), "B", 0, 1, Set.of(), Set.of(), Set.of()), new FeedRequest.Start.After(inside));
        Subscriber same = new Subscriber(skus("A"), new FeedRequest.Start.After(inside));
        await("all caught up", () -> others.caughtUp() && prefix.caughtUp() && same.caughtUp());
        assertEquals(13, same.count());
        writer.write(database, "B", TestJournalWriter.receipts(2, "main"));
        feed.committed();
        await("what commits then", () -> others.count() == 2 && prefix.count() == 2);
    }

    @Test
    void initialStockOfASkuWithALongPastIsReadInStepsAndKeepsNobodyFromTheirs() throws Exception {
        try (Connection connection = TestPostgresql.connect(database)) {
            connection.setAutoCommit(false);
            // Balances at the cellar stand in the very first row.
            writer.write(connection, "long", TestJournalWriter.receipts(1, "cellar"));
            for (int i = 0; i < 300; i++) {
                writer.write(connection, "long", TestJournalWriter.receipts(1, "shop"));
            }
            writer.write(connection, "z", TestJournalWriter.receipts(1, "shop"));
            connection.commit();
        }
        reader = new JournalReader(database, 10, 1 << 20);
        startFeed("message-bytes = 1 KiB, catch-up-threads = 1");
        Subscriber subscriber = new Subscriber(Selection.ALL, NOW, true, Duration.ofNanos(1));
        await("caught up", subscriber::caughtUp);
        assertEquals(Map.of("cellar", 1L, "shop", 301L), subscriber.stock.get("long").getBalancesList().stream()
                .collect(Collectors.toMap(LocationBalance::getLocation, LocationBalance::getAvailable)));
        assertEquals(302, subscriber.stock.get("long").getOnHand());
        assertEquals(1, subscriber.stock.get("z").getOnHand());
        // Each step leaves the thread to others, looks whether the subscriber is still there, and has a heartbeat.
        int steps = 0;
        for (SubscribeResponse message : subscriber.messages()) {
            if (message.getStocksCount() > 0) {
                break;
            }
            steps++;
        }
        assertTrue(steps >= 10, "read in " + steps + " steps");
    }

    @Test
    void initialStockOfManySkusAtSeveralLocationsLeavesNoneOut() throws Exception {
        try (Connection connection = TestPostgresql.connect(database)) {
            connection.setAutoCommit(false);
            for (int sku = 0; sku < 250; sku++) {
                for (int row = 0; row < 2 + sku % 5; row++) {
                    writer.write(connection, "sku " + sku, TestJournalWriter.receipts(1, row == 0 ? "cellar" : row == 1 ? "attic" : "shop"));
                }
            }
            connection.commit();
        }
        reader = new JournalReader(database, 2, 500);
        startFeed("message-bytes = 1 KiB");
        Subscriber subscriber = new Subscriber(Selection.ALL, NOW, true, Duration.ofSeconds(60));
        await("caught up", subscriber::caughtUp);
        for (int sku = 0; sku < 250; sku++) {
            Stock stock = subscriber.stock.get("sku " + sku);
            assertEquals(sku % 5 == 0 ? 2 : 3, stock.getBalancesCount(), stock::toString);
        }
        assertEquals(250, subscriber.messages().stream().mapToInt(SubscribeResponse::getStocksCount).sum(), "each of them once");
    }

    @Test
    void noMoreSubscriptionsThanAllowedAndAnEndedOneMakesRoom() throws Exception {
        startFeed("subscriptions-max = 2");
        Subscriber one = new Subscriber(Selection.ALL, NOW);
        new Subscriber(Selection.ALL, NOW);
        FeedRequest request = new FeedRequest(Selection.ALL, NOW, false, Duration.ofSeconds(1));
        assertTrue(feed.subscribe(request, one).isEmpty());
        one.subscription.cancel();
        assertTrue(feed.subscribe(request, one).isPresent());
    }

    @Test
    void closingTellsEverySubscriber() throws Exception {
        startFeed("");
        Subscriber subscriber = new Subscriber(Selection.ALL, NOW);
        await("live", subscriber::caughtUp);
        feed.close();
        await("ended", () -> subscriber.ended().isPresent());
        assertEquals(FeedSink.End.CLOSING, subscriber.ended().orElseThrow());
    }

    @Test
    void closingTellsTheSubscriberWhoIsBeingSentToAsWell() throws Exception {
        startFeed("");
        CountDownLatch sending = new CountDownLatch(1);
        CountDownLatch sent = new CountDownLatch(1);
        AtomicReference<FeedSink.End> end = new AtomicReference<>();
        feed.subscribe(new FeedRequest(Selection.ALL, NOW, false, Duration.ofSeconds(60)), new FeedSink() {
            @Override
            public boolean isReady() {
                return true;
            }

            @Override
            public void send(FeedMessage message) {
                if (parse(message).getEntriesCount() > 0) {
                    sending.countDown();
                    try {
                        sent.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
            }

            @Override
            public void end(End why) {
                end.set(why);
            }
        }).orElseThrow();
        Subscriber other = new Subscriber(Selection.ALL, NOW);
        await("live", other::caughtUp);
        writer.write(database, "A", TestJournalWriter.receipts(1, "main"));
        feed.committed();
        assertTrue(sending.await(10, TimeUnit.SECONDS));
        Thread closing = new Thread(feed::close);
        closing.start();
        // From here on a step that ends can't be followed by another.
        await("the threads take no more", () -> feed.live().isShutdown());
        sent.countDown();
        closing.join();
        assertEquals(FeedSink.End.CLOSING, end.get());
    }

    @Test
    void shareIsThePublishedHash() {
        // CRC-32 of "A" is 0xD3D99E8B.
        assertEquals((int) (0xD3D99E8BL % 1000), Selection.shareOf("A", 1000));
    }

    private final Map<String, TestJournalWriter> writers = new HashMap<>();

    private synchronized long lastSequence(String sku) {
        return writers.get(sku.split("/")[0]).sequence(sku);
    }

    /** So many writers at once, each in transactions of a few rows over ten SKUs of its own; entries written by all of this test. */
    private int writeFrom(int count, int rowsEach) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(count);
        List<Future<?>> done = new ArrayList<>();
        for (int w = 0; w < count; w++) {
            String name = "w" + w;
            TestJournalWriter own;
            synchronized (this) {
                own = writers.computeIfAbsent(name, key -> new TestJournalWriter());
            }
            done.add(pool.submit(() -> {
                Random random = new Random(name.hashCode());
                try (Connection connection = TestPostgresql.connect(database)) {
                    connection.setAutoCommit(false);
                    for (int i = 0; i < rowsEach; i++) {
                        own.write(connection, name + "/" + random.nextInt(10), TestJournalWriter.receipts(1 + random.nextInt(20), "main"));
                        if (random.nextInt(4) == 0) {
                            connection.commit();
                            feed();
                        }
                    }
                    connection.commit();
                    feed();
                }
                return null;
            }));
        }
        for (Future<?> one : done) {
            one.get();
        }
        pool.shutdown();
        int written = 0;
        for (Map.Entry<String, TestJournalWriter> own : writers.entrySet()) {
            for (int s = 0; s < 10; s++) {
                written += (int) own.getValue().sequence(own.getKey() + "/" + s);
            }
        }
        return written;
    }

    private void feed() {
        if (feed != null) {
            feed.committed();
        }
    }

    private static Selection kinds(EntryKind kind) {
        return new Selection(new TreeSet<>(), "", 0, 1, Set.of(), Set.of(), Set.of(kind.getNumber()));
    }

    private static Selection skus(String... skus) {
        return new Selection(new TreeSet<>(List.of(skus)), "", 0, 1, Set.of(), Set.of(), Set.of());
    }

    private static long ms(com.google.protobuf.Timestamp time) {
        return time.getSeconds() * 1000 + time.getNanos() / 1_000_000;
    }

    private static SubscribeResponse parse(FeedMessage message) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            message.writeTo(bytes);
            assertEquals(message.length(), bytes.size());
            return SubscribeResponse.parseFrom(bytes.toByteArray());
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertFalse(System.nanoTime() > end, "not within 20 s: " + what);
            TimeUnit.MILLISECONDS.sleep(2);
        }
    }
}
