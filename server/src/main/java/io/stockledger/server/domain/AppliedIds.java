package io.stockledger.server.domain;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The mutation ids of one SKU as fingerprints with their sequences: at least so many newest ones as {@code kept} says,
 * eight bytes each in tables at most half full but for the smallest, and of those before them as many as
 * {@code olderKept} allows, in five bytes each ({@link OlderIds}). What lies beyond is forgotten, and just enough is
 * kept to know which mutations might be among that.
 *
 * <p>A fingerprint is a hint, never proof: who finds one reads the entry to be sure. But nothing found means, for every
 * id that is not forgotten, that it was not applied: so a fresh id costs no look into the journal.
 *
 * <p>Nothing is ever taken out of a table, so none needs repair: ids go into the newest until it holds an eighth of
 * {@code kept}, then into a new one, and the oldest is let go whole once the others hold enough. Those let go are
 * merged four by four, so that few are to be searched however many ids there are (a log-structured merge, O'Neil et
 * al. 1996). All but the last table never change again, so a snapshot need not write them anew.
 *
 * <p>A mutation that carries {@code created_at} carries the same one on every resend. So one whose created_at is
 * newer than that of every id in a part can't be a resend of any of them, whatever the callers' clocks say, and parts
 * of older ids are not searched for it.
 */
public final class AppliedIds {
    /** A fingerprint has so many bits: it is never negative. The newest ids keep {@value #TAG_BITS} of them. */
    static final int FINGERPRINT_BITS = 63;

    private static final int TAG_BITS = 43;
    private static final int POSITION_BITS = 20;
    private static final long POSITION_MASK = (1L << POSITION_BITS) - 1;
    /** Says of an id that it is a reservation's too: so a closed reservation is told from an id that never was one. */
    private static final long RESERVATION = 1L << POSITION_BITS;
    private static final long TAG_MASK = -1L << POSITION_BITS + 1;
    private static final int FIRST_SLOTS = 8;
    /** Two cache lines: searched through sooner than another SKU's table is fetched. */
    private static final int SMALL_SLOTS_MAX = 16;
    /** Each is searched for a fresh id; all of the last is written with each snapshot. */
    private static final int TABLES = 8;
    private static final int MERGED_AT_ONCE = 4;
    /** A wider span would need more bytes to find ids by than the ids themselves take. */
    private static final long MERGED_SPAN_MAX = 1L << 23;
    private static final long[] NOWHERE = {};

    private final int kept;
    private final int olderKept;
    private final long windowMs;
    private long key;

    /** The last is the newest, and the only one that is added to. */
    private final ArrayList<Newest> newest = new ArrayList<>(1);
    private int newestCount;
    /** The first is the oldest. Made when first needed: most SKUs have none. */
    private List<OlderIds> older = List.of();
    private int olderCount;

    private long forgottenSequence;
    private long forgottenCreatedAtMs;
    private long forgottenRecordedAtMs;

    /** The very text that was last asked for; null: none was, or its entry has been taken over since. */
    private String lastId;
    private long lastFingerprint;

    /**
     * None yet.
     *
     * @param kept at least so many newest ids are kept, and about an eighth more
     * @param olderKept at most so many older ones; beyond it half of them are forgotten. Memory is
     *         {@link #bytes}
     * @param windowMs older ids need not be kept for longer
     * @param key of {@link #fingerprint(String)}: who does not know it can't choose ids that meet
     */
    public AppliedIds(int kept, int olderKept, long windowMs, long key) {
        if (kept < 4 || olderKept < 0) {
            throw new IllegalArgumentException("at least 4 ids must be kept, not " + kept + " and " + olderKept);
        }
        this.kept = kept;
        this.olderKept = olderKept;
        this.windowMs = windowMs;
        this.key = key;
    }

    /** What an id is known by here; 63 bits. */
    public long fingerprint(String mutationId) {
        // Asked when a mutation is decided, and again when its entry is taken over.
        if (mutationId != lastId) {
            lastFingerprint = key == 0 ? fingerprintWithoutKey(mutationId) : keyed(mutationId);
            lastId = mutationId;
        }
        return lastFingerprint;
    }

    /**
     * FNV-1a over the characters, then a mix so that every bit counts (murmur3's finalizer): what ids are known by
     * where there is no key, as in snapshots that name none.
     */
    public static long fingerprintWithoutKey(String text) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
        }
        return mixed(hash);
    }

    /** Four characters at a time, folded into the product of both halves by a secret factor, as wyhash does. */
    private long keyed(String id) {
        long factor = key | 1;
        long hash = key ^ id.length() * 0x9e3779b97f4a7c15L;
        int length = id.length();
        int i = 0;
        for (; i + 4 <= length; i += 4) {
            hash = folded(hash ^ ((long) id.charAt(i) | (long) id.charAt(i + 1) << 16 | (long) id.charAt(i + 2) << 32
                    | (long) id.charAt(i + 3) << 48), factor);
        }
        long rest = 0;
        for (; i < length; i++) {
            rest = rest << 16 | id.charAt(i);
        }
        return mixed(folded(hash ^ rest, factor));
    }

    private static long folded(long one, long other) {
        return Math.multiplyHigh(one, other) ^ one * other;
    }

    private static long mixed(long hash) {
        long mixed = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
        mixed = (mixed ^ (mixed >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return (mixed ^ (mixed >>> 33)) & Long.MAX_VALUE;
    }

    /** Adds the id of an entry; sequences grow, recorded times never go backwards. */
    public void add(long fingerprint, boolean reservation, long sequence, long createdAtMs, long recordedAtMs) {
        Newest last = newest.isEmpty() ? null : newest.get(newest.size() - 1);
        if (last == null || last.count >= tableIdsMax() || sequence - last.before > POSITION_MASK) {
            last = begin(last, sequence);
        }
        last.add(word(fingerprint, reservation, sequence - last.before));
        last.createdAtMsMax = Math.max(last.createdAtMsMax, createdAtMs);
        last.recordedAtMsMax = Math.max(last.recordedAtMsMax, recordedAtMs);
        newestCount++;
        lastId = null;
    }

    /**
     * The sequences beyond {@code afterSequence} at which an id with this fingerprint may have been applied, newest
     * first; none means that it was not, but for the forgotten.
     *
     * @param createdAtMs before which the id did not exist; 0: not known
     */
    public long[] find(long fingerprint, long createdAtMs, long afterSequence) {
        long tag = word(fingerprint, false, 0);
        long[] found = NOWHERE;
        for (int i = newest.size() - 1; i >= 0; i--) {
            found = newest.get(i).find(tag, afterSequence, found);
        }
        if (!older.isEmpty()) {
            long hash = fingerprint >>> FINGERPRINT_BITS - OlderIds.HASH_BITS;
            for (OlderIds part : older) {
                if (createdAtMs <= part.createdAtMsMax() && afterSequence < part.lastSequence()) {
                    found = part.find(hash, afterSequence, found);
                }
            }
        }
        return found.length > 1 ? newestFirst(found) : found;
    }

    /** Whether a reservation of this id was made; false too where its id is not among the newest. */
    public boolean madeReservation(String reservationId) {
        long word = word(fingerprint(reservationId), true, 0);
        for (Newest part : newest) {
            if (part.hasReservation(word)) {
                return true;
            }
        }
        return false;
    }

    /** How many newest ids are kept. */
    public int newestCount() {
        return newestCount;
    }

    /** How many of them are in no part yet that never changes. */
    public int openCount() {
        return newest.isEmpty() ? 0 : newest.get(newest.size() - 1).count;
    }

    /** How many older ones. */
    public int olderCount() {
        return olderCount;
    }

    /** What the arrays take: 18 bytes for each id of {@code kept}, a great power of two, and about five and a half an older one. */
    public long bytes() {
        long bytes = 0;
        for (Newest part : newest) {
            bytes += 8L * part.slots.length;
        }
        for (OlderIds part : older) {
            bytes += 8L * part.words().length;
        }
        return bytes;
    }

    /** Ids of entries up to this sequence may have been forgotten; 0: none has. */
    public long forgottenSequence() {
        return forgottenSequence;
    }

    /** At least the created_at of every forgotten id that had one. */
    public long forgottenCreatedAtMs() {
        return forgottenCreatedAtMs;
    }

    /** At least the recorded time of every forgotten id. */
    public long forgottenRecordedAtMs() {
        return forgottenRecordedAtMs;
    }

    // ---- For snapshots ----

    public long key() {
        return key;
    }

    /** Told all that is kept, oldest first, in parts. What an {@link AppliedIds} was told another can be made of. */
    public void forEachPart(PartVisitor visitor) {
        for (OlderIds part : older) {
            visitor.older(part);
        }
        for (int i = 0; i < newest.size(); i++) {
            Newest part = newest.get(i);
            boolean open = i == newest.size() - 1;
            visitor.newest(part.before, open ? IdsPart.of(part.words()) : part, part.createdAtMsMax, part.recordedAtMsMax);
        }
    }

    /** See {@link #forEachPart}. */
    public interface PartVisitor {
        void older(IdsPart part);

        /** What is told last is a copy of those that are still added to. */
        void newest(long beforeSequence, IdsPart part, long createdAtMsMax, long recordedAtMsMax);
    }

    /** To be called first: the ids that follow are known by fingerprints of this key. */
    public void restoreKey(long snapshotsKey) {
        key = snapshotsKey;
        lastId = null;
    }

    /** Takes over a part that {@link #forEachPart} told, after those told before it. */
    public void restoreOlder(long[] words) {
        letGo(OlderIds.of(words));
    }

    /** The same of a part of the newest. */
    public void restoreNewest(long beforeSequence, long[] words, long createdAtMsMax, long recordedAtMsMax) {
        Newest part = new Newest(beforeSequence, slotsFor(words.length));
        for (long word : words) {
            part.add(word);
        }
        part.createdAtMsMax = createdAtMsMax;
        part.recordedAtMsMax = recordedAtMsMax;
        letGoOldest();
        newestCount += part.count;
        newest.add(part);
    }

    /** Takes over what is known of ids forgotten before, before or after the others. */
    public void restoreForgotten(long sequence, long createdAtMs, long recordedAtMs) {
        forgottenSequence = Math.max(forgottenSequence, sequence);
        forgottenCreatedAtMs = Math.max(forgottenCreatedAtMs, createdAtMs);
        forgottenRecordedAtMs = Math.max(forgottenRecordedAtMs, recordedAtMs);
    }

    // ---- How ----

    private Newest begin(Newest full, long sequence) {
        letGoOldest();
        // After a full one another will most likely be filled: no need to grow it step by step.
        Newest next = new Newest(sequence - 1, full == null ? FIRST_SLOTS : slotsFor(tableIdsMax()));
        newest.add(next);
        return next;
    }

    private int tableIdsMax() {
        return (kept + TABLES - 1) / TABLES;
    }

    private void letGoOldest() {
        while (newest.size() > 1 && newestCount - newest.get(0).count >= kept) {
            Newest oldest = newest.remove(0);
            newestCount -= oldest.count;
            letGo(oldest.older());
        }
    }

    private void letGo(OlderIds part) {
        if (older.isEmpty()) {
            older = new ArrayList<>(MERGED_AT_ONCE);
        }
        older.add(part);
        olderCount += part.count();
        while (!older.isEmpty() && older.get(0).recordedAtMsMax() < part.recordedAtMsMax() - windowMs) {
            forgetOldest();
        }
        mergeLast();
        while (olderCount > olderKept) {
            forgetOldest();
        }
    }

    private void forgetOldest() {
        OlderIds oldest = older.remove(0);
        olderCount -= oldest.count();
        restoreForgotten(oldest.lastSequence(), oldest.createdAtMsMax(), oldest.recordedAtMsMax());
    }

    /** Merges the last few while they are of one level; never into more than half of what may be kept. */
    private void mergeLast() {
        while (older.size() >= MERGED_AT_ONCE) {
            List<OlderIds> last = older.subList(older.size() - MERGED_AT_ONCE, older.size());
            int count = last.stream().mapToInt(OlderIds::count).sum();
            OlderIds first = last.get(0);
            OlderIds end = last.get(MERGED_AT_ONCE - 1);
            if (first.level() != end.level() || count > olderKept / 2
                    || end.lastSequence() - first.firstSequence() >= MERGED_SPAN_MAX) {
                return;
            }
            OlderIds.Builder merged = new OlderIds.Builder(first.firstSequence(), first.level() + 1, count);
            last.forEach(merged::addAll);
            last.clear();
            older.add(merged.build());
        }
    }

    private static long word(long fingerprint, boolean reservation, long position) {
        return fingerprint >>> FINGERPRINT_BITS - TAG_BITS << POSITION_BITS + 1 | (reservation ? RESERVATION : 0)
                | position;
    }

    private static int slotsFor(int ids) {
        int slots = FIRST_SLOTS;
        while (idsMax(slots) < ids) {
            slots *= 2;
        }
        return slots;
    }

    /** Ids that a table of so many slots may hold; a search ends at a free one. */
    private static int idsMax(int slots) {
        return slots <= SMALL_SLOTS_MAX ? slots - slots / 8 : slots / 2;
    }

    /** With one more; few are ever found: none of a fresh id, one of a resend. */
    static long[] with(long[] found, long sequence) {
        long[] more = Arrays.copyOf(found, found.length + 1);
        more[found.length] = sequence;
        return more;
    }

    private static long[] newestFirst(long[] found) {
        Arrays.sort(found);
        for (int i = 0, j = found.length - 1; i < j; i++, j--) {
            long earlier = found[i];
            found[i] = found[j];
            found[j] = earlier;
        }
        return found;
    }

    /**
     * Some of the newest ids: an open-addressing table of one word an id, at most half full where it is large, so that
     * a search reads one cache line as a rule. A word is a tag, whether it is a reservation's, and how far its sequence
     * lies behind {@code before}, at least 1; 0 is a free slot.
     */
    private static final class Newest implements IdsPart {
        private final long before;
        private long[] slots;
        private int count;
        private long createdAtMsMax;
        private long recordedAtMsMax;

        Newest(long before, int slots) {
            this.before = before;
            this.slots = new long[slots];
        }

        void add(long word) {
            if (count == idsMax(slots.length)) {
                long[] fewer = slots;
                slots = new long[fewer.length * 2];
                for (long one : fewer) {
                    if (one != 0) {
                        put(one);
                    }
                }
            }
            put(word);
            count++;
        }

        private void put(long word) {
            int mask = slots.length - 1;
            int i = home(word);
            while (slots[i] != 0) {
                i = (i + 1) & mask;
            }
            slots[i] = word;
        }

        /** By the tag's first bits, so that words in the order of the slots are nearly in order themselves. */
        private int home(long word) {
            return (int) (word >>> 1 + Integer.numberOfLeadingZeros(slots.length) + 32);
        }

        long[] find(long tag, long afterSequence, long[] found) {
            long[] slots = this.slots;
            int mask = slots.length - 1;
            for (int i = home(tag); slots[i] != 0; i = (i + 1) & mask) {
                if (((slots[i] ^ tag) & TAG_MASK) == 0) {
                    long sequence = before + (slots[i] & POSITION_MASK);
                    if (sequence > afterSequence) {
                        found = with(found, sequence);
                    }
                }
            }
            return found;
        }

        boolean hasReservation(long word) {
            int mask = slots.length - 1;
            for (int i = home(word); slots[i] != 0; i = (i + 1) & mask) {
                if (((slots[i] ^ word) & ~POSITION_MASK) == 0) {
                    return true;
                }
            }
            return false;
        }

        /** In an order in which they come into the same slots again: words that run over the last slot do not come first. */
        @Override
        public long[] words() {
            long[] words = new long[count];
            int mask = slots.length - 1;
            int free = 0;
            while (slots[free] != 0) {
                free++;
            }
            int next = 0;
            for (int i = 1; i <= mask; i++) {
                long word = slots[free + i & mask];
                if (word != 0) {
                    words[next++] = word;
                }
            }
            return words;
        }

        OlderIds older() {
            OlderIds.Builder builder = new OlderIds.Builder(before, 0, count);
            for (long word : slots) {
                if (word != 0) {
                    builder.add(word >>> Long.SIZE - OlderIds.HASH_BITS, before + (word & POSITION_MASK));
                }
            }
            builder.times(createdAtMsMax, recordedAtMsMax);
            return builder.build();
        }
    }
}
