package io.stockledger.client;

import io.stockledger.v1.Entry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds the feed to its promise: per SKU in order, nothing skipped, a repeat only after a reconnect. Repeats are
 * dropped, a gap is an error. Not thread-safe.
 *
 * <p>Memory is bounded: it remembers the last sequence of the SKUs touched last, not of all. That is enough. A
 * subscription resumes after the cursor of the last message that it delivered, so what the ledger may repeat is about
 * as old as that message, and a message holds far fewer SKUs than are remembered. A SKU that was forgotten only loses
 * its check for one entry: its next entry is taken as it comes.
 */
final class EntryOrder {

    static final int SKUS_REMEMBERED_MAX = 100_000;

    private final boolean everyEntry;
    private final int skusRememberedMax;
    private final Map<String, Long> lastSequence = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
            boolean full = size() > skusRememberedMax;
            forgotten |= full;
            return full;
        }
    };
    /** True where a SKU met for the first time must be at its first entry. */
    private boolean fromTheFirst;
    private boolean forgotten;

    /** An entry is missing between two of its SKU. */
    static final class GapException extends Exception {
        private static final long serialVersionUID = 1L;

        private GapException(Entry entry, long expected) {
            super("gap in the feed: SKU " + entry.getSku() + " goes on with sequence " + entry.getSequence() + " where "
                    + expected + " is next; the subscription ended at the cursor before it");
        }
    }

    /**
     * @param everyEntry false where the filter picks among the entries of a SKU (by location, channel or kind):
     *     then its sequences have holes by right
     * @param fromTheFirst true where the subscription sees every SKU from its first entry
     */
    EntryOrder(boolean everyEntry, boolean fromTheFirst) {
        this(everyEntry, fromTheFirst, SKUS_REMEMBERED_MAX);
    }

    EntryOrder(boolean everyEntry, boolean fromTheFirst, int skusRememberedMax) {
        this.everyEntry = everyEntry;
        this.fromTheFirst = fromTheFirst;
        this.skusRememberedMax = skusRememberedMax;
    }

    /** Initial stock begins, perhaps anew. */
    void stockBegins() {
        forget();
        fromTheFirst = false;
    }

    /** What was seen may come again, and is to be taken. */
    void forget() {
        lastSequence.clear();
        forgotten = false;
    }

    /** The stock reflects its SKU's entries up to this sequence. */
    void stock(String sku, long sequence) {
        lastSequence.put(sku, sequence);
    }

    /** All stock was told: a SKU that had none is new. */
    void stockComplete() {
        fromTheFirst = true;
    }

    /** The entries that are new, in order. */
    List<Entry> admit(List<Entry> entries) throws GapException {
        List<Entry> admitted = new ArrayList<>(entries.size());
        for (Entry entry : entries) {
            Long last = lastSequence.get(entry.getSku());
            boolean known = last != null || (fromTheFirst && !forgotten);
            long reached = last == null ? 0 : last;
            if (known && entry.getSequence() <= reached) {
                continue;
            }
            if (known && everyEntry && entry.getSequence() != reached + 1) {
                throw new GapException(entry, reached + 1);
            }
            lastSequence.put(entry.getSku(), entry.getSequence());
            admitted.add(entry);
        }
        return admitted;
    }
}
