package io.stockledger.server.domain;

/**
 * The newest mutation ids of one SKU, as fingerprints with their sequences: 16 bytes an id in a ring, and 8 more in an
 * open-addressing index over it. Finds in constant time; forgets the oldest beyond its capacity, and keeps for those
 * forgotten just enough to know which mutations might be among them.
 *
 * <p>A fingerprint is a hint, never proof: who finds one reads the entry to be sure. It has 63 bits; the 64th says
 * that the id is a reservation's, so that a closed reservation can be told from an id that never was one.
 *
 * <p>A mutation that carries {@code created_at} carries the same one on every resend. So one whose created_at is
 * newer than that of every forgotten id can't be a resend of any, whatever the callers' clocks say. The ring keeps
 * that maximum for each of its {@value #SEGMENTS} segments rather than for each id.
 */
public final class AppliedIds {
    private static final int SEGMENTS = 64;
    private static final int FIRST_SIZE = 4;
    private static final long RESERVATION = 1L << 63;

    private final int capacity;
    private final int segmentLength;

    private long[] fingerprints = new long[FIRST_SIZE];
    private long[] sequences = new long[FIRST_SIZE];
    /** Where a fingerprint stands in the ring, plus one; 0 is free. Linear probing, at most half full. */
    private int[] index = new int[FIRST_SIZE * 2];
    private int oldest;
    private int size;

    /** Of all ids ever added, forgotten ones too: says which segment an id belongs to. */
    private long added;
    private final long[] segmentCreatedAtMs;
    private final long[] segmentRecordedAtMs;

    private long forgottenSequence;
    private long forgottenCreatedAtMs;
    private long forgottenRecordedAtMs;

    public AppliedIds(int capacity) {
        if (capacity < FIRST_SIZE) {
            throw new IllegalArgumentException("at least " + FIRST_SIZE + " ids must be kept, not " + capacity);
        }
        this.capacity = capacity;
        this.segmentLength = Math.max(1, (capacity + SEGMENTS - 1) / SEGMENTS);
        // Two more than the ring spans, so that the newest segment never takes the place of the oldest.
        this.segmentCreatedAtMs = new long[SEGMENTS + 2];
        this.segmentRecordedAtMs = new long[SEGMENTS + 2];
    }

    /** FNV-1a over the characters, then a mix so that every bit counts in the index (murmur3's finalizer). */
    public static long fingerprint(String mutationId) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < mutationId.length(); i++) {
            hash = (hash ^ mutationId.charAt(i)) * 0x100000001b3L;
        }
        hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
        hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return (hash ^ (hash >>> 33)) & ~RESERVATION;
    }

    /** The same of an id that is a reservation's too: what {@link #add} is given for the entry that made it. */
    public static long reservationFingerprint(String reservationId) {
        return fingerprint(reservationId) | RESERVATION;
    }

    /** Adds the id of an entry; sequences and recorded times never go backwards. */
    public void add(long fingerprint, long sequence, long createdAtMs, long recordedAtMs) {
        if (size == fingerprints.length) {
            if (size < capacity) {
                grow();
            } else {
                forgetOldest();
            }
        }
        int slot = slot(size);
        fingerprints[slot] = fingerprint;
        sequences[slot] = sequence;
        size++;
        putIntoIndex(slot);
        int segment = segment(added);
        if (added % segmentLength == 0) {
            segmentCreatedAtMs[segment] = 0;
            segmentRecordedAtMs[segment] = 0;
        }
        segmentCreatedAtMs[segment] = Math.max(segmentCreatedAtMs[segment], createdAtMs);
        segmentRecordedAtMs[segment] = Math.max(segmentRecordedAtMs[segment], recordedAtMs);
        added++;
    }

    /** The newest sequence under this fingerprint, a reservation's or not; 0 if none is kept. */
    public long find(long fingerprint) {
        long found = 0;
        int mask = index.length - 1;
        for (int i = (int) fingerprint & mask; index[i] != 0; i = (i + 1) & mask) {
            int slot = index[i] - 1;
            if (((fingerprints[slot] ^ fingerprint) & ~RESERVATION) == 0) {
                found = Math.max(found, sequences[slot]);
            }
        }
        return found;
    }

    /** Whether a reservation of this id was made; false too where its id is forgotten. */
    public boolean madeReservation(String reservationId) {
        long fingerprint = reservationFingerprint(reservationId);
        int mask = index.length - 1;
        for (int i = (int) fingerprint & mask; index[i] != 0; i = (i + 1) & mask) {
            if (fingerprints[index[i] - 1] == fingerprint) {
                return true;
            }
        }
        return false;
    }

    public int size() {
        return size;
    }

    /** What the arrays take: at most 24 bytes an id that may be kept, and a little for the segments. */
    public long bytes() {
        return 8L * (fingerprints.length + sequences.length + segmentCreatedAtMs.length + segmentRecordedAtMs.length)
                + 4L * index.length;
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

    /**
     * Takes over what is known of ids forgotten before; for a snapshot being read. Before or after its ids are added:
     * where the capacity has been lowered since, adding them forgets some too.
     */
    public void restoreForgotten(long sequence, long createdAtMs, long recordedAtMs) {
        forgottenSequence = Math.max(forgottenSequence, sequence);
        forgottenCreatedAtMs = Math.max(forgottenCreatedAtMs, createdAtMs);
        forgottenRecordedAtMs = Math.max(forgottenRecordedAtMs, recordedAtMs);
    }

    /** Told each id kept, oldest first, with bounds of its times: what {@link #add} needs to make the same again. */
    public void forEach(Visitor visitor) {
        for (int i = 0; i < size; i++) {
            int slot = slot(i);
            int segment = segment(added - size + i);
            visitor.id(fingerprints[slot], sequences[slot], segmentCreatedAtMs[segment], segmentRecordedAtMs[segment]);
        }
    }

    /** See {@link #forEach}. */
    public interface Visitor {
        void id(long fingerprint, long sequence, long createdAtMsMax, long recordedAtMsMax);
    }

    private void forgetOldest() {
        int segment = segment(added - size);
        forgottenSequence = sequences[oldest];
        forgottenCreatedAtMs = Math.max(forgottenCreatedAtMs, segmentCreatedAtMs[segment]);
        forgottenRecordedAtMs = Math.max(forgottenRecordedAtMs, segmentRecordedAtMs[segment]);
        takeFromIndex(oldest);
        oldest = (oldest + 1) % fingerprints.length;
        size--;
    }

    private void grow() {
        int length = Math.min(capacity, fingerprints.length * 2);
        long[] grownFingerprints = new long[length];
        long[] grownSequences = new long[length];
        for (int i = 0; i < size; i++) {
            grownFingerprints[i] = fingerprints[slot(i)];
            grownSequences[i] = sequences[slot(i)];
        }
        fingerprints = grownFingerprints;
        sequences = grownSequences;
        oldest = 0;
        index = new int[Integer.highestOneBit(Math.max(2, length) * 2 - 1) * 2];
        for (int slot = 0; slot < size; slot++) {
            putIntoIndex(slot);
        }
    }

    private int slot(int position) {
        int slot = oldest + position;
        return slot < fingerprints.length ? slot : slot - fingerprints.length;
    }

    private int segment(long ordinal) {
        return (int) (ordinal / segmentLength % segmentCreatedAtMs.length);
    }

    private void putIntoIndex(int slot) {
        int mask = index.length - 1;
        int i = (int) fingerprints[slot] & mask;
        while (index[i] != 0) {
            i = (i + 1) & mask;
        }
        index[i] = slot + 1;
    }

    /** Backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R): no tombstones, so the index never fills up. */
    private void takeFromIndex(int slot) {
        int mask = index.length - 1;
        int hole = (int) fingerprints[slot] & mask;
        while (index[hole] != slot + 1) {
            hole = (hole + 1) & mask;
        }
        int i = hole;
        while (true) {
            i = (i + 1) & mask;
            if (index[i] == 0) {
                break;
            }
            int home = (int) fingerprints[index[i] - 1] & mask;
            boolean movable = hole <= i ? home <= hole || home > i : home <= hole && home > i;
            if (movable) {
                index[hole] = index[i];
                hole = i;
            }
        }
        index[hole] = 0;
    }
}
