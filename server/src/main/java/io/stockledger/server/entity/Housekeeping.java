package io.stockledger.server.entity;

import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;

/**
 * Walks over the SKUs in memory, again and again: whom nobody has called for lately leaves, of too many those unused
 * longest, and who has gone quiet after much was written makes a snapshot. All of that is work for the actors' threads, and
 * thousands of SKUs go quiet together, those of an import say: so it goes in small steps, or a hot SKU's next write would
 * wait behind all of them.
 */
final class Housekeeping {
    private static final Duration WALK_MAX = Duration.ofSeconds(1);
    private static final int STEPS = 50;
    /** A SKU takes some 50 us to leave, and no step of a walk should hold a core for much more than a millisecond. */
    private static final int LEAVING_MAX = 20;

    private final Inboxes inboxes;
    private final long idleNanos;
    private final long quietNanos;
    private final int residentMax;
    private Iterator<Inbox> walk = Collections.emptyIterator();
    private int perStep;
    /** Of this walk: who was last used before that time leaves; and so many may at a step. */
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
    }

    /** From one step to the next: a walk then takes a second, less where SKUs are to leave sooner. */
    Duration pause() {
        return Duration.ofNanos(Math.min(idleNanos / 2, WALK_MAX.toNanos()) / STEPS);
    }

    /** Goes on with the walk; not by two threads at once. */
    void step() {
        long now = System.nanoTime();
        if (!walk.hasNext()) {
            begin(now);
        }
        int leaving = 0;
        for (int i = 0; i < perStep && walk.hasNext(); i++) {
            Inbox inbox = walk.next();
            long used = inbox.usedNanos();
            if (used - leavesUnusedSince <= 0 && leaving < leavingMax) {
                inbox.gatherer().tell(Gatherer.Unused.INSTANCE);
                leaving++;
            } else if (now - used >= quietNanos && inbox.isWorthSaving()) {
                inbox.gatherer().tell(Gatherer.Quiet.INSTANCE);
            }
        }
    }

    private void begin(long now) {
        int here = inboxes.all().size();
        int tooMany = here - residentMax;
        walk = inboxes.all().iterator();
        perStep = here / STEPS + 1;
        leavesUnusedSince = now - idleNanos;
        leavingMax = LEAVING_MAX;
        if (tooMany > 0) {
            // By their age, since the clock's own numbers may run over.
            long[] ages = inboxes.all().stream().mapToLong(inbox -> now - inbox.usedNanos()).sorted().toArray();
            leavesUnusedSince = now - Math.min(idleNanos, ages[Math.max(0, ages.length - tooMany)]);
            leavingMax = Math.max(LEAVING_MAX, tooMany / STEPS + 1);
        }
    }
}
