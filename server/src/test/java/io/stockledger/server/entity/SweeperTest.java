package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.TestJournalWriter;
import io.stockledger.server.journal.TestPostgresql;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Looks for overdue holds over a real journal; SKUs are rows, and a clock that stands still until it is moved. */
class SweeperTest {
    private static final long SECOND_MS = 1_000;
    private static final long MARGIN_MS = JournalReader.SWEEP_MARGIN_MS;

    private Database database;
    private Connection connection;
    private JournalReader journal;
    private Sweeper sweeper;
    private final TestJournalWriter writer = new TestJournalWriter();
    private final List<String> woken = new ArrayList<>();
    private long nowMs = 1_800_000_000_000L;

    @BeforeEach
    void open() throws SQLException {
        database = TestPostgresql.database();
        connection = TestPostgresql.connect(database);
        journal = new JournalReader(database, 1_000, 1 << 20);
        startSweeper();
    }

    @AfterEach
    void close() throws SQLException {
        connection.close();
        database.close();
    }

    private void startSweeper() {
        sweeper = new Sweeper(journal, woken::add, () -> Instant.ofEpochMilli(nowMs), Duration.ofHours(1));
    }

    private void holds(String sku, long dueMs) throws SQLException {
        writer.write(connection, sku, TestJournalWriter.receipts(1, "main"), dueMs, dueMs);
    }

    private void expires(String sku) throws SQLException {
        writer.write(connection, sku, TestJournalWriter.receipts(1, "main"), 0, 0);
    }

    private Set<String> wokenBy(int looks) throws Exception {
        woken.clear();
        for (int i = 0; i < looks; i++) {
            sweeper.sweep();
        }
        return new HashSet<>(woken);
    }

    @Test
    void theMarkFollowsTheClockThroughASaleInWhichEachLookFindsSomething() throws Exception {
        long begun = nowMs;
        String before = "none yet";
        for (int second = 0; second < 300; second++) {
            String sku = "sale " + second % 10;
            holds(sku, nowMs);
            assertTrue(wokenBy(1).contains(sku));
            if (second > 0) {
                expires(before);
            }
            before = sku;
            nowMs += SECOND_MS;
        }
        assertTrue(journal.holdsSweptUntil() > begun + 200 * SECOND_MS, "the mark moved by " + (journal.holdsSweptUntil() - begun) + " ms");
    }

    @Test
    void aLookReadsWhatWasAnnouncedLatelyAlsoWhereASkuIsNeverServed() throws Exception {
        holds("damaged", nowMs - SECOND_MS);
        for (int minute = 0; minute < 60; minute++) {
            assertEquals(nowMs - MARGIN_MS, sweeper.sweep());
            nowMs += 60 * SECOND_MS;
        }
        assertEquals(Set.of("damaged"), wokenBy(1), "it is not given up");
        startSweeper();
        assertEquals(Set.of("damaged"), wokenBy(1), "nor by the next process");
        expires("damaged");
        assertEquals(Set.of(), wokenBy(1));
        assertTrue(journal.holdsSweptUntil() >= nowMs - 2 * MARGIN_MS);
    }

    @Test
    void manySkusThatAreNeverServedKeepNoOtherFromBeingWoken() throws Exception {
        connection.setAutoCommit(false);
        for (int i = 0; i < 2_500; i++) {
            holds("damaged " + i, nowMs - 2_000 * SECOND_MS);
        }
        Set<String> others = new HashSet<>();
        for (int i = 0; i < 50; i++) {
            holds("other " + i, nowMs);
            others.add("other " + i);
        }
        connection.commit();
        Set<String> all = wokenBy(3);
        assertTrue(all.containsAll(others), () -> "woken: " + all.size());
        assertEquals(2_550, all.size());
    }

    @Test
    void noOverdueHoldIsMissedWhateverHappens() throws Exception {
        Random random = new Random(7);
        Map<String, Long> open = new HashMap<>();
        // Made by a decision, and not committed yet.
        Map<String, Long> late = new HashMap<>();
        for (int step = 0; step < 500; step++) {
            String sku = "sku " + random.nextInt(40);
            int dice = random.nextInt(10);
            if (dice < 4 && !open.containsKey(sku) && !late.containsKey(sku)) {
                late.put(sku, nowMs + random.nextInt(50_000));
            }
            for (String committed : List.copyOf(late.keySet())) {
                // No later than the store ends a transaction that does not.
                if (random.nextInt(3) == 0 || late.get(committed) < nowMs - 20_000) {
                    open.put(committed, late.remove(committed));
                    holds(committed, open.get(committed));
                }
            }
            if (dice == 9) {
                startSweeper();
            }
            for (String one : wokenBy(1)) {
                // One of three is not served this time, a few hardly ever.
                boolean served = one.endsWith("3") ? random.nextInt(50) == 0 : random.nextInt(3) > 0;
                if (served) {
                    assertTrue(open.get(one) <= nowMs, one);
                    // What it holds next was open before, if anything.
                    long next = nowMs + random.nextInt(100_000);
                    if (random.nextBoolean()) {
                        open.put(one, next);
                        holds(one, next);
                    } else {
                        open.remove(one);
                        expires(one);
                    }
                }
            }
            Set<String> overdue = new HashSet<>();
            open.forEach((name, dueMs) -> {
                if (dueMs <= nowMs) {
                    overdue.add(name);
                }
            });
            assertEquals(overdue, wokenBy(1), "at step " + step);
            nowMs += random.nextInt(10_000);
        }
    }
}
