package io.stockledger.server.projection;

import com.typesafe.config.Config;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.feed.Reached;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.LedgerIdentity;
import io.stockledger.server.journal.Pace;
import io.stockledger.v1.Entry;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the shown set up with the feed, and builds the other one where that was asked for: one thread, one session, so
 * that no two hands write. Of several nodes the one whose session holds a lock does it. Whatever ends it, it goes on
 * from the cursors in the store.
 */
final class Keeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Keeper.class);
    /** Any number will do that nobody else takes: "SLPROJ" in ASCII. */
    private static final long LOCK = 0x534C50524F4AL;
    /** How often it looks what has become of the sets: another node may have asked for a rebuild. */
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** A rest is bounded, so what works for longer would take more than its share of the time. */
    private static final long WORK_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Database database;
    private final JournalReader journal;
    private final Feed feed;
    private final LedgerIdentity identity;
    private final Pace pace;
    private final ProjectionMeasurements measurements;
    private final long intervalNanos;
    private final int rowsMax;
    private final int pageBytes;
    private final long oldKeptMs;
    private final Semaphore wakeUps = new Semaphore(0);
    private final Thread thread;
    private volatile boolean closed;
    private volatile boolean asked;
    private List<ProjectedSet> sets = List.of();

    /** {@code config}: stockledger.projection. */
    Keeper(Database database, JournalReader journal, Feed feed, LedgerIdentity identity, Config config, Pace pace,
            ProjectionMeasurements measurements) {
        this.database = database;
        this.journal = journal;
        this.feed = feed;
        this.identity = identity;
        this.pace = pace;
        this.measurements = measurements;
        this.intervalNanos = config.getDuration("interval").toNanos();
        this.rowsMax = config.getInt("transaction-rows");
        this.pageBytes = Math.toIntExact(config.getBytes("page-bytes"));
        this.oldKeptMs = config.getDuration("old-set-kept").toMillis();
        this.thread = new Thread(this::run, "projection");
        this.thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** A rebuild has been asked for. */
    void wake() {
        asked = true;
        wakeUps.release();
    }

    @Override
    public void close() {
        closed = true;
        wake();
        try {
            thread.join(TimeUnit.SECONDS.toMillis(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        String complaint = "";
        while (!closed) {
            try (Connection connection = database.connect()) {
                SetTables tables = new SetTables(connection);
                if (tables.takeLock(LOCK)) {
                    keep(tables);
                } else {
                    pause(RETRY_NANOS);
                }
                complaint = "";
            } catch (SQLException | RuntimeException e) {
                // Once, as long as it stays the same: it is tried again every second.
                if (!closed && !complaint.equals(e.toString())) {
                    LOG.warn("The projection stands still, trying on: {}", e.toString());
                    complaint = e.toString();
                }
                pause(RETRY_NANOS);
            }
        }
    }

    private void keep(SetTables tables) throws SQLException {
        sets = tables.sets();
        leaveWhatTheJournalDoesNotKnow(tables);
        asked = true;
        long lookedNanos = System.nanoTime();
        while (!closed) {
            long begun = System.nanoTime();
            if (begun - lookedNanos > LOOK_NANOS || asked) {
                asked = false;
                look(tables);
                lookedNanos = begun;
            }
            Reached reached = feed.reached();
            boolean more = false;
            Optional<ProjectedSet> shown = in(ProjectedSet.State.SHOWN);
            if (shown.isPresent()) {
                more = step(tables, shown.get(), reached);
                measurements.shown(shown.get());
            }
            Optional<ProjectedSet> building = in(ProjectedSet.State.BUILDING);
            if (building.isPresent()) {
                more |= step(tables, building.get(), reached);
                showOnceItIsThere(tables, building.get(), shown);
            }
            if (!more) {
                pause(intervalNanos - (System.nanoTime() - begun));
            }
        }
    }

    /** Sees what others did to the sets, and does what is due. */
    private void look(SetTables tables) throws SQLException {
        List<ProjectedSet> now = tables.sets();
        sets = now.stream().map(set -> sets.stream()
                .filter(known -> known.name().equals(set.name()) && known.state() == set.state() && set.state() != ProjectedSet.State.OLD)
                .findFirst().orElse(set)).toList();
        for (ProjectedSet set : sets) {
            if (set.state() == ProjectedSet.State.ASKED && tables.empty(set)) {
                tables.begin(set, identity.feedEpoch());
                sets = tables.sets();
            } else if (set.state() == ProjectedSet.State.OLD && set.stateAgeMs() > oldKeptMs && tables.empty(set)) {
                tables.becomes(set, ProjectedSet.State.EMPTY);
            }
        }
    }

    /**
     * A set whose cursor names no row of this journal is of a past that a restore has undone: it can't be kept up, and is
     * built anew.
     */
    private void leaveWhatTheJournalDoesNotKnow(SetTables tables) throws SQLException {
        boolean builtAnyway = in(ProjectedSet.State.ASKED).isPresent();
        for (ProjectedSet set : sets) {
            boolean used = set.state() == ProjectedSet.State.SHOWN || set.state() == ProjectedSet.State.BUILDING;
            if (used && !(set.feedEpoch() == identity.feedEpoch() && journal.holds(set.cursor().position()))) {
                LOG.warn("The projection is of a journal that is no longer this one, and is built anew");
                tables.becomes(set, builtAnyway ? ProjectedSet.State.OLD : ProjectedSet.State.ASKED);
                builtAnyway = true;
            }
        }
    }

    private Optional<ProjectedSet> in(ProjectedSet.State state) {
        return sets.stream().filter(set -> set.state() == state).findFirst();
    }

    private void showOnceItIsThere(SetTables tables, ProjectedSet building, Optional<ProjectedSet> shown) throws SQLException {
        boolean notBack = shown.isEmpty() || !shown.get().cursor().position().isAfter(building.cursor().position());
        if (notBack && building.completeMs() > 0 && !building.isBehind(feed.reached().position())) {
            tables.show(building);
            sets = tables.sets();
            LOG.info("The projection was built from {} entries and is shown", building.entries());
        }
    }

    /** Takes a set on by a page of the feed; whether there is more to do. */
    private boolean step(SetTables tables, ProjectedSet set, Reached reached) throws SQLException {
        set.look(reached);
        if (!set.isBehind(reached.position())) {
            return false;
        }
        long worked = System.nanoTime();
        JournalReader.FeedPage page = journal.feedAfter(set.readAfter(), pageBytes, set.smallRows());
        set.smallRows(page.smallRows());
        Changes changes = new Changes();
        Cursor cursor = set.cursor();
        for (JournalRow row : page.rows()) {
            int taken = row.position().equals(cursor.position()) ? cursor.taken() : 0;
            List<Entry> entries = entriesOf(row, changes);
            for (int i = taken; i < entries.size(); i++) {
                changes.add(entries.get(i));
                if (changes.size() >= rowsMax) {
                    cursor = i + 1 == entries.size() ? Cursor.after(row.position()) : new Cursor(row.position(), i + 1);
                    write(tables, set, changes, cursor);
                    changes = new Changes();
                    worked = rest(worked);
                    if (closed) {
                        return false;
                    }
                }
            }
            cursor = Cursor.after(row.position());
            if (System.nanoTime() - worked > WORK_NANOS_MAX) {
                worked = rest(worked);
            }
        }
        if (!cursor.equals(set.cursor())) {
            write(tables, set, changes, cursor);
        }
        rest(worked);
        return !page.rows().isEmpty() && set.isBehind(reached.position());
    }

    /**
     * A row's entries; none of one that is not what was written. Then its SKU stays as it was before that row, but for
     * what later rows say of it, while other SKUs go on; the audit finds the difference.
     */
    private static List<Entry> entriesOf(JournalRow row, Changes changes) {
        try {
            return row.whole().group().entries();
        } catch (GroupRow.DamagedException e) {
            changes.passedOver.add(e.getMessage());
            return List.of();
        }
    }

    private void write(SetTables tables, ProjectedSet set, Changes changes, Cursor to) throws SQLException {
        long begun = System.nanoTime();
        tables.write(set, changes, to);
        measurements.wrote(changes.entries, System.nanoTime() - begun);
        // Once the set's cursor has passed them, so that each is told once a set.
        for (String why : changes.passedOver) {
            LOG.error("The projection passes over a damaged row: {}. Restore it, then run `stockledger rebuild-projection`", why);
            measurements.passedOver();
        }
    }

    /** Rests after work that began then, while mutations come in; when the next work begins. */
    private long rest(long begunNanos) {
        pace.rest(System.nanoTime() - begunNanos);
        return System.nanoTime();
    }

    private void pause(long nanos) {
        try {
            if (!closed && wakeUps.tryAcquire(Math.max(0, nanos), TimeUnit.NANOSECONDS)) {
                wakeUps.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
