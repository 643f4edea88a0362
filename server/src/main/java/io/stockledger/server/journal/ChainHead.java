package io.stockledger.server.journal;

import com.google.protobuf.UnsafeByteOperations;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Where a SKU's chain of rows stands: one row, its last entry, its SHA-256. It vouches for every row before it.
 *
 * @param digest {@value GroupRow#DIGEST_BYTES} bytes; not to be changed
 */
public record ChainHead(String sku, long rowNumber, long sequence, byte[] digest) {
    public static ChainHead of(JournalRow row) {
        return new ChainHead(row.sku(), row.rowNumber(), row.group().lastSequence(), row.group().digest());
    }

    public io.stockledger.v1.ChainHead toContract() {
        return io.stockledger.v1.ChainHead.newBuilder()
                .setSku(sku)
                .setRow(rowNumber)
                .setSequence(sequence)
                .setDigest(UnsafeByteOperations.unsafeWrap(digest))
                .build();
    }

    /** Whether both name the same row of the same bytes. */
    public boolean agreesWith(ChainHead other) {
        return sku.equals(other.sku) && rowNumber == other.rowNumber && sequence == other.sequence
                && Arrays.equals(digest, other.digest);
    }

    @Override
    public String toString() {
        return "row " + rowNumber + ", entry " + sequence + ", SHA-256 " + HexFormat.of().formatHex(digest);
    }
}
