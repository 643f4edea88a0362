package io.stockledger.server.entity;

import io.stockledger.server.journal.JournalReader;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wakes SKUs that hold something overdue and that nobody calls: those passivated, and those of before a restart. A
 * SKU in memory expires its holds by itself; being woken once more costs it nothing.
 *
 * <p>A due time stands in the row that announced it. Each look reads the rows that announced one since the look before,
 * less a margin for rows that commit late, and keeps the SKUs whose hold is still open by name, until it no longer is.
 * So what a look costs does not grow with a sale that goes on, nor with a SKU that is not served: all that was announced
 * before is either settled or kept. None can come to be overdue before that time unnoticed, since a SKU's first due time
 * moves to another one that was open all along, or to one later than the decision that made it.
 */
public final class Sweeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Sweeper.class);
    /** Rows that one statement looks at. */
    private static final int ROWS_A_PAGE = 10_000;
    /** SKUs woken by one look; those kept take turns. */
    private static final int WOKEN_A_LOOK = 1_000;
    /** So many, then a rest: each comes into memory and writes a row, and a hot SKU must not wait behind all of them. */
    private static final int WOKEN_AT_ONCE = 20;
    private static final int REST_MS = 20;
    /** SKUs kept; with so many, no others are looked for until one of them is settled. */
    private static final int KEPT_MAX = 20_000;

    private final JournalReader journal;
    private final Consumer<String> wake;
    private final InstantSource clock;
    private final Duration interval;
    private final Thread thread;
    /** SKUs that were found with an overdue hold, and when it was due; those that wait longest for their turn first. */
    private final Map<String, Long> kept = new LinkedHashMap<>();
    /** The next look begins after this due time; empty before the first. */
    private OptionalLong lookedThroughMs = OptionalLong.empty();

    /** @param wake has what is overdue of a SKU expire */
    Sweeper(JournalReader journal, Consumer<String> wake, InstantSource clock, Duration interval) {
        this.journal = journal;
        this.wake = wake;
        this.clock = clock;
        this.interval = interval;
        this.thread = new Thread(this::sweepOnAndOn, "sweeper");
        this.thread.setDaemon(true);
    }

    public static Sweeper start(JournalReader journal, Ledger ledger, InstantSource clock, Duration interval) {
        Sweeper sweeper = new Sweeper(journal, ledger::wake, clock, interval);
        sweeper.thread.start();
        return sweeper;
    }

    private void sweepOnAndOn() {
        boolean storeAway = false;
        while (!thread.isInterrupted()) {
            try {
                try {
                    sweep();
                    storeAway = false;
                } catch (SQLException | RuntimeException e) {
                    if (!storeAway) {
                        LOG.warn("Overdue holds can't be looked for: {}", e.getMessage());
                    }
                    storeAway = true;
                }
                TimeUnit.MILLISECONDS.sleep(interval.toMillis());
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /**
     * Has one look.
     *
     * @return the due time that the next one begins after
     */
    long sweep() throws SQLException, InterruptedException {
        long nowMs = clock.millis();
        long throughMs = lookedThroughMs.isPresent() ? lookedThroughMs.getAsLong() : journal.holdsSweptUntil();
        while (throughMs < nowMs && kept.size() < KEPT_MAX) {
            JournalReader.OverduePage page = journal.overdueHoldsAfter(throughMs, nowMs, ROWS_A_PAGE);
            page.holds().forEach(hold -> kept.putIfAbsent(hold.sku(), hold.dueMs()));
            throughMs = page.lookedThroughMs();
        }
        // Not before all of it is kept: where the store goes away in between, the next look passes it once more.
        lookedThroughMs = OptionalLong.of(Math.min(throughMs, nowMs - JournalReader.SWEEP_MARGIN_MS));
        wakeKept(nowMs);
        long firstOpenMs = kept.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
        journal.holdsSweptUntil(Math.min(throughMs, firstOpenMs - 1));
        return lookedThroughMs.getAsLong();
    }

    private void wakeKept(long nowMs) throws SQLException, InterruptedException {
        List<String> turn = kept.keySet().stream().limit(WOKEN_A_LOOK).toList();
        if (turn.isEmpty()) {
            return;
        }
        Set<String> overdue = journal.overdueOf(turn, nowMs);
        int woken = 0;
        for (String sku : turn) {
            long dueMs = kept.remove(sku);
            if (overdue.contains(sku)) {
                kept.put(sku, dueMs);
                wake.accept(sku);
                if (++woken % WOKEN_AT_ONCE == 0) {
                    TimeUnit.MILLISECONDS.sleep(REST_MS);
                }
            }
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
