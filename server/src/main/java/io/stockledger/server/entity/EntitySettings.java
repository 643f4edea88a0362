package io.stockledger.server.entity;

import com.typesafe.config.Config;
import io.stockledger.server.domain.AppliedIds;
import io.stockledger.server.domain.Limits;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;

/**
 * How a SKU's actors behave; the defaults stand in reference.conf under {@code stockledger.entity}, each with its
 * reason.
 *
 * @param idsKept newest mutation ids kept in memory a SKU, at least
 * @param olderIdsKept mutation ids before those, at most
 * @param idsKey keeps what an id is known by from callers
 * @param window how long an applied id is recognised
 * @param waitingMax mutations and looks that may wait at one SKU
 * @param queueWaitMax for how long they may have to wait; 0: any time
 * @param groupEntriesMax entries a journal row, at most
 * @param groupBytesMax bytes at which a journal row is full
 * @param snapshotRows rows after which a snapshot is made, more where it would write many ids
 * @param snapshotEntries entries after which a snapshot is made
 * @param quietAfter how long a SKU must not have been called for until a snapshot is made at leisure
 * @param quietSnapshotEntries entries since the last one that make it worth while
 * @param restartAfterMin how long a SKU whose write failed waits before it replays, at first
 * @param restartAfterMax the same, after many failures
 * @param replayWaitMax how long callers wait for a SKU to replay before they are told to come back
 * @param gatherPause how long the next write waits, at most, for callers who were just answered
 * @param idleAfter a SKU that nobody called for so long leaves memory
 * @param residentMax SKUs that may be in a node's memory; beyond it those unused longest leave
 * @param clock the ledger's clock
 */
public record EntitySettings(
        int idsKept,
        int olderIdsKept,
        long idsKey,
        Duration window,
        int waitingMax,
        Duration queueWaitMax,
        int groupEntriesMax,
        int groupBytesMax,
        int snapshotRows,
        int snapshotEntries,
        Duration quietAfter,
        int quietSnapshotEntries,
        Duration restartAfterMin,
        Duration restartAfterMax,
        Duration replayWaitMax,
        Duration gatherPause,
        Duration idleAfter,
        int residentMax,
        Limits limits,
        InstantSource clock) {

    public static EntitySettings from(Config config, InstantSource clock) {
        Config entity = config.getConfig("stockledger.entity");
        Config limits = config.getConfig("stockledger.limits");
        return new EntitySettings(
                entity.getInt("ids-kept"),
                entity.getInt("older-ids-kept"),
                new SecureRandom().nextLong(),
                entity.getDuration("window"),
                entity.getInt("waiting-max"),
                entity.getDuration("queue-wait-max"),
                entity.getInt("group-entries-max"),
                (int) (long) entity.getBytes("group-bytes-max"),
                entity.getInt("snapshot-rows"),
                entity.getInt("snapshot-entries"),
                entity.getDuration("quiet-after"),
                entity.getInt("quiet-snapshot-entries"),
                entity.getDuration("restart-after-min"),
                entity.getDuration("restart-after-max"),
                entity.getDuration("replay-wait-max"),
                entity.getDuration("gather-pause"),
                entity.getDuration("idle-after"),
                entity.getInt("resident-max"),
                new Limits(limits.getInt("locations"), limits.getInt("open-reservations"),
                        limits.getInt("expected-references"), limits.getInt("allocations")),
                clock);
    }

    /** The ids of a SKU before its first entry. */
    AppliedIds noIds() {
        return new AppliedIds(idsKept, olderIdsKept, window.toMillis(), idsKey);
    }
}
