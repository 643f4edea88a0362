package io.stockledger.server.feed;

import io.stockledger.server.journal.ChainHead;
import io.stockledger.server.journal.JournalRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The chain heads that are due to one subscriber: of each SKU that it asks for, the newest. They go out at the stated
 * pace, earlier only where very many wait: a subscriber that catches up passes a whole journal.
 */
final class PublishedHeads {
    private static final int WAITING_MAX = 10_000;
    /** What a head takes beside its SKU, at most. */
    private static final int HEAD_BYTES = 64;

    private final boolean wanted;
    private final long intervalNanos;
    private final Map<String, ChainHead> waiting = new LinkedHashMap<>();
    /** When those that wait go out; 0: none waits. Read by the tick. */
    private volatile long dueAtNanos;

    /** @param wanted whether the subscriber asked for them */
    PublishedHeads(boolean wanted, Duration interval) {
        this.wanted = wanted;
        this.intervalNanos = interval.toNanos();
    }

    /** The subscriber has come past this row. */
    void passed(JournalRow row) {
        if (!wanted) {
            return;
        }
        if (waiting.isEmpty()) {
            dueAtNanos = System.nanoTime() + intervalNanos;
        }
        waiting.put(row.sku(), ChainHead.of(row));
        if (waiting.size() >= WAITING_MAX) {
            dueAtNanos = System.nanoTime();
        }
    }

    boolean areDue(long nowNanos) {
        long at = dueAtNanos;
        return at != 0 && nowNanos - at >= 0;
    }

    /** Those that have waited longest, about so many bytes of them. */
    List<ChainHead> take(int bytesMax) {
        List<ChainHead> taken = new ArrayList<>();
        Iterator<ChainHead> heads = waiting.values().iterator();
        for (int bytes = 0; heads.hasNext() && bytes < bytesMax; heads.remove()) {
            ChainHead head = heads.next();
            taken.add(head);
            bytes += HEAD_BYTES + 3 * head.sku().length();
        }
        if (waiting.isEmpty()) {
            dueAtNanos = 0;
        }
        return taken;
    }
}
