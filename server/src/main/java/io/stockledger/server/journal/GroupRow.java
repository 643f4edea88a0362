package io.stockledger.server.journal;

import com.google.protobuf.CodedInputStream;
import io.stockledger.server.domain.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * One journal row: a group of entries of one SKU, committed together. Its bytes, big-endian:
 *
 * <pre>
 *   0  int32  magic, "SLG1"
 *   4  int64  sequence of the first entry
 *  12  int32  number of entries
 *  16  int64  when the last entry was recorded, ms
 *  24  int64  when the SKU's first hold is due after this group, ms; 0: nothing is held
 *  32  int64  the same where it differs from the row before and is not 0, else 0
 *  40  int32  locations that the SKU has balances at after this group
 *  44  byte32 digest of the SKU's row before; zeros in its first
 *  76  the entries, each with the tag of SubscribeResponse.entries: they are streamed as they stand here
 *  -32 byte32 digest: SHA-256 over all bytes before
 * </pre>
 *
 * <p>The digests chain a SKU's rows, so that a row changed, removed or swapped by hand is found. The fixed places let
 * SQL read a header; what SQL finds a row by, its first sequence and what it announces, stands in columns too. The
 * store holds all but short rows packed ({@link RowPacking}).
 */
public final class GroupRow {
    public static final int MAGIC = 0x534C4731;
    public static final int DIGEST_BYTES = 32;
    static final int HEADER_BYTES = 76;
    /** SubscribeResponse.entries, and its tag: length-delimited. */
    private static final int ENTRIES_FIELD = 1;
    private static final int ENTRY_TAG = ENTRIES_FIELD << 3 | 2;
    private static final byte[] NO_DIGEST = new byte[DIGEST_BYTES];

    /** A stored row is not what was written. */
    public static final class DamagedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public DamagedException(String message) {
            super(message);
        }
    }

    private final byte[] bytes;
    private final ByteBuffer view;
    /** A thread that does not see it set finds out for itself. */
    private boolean foundWhole;

    private GroupRow(byte[] bytes) {
        this.bytes = bytes;
        this.view = ByteBuffer.wrap(bytes);
    }

    /**
     * Takes a row over as it is stored, packed or not; the bytes must not be changed any more. Whether they are those that
     * were written, {@link #isWhole} tells. What is too short to be a row is filled up with zeros, what can't be unpacked has
     * a header and a digest and no entries to be read, and so neither is ever whole: a page of rows can be read around it.
     */
    public static GroupRow of(byte[] stored) {
        int shortest = HEADER_BYTES + DIGEST_BYTES;
        if (RowPacking.isPacked(stored)) {
            return new GroupRow(RowPacking.unpacked(stored).orElseGet(() -> RowPacking.withoutEntries(stored)));
        }
        return new GroupRow(stored.length < shortest ? Arrays.copyOf(stored, shortest) : stored);
    }

    /** The digest before a SKU's first row. */
    public static byte[] noDigest() {
        return NO_DIGEST.clone();
    }

    public long firstSequence() {
        return view.getLong(4);
    }

    public int entryCount() {
        return view.getInt(12);
    }

    public long lastSequence() {
        return firstSequence() + entryCount() - 1;
    }

    public long recordedAtMs() {
        return view.getLong(16);
    }

    public long nextDueMs() {
        return view.getLong(24);
    }

    public long announcedDueMs() {
        return view.getLong(32);
    }

    public int locationCount() {
        return view.getInt(40);
    }

    public byte[] previousDigest() {
        return Arrays.copyOfRange(bytes, 44, HEADER_BYTES);
    }

    /** The digest that the row holds of itself. */
    public byte[] digest() {
        return Arrays.copyOfRange(bytes, bytes.length - DIGEST_BYTES, bytes.length);
    }

    /**
     * Whether the row's bytes are those that its digest was made of. Hashes all of them, a microsecond a KiB, and then
     * knows.
     */
    public boolean isWhole() {
        if (!foundWhole) {
            foundWhole = isReadable() && Arrays.equals(digest(), sha256(bytes, bytes.length - DIGEST_BYTES));
        }
        return foundWhole;
    }

    /** Whether it is of this layout; not so what could not be unpacked. */
    private boolean isReadable() {
        return view.getInt(0) == MAGIC;
    }

    /** Whether a text stands in it; nor can that be ruled out where it can't be read. */
    boolean mayHold(String text) {
        // A character a byte: so the platform's own search serves for bytes.
        return !isReadable() || new String(bytes, StandardCharsets.ISO_8859_1)
                .contains(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    }

    /** All bytes of it, not packed; not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** Where the entries' wire form begins in {@link #bytes}. */
    public int bodyOffset() {
        return HEADER_BYTES;
    }

    /** How long the entries' wire form is; throws a {@link DamagedException} where the row could not be unpacked. */
    public int bodyLength() {
        if (RowPacking.isPacked(bytes)) {
            throw new DamagedException("a journal row can't be unpacked");
        }
        return bytes.length - HEADER_BYTES - DIGEST_BYTES;
    }

    /** The entries in order. */
    public List<io.stockledger.v1.Entry> entries() {
        List<io.stockledger.v1.Entry> entries = new ArrayList<>(Math.min(entryCount(), 8192));
        forEach(entries::add);
        return entries;
    }

    /** Gives each entry in order, decoded just before; those in front of one that can't be read are given. */
    public void forEach(Consumer<io.stockledger.v1.Entry> taker) {
        try {
            CodedInputStream in = CodedInputStream.newInstance(bytes, bodyOffset(), bodyLength());
            while (isAtEntry(in)) {
                int outer = in.pushLimit(in.readRawVarint32());
                io.stockledger.v1.Entry entry = io.stockledger.v1.Entry.parseFrom(in);
                in.popLimit(outer);
                taker.accept(entry);
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Has a stock take over the entries in order, which are of this SKU; they hold what it asks for, and no more. */
    public void replay(String sku, Consumer<Entry> evolve) {
        try {
            EntryReader reader = new EntryReader(bytes, bodyOffset(), bodyLength());
            while (isAtEntry(reader.in())) {
                evolve.accept(reader.next(sku));
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Entries from a sequence on: so many, fewer where they have passed so many bytes. Those before are not decoded. */
    public List<io.stockledger.v1.Entry> entries(long fromSequence, int max, int bytesMax) {
        try {
            CodedInputStream in = CodedInputStream.newInstance(bytes, bodyOffset(), bodyLength());
            List<io.stockledger.v1.Entry> entries = new ArrayList<>();
            int left = bytesMax;
            for (long sequence = firstSequence(); entries.size() < max && left > 0 && isAtEntry(in); sequence++) {
                int length = in.readRawVarint32();
                if (sequence < fromSequence) {
                    in.skipRawBytes(length);
                } else {
                    int outer = in.pushLimit(length);
                    entries.add(io.stockledger.v1.Entry.parseFrom(in));
                    in.popLimit(outer);
                    left -= length;
                }
            }
            return entries;
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** The entry of a sequence that stands in it; the others are passed over. */
    public io.stockledger.v1.Entry entry(long sequence) {
        try {
            CodedInputStream in = CodedInputStream.newInstance(bytes, bodyOffset(), bodyLength());
            for (long before = firstSequence(); before < sequence && isAtEntry(in); before++) {
                in.skipRawBytes(in.readRawVarint32());
            }
            if (!isAtEntry(in)) {
                throw new DamagedException("a journal row does not hold entry " + sequence);
            }
            return io.stockledger.v1.Entry.parseFrom(in.readByteArray());
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static DamagedException unreadable(IOException why) {
        return new DamagedException("a journal row's entries can't be read: " + why.getMessage());
    }

    /** Whether another entry follows, its tag just read; false: the row ends here. */
    private static boolean isAtEntry(CodedInputStream in) throws IOException {
        int tag = in.readTag();
        if (tag != ENTRY_TAG && tag != 0) {
            throw new DamagedException("a journal row holds something else among its entries");
        }
        return tag == ENTRY_TAG;
    }

    private static byte[] sha256(byte[] bytes, int length) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update(bytes, 0, length);
            return sha.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Puts a row together, entry by entry. */
    public static final class Builder {
        private final WireWriter out = new WireWriter(1024, HEADER_BYTES);
        private int entryCount;
        private long firstSequence;
        private long recordedAtMs;

        /** Adds the next entry. */
        public void add(Entry entry) {
            if (entryCount == 0) {
                firstSequence = entry.sequence();
            }
            recordedAtMs = entry.recordedAtMs();
            entryCount++;
            int begun = out.begin(ENTRIES_FIELD);
            EntryCodec.write(entry, out);
            out.end(begun);
        }

        public int entryCount() {
            return entryCount;
        }

        /** Bytes so far, header included. */
        public int length() {
            return out.length();
        }

        /**
         * Closes the row.
         *
         * @param previousDigest of the SKU's row before, or {@link #noDigest}
         * @param nextDueMs when the SKU's first hold is due after this group; 0: nothing is held
         * @param announcedDueMs the same if it is news, else 0
         * @param locationCount locations that the SKU has balances at after this group
         */
        public GroupRow build(byte[] previousDigest, long nextDueMs, long announcedDueMs, int locationCount) {
            byte[] whole = out.toBytes(DIGEST_BYTES);
            int length = out.length();
            ByteBuffer header = ByteBuffer.wrap(whole);
            header.putInt(MAGIC).putLong(firstSequence).putInt(entryCount).putLong(recordedAtMs)
                    .putLong(nextDueMs).putLong(announcedDueMs).putInt(locationCount).put(previousDigest);
            System.arraycopy(sha256(whole, length), 0, whole, length, DIGEST_BYTES);
            return new GroupRow(whole);
        }
    }
}
