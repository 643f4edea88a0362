package io.stockledger.server.projection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.LedgerIdentity;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.TestJournalWriter;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.Bucket;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.Movement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each entry counts exactly once, whatever ends the thread or the session that keeps the projection, and when. */
class KeeperTest {
    private static final Duration BOUND = Duration.ofSeconds(30);
    private static final Config SMALL_STEPS = ConfigFactory.parseString("interval = 1 ms, transaction-rows = 4, page-bytes = 4 KiB")
            .withFallback(ConfigFactory.load().getConfig("stockledger.projection"));

    private Database database;
    private JournalReader journal;
    private Feed feed;
    private final TestJournalWriter writer = new TestJournalWriter();
    private final Random random = new Random(3);

    @BeforeEach
    void open() throws Exception {
        database = TestPostgresql.database();
        journal = new JournalReader(database, TestPostgresql.JOURNAL);
        feed = Feed.start(database, journal, TestPostgresql.JOURNAL, TestPostgresql.FEED, Clock.systemUTC(), new Pace(1), new CompositeMeterRegistry());
    }

    @AfterEach
    void close() {
        feed.close();
        database.close();
    }

    private Projection projection() throws SQLException {
        return Projection.start(database, journal, feed, SMALL_STEPS, Clock.systemUTC(), new Pace(1), new CompositeMeterRegistry());
    }

    /** A row of so many entries, each at a place and on a channel of its own: as many rows of the projection's tables. */
    private void write(String sku, int entries) throws SQLException {
        List<Entry.Builder> group = new ArrayList<>();
        for (int i = 0; i < entries; i++) {
            String location = "place " + i % 5;
            group.add(TestJournalWriter.entry(EntryKind.ENTRY_KIND_RECEIVE, location, "channel " + i % 3)
                    .addMovements(Movement.newBuilder().setFrom(Bucket.BUCKET_SUPPLIER).setTo(Bucket.BUCKET_AVAILABLE)
                            .setQuantity(1).setLocation(location)));
        }
        writer.write(database, sku, group);
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + BOUND.toNanos();
        while (!condition.call()) {
            assertTrue(System.nanoTime() < end, "not within " + BOUND + ": " + what);
            TimeUnit.MILLISECONDS.sleep(2);
        }
    }

    private void assertWhole(Projection projection, String sku) throws Exception {
        await(sku + " is there", () -> projection.rowsOf(sku).map(rows -> rows.sequence() == writer.sequence(sku)).orElse(false));
        ProjectedSku rows = projection.rowsOf(sku).orElseThrow();
        assertEquals(writer.sequence(sku), rows.dailyMovements().stream().mapToLong(DailyMovement::units).sum(), sku + ": units");
        assertEquals(writer.sequence(sku), rows.dailyMovements().stream().mapToLong(DailyMovement::entries).sum(), sku + ": entries");
        for (ProjectedStock stock : rows.stock()) {
            assertEquals(stock.sequence(), stock.balance().available(), sku + " at " + stock.balance().location());
        }
    }

    @Test
    void eachEntryCountsOnceHoweverOftenItsKeeperIsEndedInTheMiddle() throws Exception {
        List<String> skus = List.of("one", "two", "three");
        for (int ending = 0; ending < 12; ending++) {
            for (String sku : skus) {
                write(sku, 1 + random.nextInt(40));
            }
            try (Projection projection = projection()) {
                if (ending % 3 == 1) {
                    projection.askForRebuild();
                }
                TimeUnit.MICROSECONDS.sleep(random.nextInt(40_000));
                if (ending % 2 == 0) {
                    killItsSession();
                    write(skus.get(0), 30);
                    TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
                }
            }
        }
        try (Projection projection = projection()) {
            for (String sku : skus) {
                assertWhole(projection, sku);
            }
            await("no rebuild is left", () -> !projection.rebuild().underWay());
            for (String sku : skus) {
                assertWhole(projection, sku);
            }
        }
    }

    private void killItsSession() throws SQLException {
        try (Connection connection = superuser(); PreparedStatement kill = connection.prepareStatement(
                "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                        + " WHERE l.locktype = 'advisory' AND a.datname = current_database()")) {
            kill.executeQuery().close();
        }
    }

    private Connection superuser() throws SQLException {
        return TestPostgresql.superuser(database.address().url().replaceFirst(".*/", ""));
    }

    @Test
    void ofTwoNodesOneKeepsItAndTheOtherTakesOver() throws Exception {
        write("shared", 20);
        Projection first = projection();
        try (Projection second = projection()) {
            assertWhole(first, "shared");
            write("shared", 20);
            assertWhole(second, "shared");
            // Asked on the one, done by whichever keeps it.
            assertTrue(second.askForRebuild());
            await("rebuilt", () -> !second.rebuild().underWay());
            first.close();
            write("shared", 20);
            assertWhole(second, "shared");
        }
    }

    @Test
    void anEntryOfAKindFromANewerVersionBringsItsBalancesAndMovements() {
        Changes changes = new Changes();
        changes.add(TestJournalWriter.entry(EntryKind.ENTRY_KIND_RECEIVE, "main", "web").setKindValue(99).setSku("new").setSequence(1)
                .setReservationId("r")
                .addMovements(Movement.newBuilder().setFromValue(77).setTo(Bucket.BUCKET_AVAILABLE).setQuantity(4).setLocation("main"))
                .addBalances(io.stockledger.v1.LocationBalance.newBuilder().setLocation("main").setAvailable(4)).build());
        ProjectedStock stock = changes.stock().get(0);
        assertEquals("new main 4", stock.sku() + " " + stock.balance().location() + " " + stock.balance().available());
        assertTrue(changes.made.isEmpty() && changes.changed.isEmpty());
        Changes.MovementKey moved = changes.movements.keySet().iterator().next();
        assertEquals("99 77 available", moved.kindName() + " " + moved.fromName() + " " + moved.toName());
    }

    @Test
    void entriesThatChangeTheSameRowsFoldWhateverStandsBetweenThem() {
        Changes changes = new Changes();
        long number = 0;
        for (String one : List.of("a web", "a web", "a pos", "b web", "a web", "b web")) {
            number++;
            changes.add(TestJournalWriter.entry(EntryKind.ENTRY_KIND_SELL, "main", one.substring(2)).setSku(one.substring(0, 1)).setSequence(number)
                    .addMovements(Movement.newBuilder().setFrom(Bucket.BUCKET_AVAILABLE).setTo(Bucket.BUCKET_CUSTOMER).setQuantity(5).setLocation("main"))
                    .addBalances(io.stockledger.v1.LocationBalance.newBuilder().setLocation("main").setAvailable(10 * number)).build());
        }
        assertEquals(List.of("a pos 5 1", "a web 15 3", "b web 10 2"), changes.movements.entrySet().stream()
                .map(row -> row.getKey().sku() + " " + row.getKey().channel() + " " + row.getValue().units() + " " + row.getValue().entries())
                .sorted().toList());
        assertEquals(List.of("a 5 50", "b 6 60"), changes.stock().stream()
                .map(row -> row.sku() + " " + row.sequence() + " " + row.balance().available()).sorted().toList());
    }

    @Test
    void aRowChangedByHandIsPassedOverAndOtherSkusGoOnUntilItsRepairAndARebuild() throws Exception {
        for (String damage : List.of("set_byte(event_payload, length(event_payload) / 2, get_byte(event_payload, length(event_payload) / 2) # 1)",
                "substring(event_payload FROM 1 FOR 50)")) {
            String damaged = "damaged by " + damage.substring(0, 4);
            write(damaged, 3);
            write(damaged, 9);
            write("beside " + damaged, 9);
            tamper("CREATE TABLE kept AS SELECT * FROM event_journal WHERE persistence_id = '" + damaged + "' AND sequence_number = 2",
                    "UPDATE event_journal SET event_payload = " + damage + " WHERE persistence_id = '" + damaged + "' AND sequence_number = 2");
            SimpleMeterRegistry meters = new SimpleMeterRegistry();
            try (Projection projection = Projection.start(database, journal, feed, SMALL_STEPS, Clock.systemUTC(), new Pace(1), meters)) {
                assertWhole(projection, "beside " + damaged);
                assertEquals(3, projection.rowsOf(damaged).orElseThrow().sequence(), "as it was before that row");
                assertEquals(1, meters.get("stockledger.projection.rows.passed.over").counter().count());
                write(damaged, 2);
                await("what comes later counts", () -> projection.rowsOf(damaged).orElseThrow().sequence() == 14);
                tamper("UPDATE event_journal j SET event_payload = kept.event_payload FROM kept"
                        + " WHERE j.persistence_id = kept.persistence_id AND j.sequence_number = kept.sequence_number", "DROP TABLE kept");
                assertTrue(projection.askForRebuild());
                await("rebuilt", () -> !projection.rebuild().underWay());
                assertWhole(projection, damaged);
            }
        }
    }

    /** As a superuser who means it: the journal's triggers are off. */
    private void tamper(String... statements) throws SQLException {
        try (Connection connection = superuser(); Statement statement = connection.createStatement()) {
            statement.execute("SET session_replication_role = replica; SET search_path = stockledger");
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    @Test
    void afterALogicalRestoreItIsBuiltAnew() throws Exception {
        write("restored", 12);
        try (Projection projection = projection()) {
            assertWhole(projection, "restored");
        }
        LedgerIdentity.raiseEpoch(database);
        try (Connection connection = superuser(); Statement statement = connection.createStatement()) {
            statement.execute("UPDATE projection.stock_a SET available = 7777");
        }
        feed.close();
        feed = Feed.start(database, journal, TestPostgresql.JOURNAL, TestPostgresql.FEED, Clock.systemUTC(), new Pace(1), new CompositeMeterRegistry());
        try (Projection projection = projection()) {
            await("it is built anew", () -> projection.rowsOf("restored").map(rows -> rows.sequence() == 12
                    && rows.stock().stream().noneMatch(stock -> stock.balance().available() == 7777)).orElse(false));
            assertWhole(projection, "restored");
        }
    }
}
