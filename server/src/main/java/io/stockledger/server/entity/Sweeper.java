package io.stockledger.server.entity;

import io.stockledger.server.journal.JournalReader;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes SKUs that hold something overdue and that nobody calls: those passivated, and those of before a restart. A
 * SKU in memory expires its holds by itself; being woken once more costs it nothing.
 */
public final class Sweeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Sweeper.class);
    private static final int PAGE = 1_000;

    private final JournalReader journal;
    private final Ledger ledger;
    private final InstantSource clock;
    private final Duration interval;
    private final Thread thread;

    private Sweeper(JournalReader journal, Ledger ledger, InstantSource clock, Duration interval) {
        this.journal = journal;
        this.ledger = ledger;
        this.clock = clock;
        this.interval = interval;
        this.thread = new Thread(this::sweepOnAndOn, "sweeper");
        this.thread.setDaemon(true);
    }

    public static Sweeper start(JournalReader journal, Ledger ledger, InstantSource clock, Duration interval) {
        Sweeper sweeper = new Sweeper(journal, ledger, clock, interval);
        sweeper.thread.start();
        return sweeper;
    }

    private void sweepOnAndOn() {
        boolean storeAway = false;
        while (!thread.isInterrupted()) {
            try {
                sweep();
                storeAway = false;
            } catch (SQLException | RuntimeException e) {
                if (!storeAway) {
                    LOG.warn("Overdue holds can't be looked for: {}", e.getMessage());
                }
                storeAway = true;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(interval.toMillis());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void sweep() throws SQLException {
        long nowMs = clock.millis();
        List<String> overdue = journal.skusWithOverdueHolds(nowMs, PAGE);
        overdue.forEach(ledger::wake);
        if (overdue.isEmpty()) {
            journal.holdsSweptUntil(nowMs);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
