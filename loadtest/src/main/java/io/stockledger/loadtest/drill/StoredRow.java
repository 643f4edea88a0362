package io.stockledger.loadtest.drill;

import com.google.protobuf.InvalidProtocolBufferException;
import io.stockledger.v1.Entry;
import io.stockledger.v1.SubscribeResponse;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A short journal row, which is not packed, taken apart and put together by somebody who can write to the database and
 * knows how the ledger does it: 76 bytes of header, the last 32 of them the digest of the row before; the entries; 32 bytes of digest.
 */
final class StoredRow {
    private static final int PREVIOUS_DIGEST = 44;
    private static final int HEADER_BYTES = 76;
    private static final int DIGEST_BYTES = 32;

    private StoredRow() {}

    /** The same row with other entries, right-looking behind a row of this digest. */
    static byte[] forged(byte[] row, byte[] previousDigest, UnaryOperator<Entry> forgery) throws InvalidProtocolBufferException {
        SubscribeResponse entries = SubscribeResponse.parseFrom(ByteBuffer.wrap(row, HEADER_BYTES, row.length - HEADER_BYTES - DIGEST_BYTES));
        List<Entry> forged = entries.getEntriesList().stream().map(forgery).toList();
        byte[] body = SubscribeResponse.newBuilder().addAllEntries(forged).build().toByteArray();
        ByteBuffer out = ByteBuffer.allocate(HEADER_BYTES + body.length + DIGEST_BYTES);
        out.put(row, 0, PREVIOUS_DIGEST).put(previousDigest).put(body);
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            sha.update(out.array(), 0, out.position());
            return out.put(sha.digest()).array();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The digest that a row holds of itself. */
    static byte[] digest(byte[] row) {
        return Arrays.copyOfRange(row, row.length - DIGEST_BYTES, row.length);
    }

    /** The digest before a SKU's first row. */
    static byte[] noDigest() {
        return new byte[DIGEST_BYTES];
    }
}
