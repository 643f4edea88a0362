package io.stockledger.server.journal;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import com.github.luben.zstd.ZstdException;
import com.github.luben.zstd.util.Native;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A {@link GroupRow} as the store holds it: entries of one row repeat their SKU, places and times, so all but a short
 * row is packed by Zstandard (RFC 8878). It takes a fraction of the time that the store's own compression takes, and
 * leaves fewer bytes to log, for which a commit waits. A packed row, big-endian:
 *
 * <pre>
 *   0  int32  magic, "SLG2"
 *   4         the row's bytes up to its entries, as they are: the store reads a header in either form
 *  76  int32  bytes of the row
 *  80         the row's bytes between header and digest, as one frame
 * -32         the row's digest: over the row, not over this form of it
 * </pre>
 */
public final class RowPacking {
    /** A row's layout as the store's column for it has it. */
    static final String WHOLE = "SLG1";
    static final String PACKED = "SLG2";

    private static final int PACKED_MAGIC = 0x534C4732;
    /** One entry's row stays as it is: too short to hold anything twice. */
    private static final int PACKED_FROM_BYTES = 1024;
    /** More than rows have, which is 1 MiB and an entry. */
    private static final int ROW_BYTES_MAX = 64 << 20;
    private static final int FRAME_OFFSET = GroupRow.HEADER_BYTES + Integer.BYTES;
    private static final int LEVEL = 1;

    /** Not in use at the moment; each may be used by one thread at a time, so there are never more than threads. */
    private static final ConcurrentLinkedQueue<ZstdCompressCtx> PACKERS = new ConcurrentLinkedQueue<>();
    private static final ConcurrentLinkedQueue<ZstdDecompressCtx> UNPACKERS = new ConcurrentLinkedQueue<>();

    private RowPacking() {}

    /** @throws StartupException where the library can't be used here: it unpacks a native part into a folder */
    public static void requireUsable() {
        try {
            Native.load();
        } catch (LinkageError e) {
            throw new StartupException("The compression library can't be loaded: " + e.getMessage()
                    + ". It needs a folder that programs may be loaded from: -DZstdTempFolder=FOLDER, by default that of java.io.tmpdir", e);
        }
    }

    /** What is to be stored for a row: its own bytes where it is short, or where packing would not help. */
    static byte[] packed(GroupRow row) {
        byte[] whole = row.bytes();
        if (whole.length < PACKED_FROM_BYTES || whole.length > ROW_BYTES_MAX) {
            return whole;
        }
        byte[] packed = new byte[whole.length];
        int room = packed.length - FRAME_OFFSET - GroupRow.DIGEST_BYTES;
        int frameBytes;
        ZstdCompressCtx packer = Optional.ofNullable(PACKERS.poll()).orElseGet(() -> new ZstdCompressCtx().setLevel(LEVEL));
        try {
            frameBytes = packer.compressByteArray(packed, FRAME_OFFSET, room, whole, row.bodyOffset(), row.bodyLength());
        } catch (ZstdException e) {
            if (e.getErrorCode() == Zstd.errDstSizeTooSmall()) {
                // It does not get shorter.
                return whole;
            }
            throw e;
        } finally {
            PACKERS.add(packer);
        }
        int length = FRAME_OFFSET + frameBytes + GroupRow.DIGEST_BYTES;
        ByteBuffer.wrap(packed).putInt(PACKED_MAGIC).put(whole, Integer.BYTES, GroupRow.HEADER_BYTES - Integer.BYTES)
                .putInt(whole.length).position(length - GroupRow.DIGEST_BYTES)
                .put(whole, whole.length - GroupRow.DIGEST_BYTES, GroupRow.DIGEST_BYTES);
        return Arrays.copyOf(packed, length);
    }

    /** The layout of what is stored. */
    static String layout(byte[] stored) {
        return isPacked(stored) ? PACKED : WHOLE;
    }

    static boolean isPacked(byte[] stored) {
        return stored.length >= Integer.BYTES && ByteBuffer.wrap(stored).getInt() == PACKED_MAGIC;
    }

    /** The row's bytes of its packed form; empty where they can't be had, since it is not what was stored. */
    static Optional<byte[]> unpacked(byte[] packed) {
        if (packed.length < FRAME_OFFSET + GroupRow.DIGEST_BYTES) {
            return Optional.empty();
        }
        int length = ByteBuffer.wrap(packed).getInt(GroupRow.HEADER_BYTES);
        int bodyBytes = length - GroupRow.HEADER_BYTES - GroupRow.DIGEST_BYTES;
        int frameBytes = packed.length - FRAME_OFFSET - GroupRow.DIGEST_BYTES;
        // The frame tells it too: a damaged length must not take the memory.
        if (bodyBytes < 0 || length > ROW_BYTES_MAX || Zstd.getFrameContentSize(packed, FRAME_OFFSET, frameBytes) != bodyBytes) {
            return Optional.empty();
        }
        byte[] whole = new byte[length];
        ZstdDecompressCtx unpacker = Optional.ofNullable(UNPACKERS.poll()).orElseGet(ZstdDecompressCtx::new);
        try {
            int bytes = unpacker.decompressByteArray(whole, GroupRow.HEADER_BYTES, bodyBytes, packed, FRAME_OFFSET, frameBytes);
            if (bytes != bodyBytes) {
                return Optional.empty();
            }
        } catch (ZstdException e) {
            if (e.getErrorCode() == Zstd.errMemoryAllocation()) {
                throw e;
            }
            return Optional.empty();
        } finally {
            UNPACKERS.add(unpacker);
        }
        ByteBuffer.wrap(whole).putInt(GroupRow.MAGIC).put(packed, Integer.BYTES, GroupRow.HEADER_BYTES - Integer.BYTES)
                .position(whole.length - GroupRow.DIGEST_BYTES)
                .put(packed, packed.length - GroupRow.DIGEST_BYTES, GroupRow.DIGEST_BYTES);
        return Optional.of(whole);
    }

    /** Header and digest of a packed row that can't be unpacked, still by its own layout: a row that holds no entries. */
    static byte[] withoutEntries(byte[] packed) {
        byte[] ends = new byte[GroupRow.HEADER_BYTES + GroupRow.DIGEST_BYTES];
        System.arraycopy(packed, 0, ends, 0, Math.min(packed.length, GroupRow.HEADER_BYTES));
        if (packed.length >= ends.length) {
            System.arraycopy(packed, packed.length - GroupRow.DIGEST_BYTES, ends, GroupRow.HEADER_BYTES, GroupRow.DIGEST_BYTES);
        }
        return ends;
    }
}
