package io.stockledger.server.domain;

import java.util.Arrays;

/**
 * Many ids of one SKU that are no longer among its newest, each with its sequence, in five bytes an id and a little
 * for finding them: never changed once made, kept in memory and in a snapshot as the same words.
 *
 * <p>It tells the sequences at which an id may have been applied. One that was is never left out; one that was not is
 * named with a probability of at most count / 2^{@value #HASH_BITS}, and a look at that entry clears it. So
 * it answers as a Bloom filter does, and where to look besides. It is the quotienting of compact hash tables (Cleary,
 * "Compact Hash Tables Using Bidirectional Linear Probing", 1984): a hash's first bits say in which bucket it stands,
 * and only the rest is stored.
 *
 * <p>Its words:
 *
 * <pre>
 *   0  layout, 1; level: how often ids were merged to make it; bits of a hash that name the bucket; bits of a
 *      position: 8 bits each, the layout first; then the count: 32 bits
 *   1  first sequence; a position is what a sequence lies beyond it
 *   2  last sequence
 *   3  greatest created_at of the ids, ms
 *   4  greatest recorded time, ms
 *   5  for each bucket, how many ids stand before it, 32 bits, the lower half first; and once more the count
 *  ..  for each id, in the order of the hashes, 40 bits from the lowest up: the hash without the bucket's bits, then
 *      the position
 *  ..  0, so that two words can be read at the last id
 * </pre>
 */
final class OlderIds implements IdsPart {
    /** Bits of a fingerprint that are kept: its first of {@link AppliedIds#FINGERPRINT_BITS}. */
    static final int HASH_BITS = 33;
    /** A position has at most so many bits. */
    static final int POSITION_BITS_MAX = 30;

    private static final int LAYOUT = 1;
    private static final int HEADER_WORDS = 5;
    private static final int ID_BITS = 40;
    private static final long ID_MASK = (1L << ID_BITS) - 1;
    /** Ids a bucket, about, as a power of two: a bucket is one or two cache lines. */
    private static final int BUCKET_IDS_BITS = 4;

    private final long[] words;
    private final int bucketBits;
    private final int positionBits;
    private final int idsBegin;
    private final long firstSequence;
    private final long lastSequence;
    private final long createdAtMsMax;

    private OlderIds(long[] words) {
        this.words = words;
        this.bucketBits = (int) (words[0] >>> 40) & 0xFF;
        this.positionBits = (int) (words[0] >>> 32) & 0xFF;
        this.idsBegin = idsBegin(bucketBits);
        this.firstSequence = words[1];
        this.lastSequence = words[2];
        this.createdAtMsMax = words[3];
    }

    private static int idsBegin(int bucketBits) {
        return HEADER_WORDS + ((1 << bucketBits) + 2) / 2;
    }

    /** Ids to be made one of these, and the bounds of their times. */
    static final class Builder {
        private final long firstSequence;
        private final int level;
        /** A hash, then 30 bits of position: in this order they are stored. */
        private long[] keys;
        private int count;
        private long lastSequence;
        private long createdAtMsMax;
        private long recordedAtMsMax;

        Builder(long firstSequence, int level, int countMax) {
            this.firstSequence = firstSequence;
            this.lastSequence = firstSequence;
            this.level = level;
            this.keys = new long[countMax];
        }

        void add(long hash, long sequence) {
            keys[count++] = hash << POSITION_BITS_MAX | (sequence - firstSequence);
            lastSequence = Math.max(lastSequence, sequence);
        }

        void times(long createdAtMs, long recordedAtMs) {
            createdAtMsMax = Math.max(createdAtMsMax, createdAtMs);
            recordedAtMsMax = Math.max(recordedAtMsMax, recordedAtMs);
        }

        /** All ids of another, which must begin at this one's first sequence or later. */
        void addAll(OlderIds other) {
            for (int bucket = 0; bucket < 1 << other.bucketBits; bucket++) {
                int end = other.start(bucket + 1);
                for (int i = other.start(bucket); i < end; i++) {
                    long id = other.id(i);
                    long hash = (long) bucket << HASH_BITS - other.bucketBits | id >>> other.positionBits;
                    add(hash, other.firstSequence + (id & (1L << other.positionBits) - 1));
                }
            }
            times(other.createdAtMsMax, other.recordedAtMsMax());
        }

        OlderIds build() {
            Arrays.sort(keys, 0, count);
            int positionBits = bits(lastSequence - firstSequence);
            // What of a hash does not fit beside the position goes into more, smaller buckets.
            int bucketBits = Math.max(Math.max(0, bits(count) - BUCKET_IDS_BITS), HASH_BITS + positionBits - ID_BITS);
            int buckets = 1 << bucketBits;
            int idsBegin = idsBegin(bucketBits);
            long[] words = new long[idsBegin + (int) (((long) ID_BITS * count + Long.SIZE - 1) / Long.SIZE) + 1];
            words[0] = (long) LAYOUT << 56 | (long) level << 48 | (long) bucketBits << 40 | (long) positionBits << 32
                    | count;
            words[1] = firstSequence;
            words[2] = lastSequence;
            words[3] = createdAtMsMax;
            words[4] = recordedAtMsMax;
            long restMask = (1L << HASH_BITS - bucketBits) - 1;
            int begun = 0;
            for (int i = 0; i < count; i++) {
                long hash = keys[i] >>> POSITION_BITS_MAX;
                for (int bucket = (int) (hash >>> HASH_BITS - bucketBits); begun <= bucket; begun++) {
                    setStart(words, begun, i);
                }
                long position = keys[i] & (1L << POSITION_BITS_MAX) - 1;
                long id = (hash & restMask) << positionBits | position;
                long bit = (long) ID_BITS * i;
                int word = idsBegin + (int) (bit / Long.SIZE);
                int shift = (int) (bit % Long.SIZE);
                words[word] |= id << shift;
                if (shift > Long.SIZE - ID_BITS) {
                    words[word + 1] = id >>> Long.SIZE - shift;
                }
            }
            for (; begun <= buckets; begun++) {
                setStart(words, begun, count);
            }
            return new OlderIds(words);
        }

        private static void setStart(long[] words, int bucket, int start) {
            words[HEADER_WORDS + bucket / 2] |= (long) start << bucket % 2 * Integer.SIZE;
        }

        private static int bits(long number) {
            return Long.SIZE - Long.numberOfLeadingZeros(number);
        }
    }

    /** Takes words over that {@link #words} gave; they must not be changed any more. */
    static OlderIds of(long[] words) {
        if (words.length <= HEADER_WORDS || words[0] >>> 56 != LAYOUT) {
            throw new IllegalArgumentException("not ids of a known layout: " + words.length + " words");
        }
        return new OlderIds(words);
    }

    /** All that it is. */
    @Override
    public long[] words() {
        return words;
    }

    int level() {
        return (int) (words[0] >>> 48) & 0xFF;
    }

    int count() {
        return (int) words[0];
    }

    long firstSequence() {
        return firstSequence;
    }

    long lastSequence() {
        return lastSequence;
    }

    long createdAtMsMax() {
        return createdAtMsMax;
    }

    long recordedAtMsMax() {
        return words[4];
    }

    /** With the sequences beyond {@code afterSequence} at which an id with this hash may have been applied. */
    long[] find(long hash, long afterSequence, long[] found) {
        int restBits = HASH_BITS - bucketBits;
        int bucket = (int) (hash >>> restBits);
        long rest = hash & (1L << restBits) - 1;
        int end = start(bucket + 1);
        for (int i = start(bucket); i < end; i++) {
            long id = id(i);
            if (id >>> positionBits == rest) {
                long sequence = firstSequence + (id & (1L << positionBits) - 1);
                if (sequence > afterSequence) {
                    found = AppliedIds.with(found, sequence);
                }
            }
        }
        return found;
    }

    private int start(int bucket) {
        return (int) (words[HEADER_WORDS + bucket / 2] >>> bucket % 2 * Integer.SIZE);
    }

    private long id(int i) {
        long bit = (long) ID_BITS * i;
        int word = idsBegin + (int) (bit >>> 6);
        // The next word's part is shifted in two steps: by 64 at once would be by none.
        return (words[word] >>> bit | words[word + 1] << 1 << ~bit) & ID_MASK;
    }
}
