package io.stockledger.server.entity;

import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Walks over the SKUs in memory, again and again: whom nobody has called for lately leaves, of too many those unused
 * longest, and who has gone quiet after much was written makes a snapshot. All of that is work for the actors' threads, and
 * thousands of SKUs go quiet together, those of an import say: so a few are told at a time, or a hot SKU's next write would
 * wait behind all of them.
 */
final class Housekeeping implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Housekeeping.class);
    private static final Duration WALK = Duration.ofSeconds(1);
    private static final int STEPS = 50;
    /**
     * Leave in a step, two hundred a second. It is not the 50 us of work that bound it: who leaves is long in the heap's old
     * part and takes hold of something new there, in four places, and the collector's next pauses look at each of those.
     */
    private static final int LEAVING_MAX = 4;
    /** The same while more come than may stay: memory is bounded first. */
    private static final int LEAVING_MAX_BEYOND = 200;
    /** Make a snapshot in a step. */
    private static final int SAVING_MAX = 20;

    private final Inboxes inboxes;
    private final long idleNanos;
    private final long quietNanos;
    private final int residentMax;
    private final Thread thread;
    private Iterator<Inbox> walk = Collections.emptyIterator();
    private int stepsLeft;
    private int perStep;
    /** Of this walk: who was last used before that time leaves; and so many may leave in a step. */
    private long leavesUnusedSince;
    private int leavingMax;

    /**
     * @param idle who is unused for so long leaves
     * @param quiet who is unused for so long makes a snapshot, where that is worth it
     * @param residentMax of more SKUs than this the longest unused leave too
     */
    Housekeeping(Inboxes inboxes, Duration idle, Duration quiet, int residentMax) {
        this.inboxes = inboxes;
        this.idleNanos = idle.toNanos();
        this.quietNanos = quiet.toNanos();
        this.residentMax = residentMax;
        this.thread = new Thread(this::walkOnAndOn, "housekeeping");
        this.thread.setDaemon(true);
    }

    static Housekeeping start(Inboxes inboxes, EntitySettings settings) {
        Housekeeping housekeeping = new Housekeeping(inboxes, settings.idleAfter(), settings.quietAfter(), settings.residentMax());
        housekeeping.thread.start();
        return housekeeping;
    }

    private void walkOnAndOn() {
        long pauseNanos = Math.max(1_000_000, Math.min(idleNanos / 2, WALK.toNanos()) / STEPS);
        try {
            while (true) {
                try {
                    step();
                } catch (RuntimeException e) {
                    LOG.error("SKUs that nobody calls can't be let go of; tried again", e);
                    TimeUnit.NANOSECONDS.sleep(WALK.toNanos());
                }
                TimeUnit.NANOSECONDS.sleep(pauseNanos);
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    /** Goes on with the walk; a second after it began comes the next, which meets those that found no room and those that came. */
    void step() {
        long now = System.nanoTime();
        if (stepsLeft == 0) {
            begin(now);
        }
        stepsLeft--;
        int leaving = 0;
        int saving = 0;
        for (int i = 0; i < perStep && walk.hasNext(); i++) {
            Inbox inbox = walk.next();
            long used = inbox.usedNanos();
            if (used - leavesUnusedSince <= 0) {
                if (leaving++ < leavingMax) {
                    inbox.gatherer().tell(Gatherer.Unused.INSTANCE);
                }
            } else if (now - used >= quietNanos && inbox.isWorthSaving() && saving++ < SAVING_MAX) {
                inbox.gatherer().tell(Gatherer.Quiet.INSTANCE);
            }
        }
    }

    private void begin(long now) {
        walk = inboxes.all().iterator();
        stepsLeft = STEPS;
        perStep = inboxes.all().size() / STEPS + 1;
        leavesUnusedSince = now - idleNanos;
        leavingMax = LEAVING_MAX;
        if (inboxes.all().size() > residentMax) {
            boundResidents(now);
        }
    }

    private void boundResidents(long now) {
        // By their age, since the clock's own numbers may run over.
        long[] ages = inboxes.all().stream().mapToLong(inbox -> now - inbox.usedNanos()).sorted().toArray();
        int tooMany = ages.length - residentMax;
        if (tooMany > 0) {
            leavesUnusedSince = now - Math.min(idleNanos, ages[residentMax]);
            leavingMax = Math.max(LEAVING_MAX, Math.min(LEAVING_MAX_BEYOND, tooMany / STEPS + 1));
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
