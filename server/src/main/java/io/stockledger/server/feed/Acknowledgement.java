package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.LedgerIdentity;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * What a consumer hands back once it has applied a message: on which stream it came, the number of the last message with
 * entries by then, and the cursor. To clients it is opaque bytes, checksummed.
 */
record Acknowledgement(UUID stream, long number, Cursor cursor) {
    private static final byte FORMAT = 1;
    private static final int HEAD_LENGTH = 1 + 16 + 8;

    byte[] toBytes(LedgerIdentity ledger) {
        byte[] at = cursor.toBytes(ledger);
        ByteBuffer bytes = ByteBuffer.allocate(HEAD_LENGTH + at.length + 4)
                .put(FORMAT)
                .putLong(stream.getMostSignificantBits())
                .putLong(stream.getLeastSignificantBits())
                .putLong(number)
                .put(at);
        return bytes.putInt(checksum(bytes.array())).array();
    }

    /** Empty where the bytes are none of this ledger's. */
    static Optional<Acknowledgement> parse(byte[] foreign, LedgerIdentity ledger) {
        if (foreign.length < HEAD_LENGTH + 4 || foreign[0] != FORMAT) {
            return Optional.empty();
        }
        ByteBuffer bytes = ByteBuffer.wrap(foreign, 1, foreign.length - 1);
        UUID stream = new UUID(bytes.getLong(), bytes.getLong());
        long number = bytes.getLong();
        boolean whole = ByteBuffer.wrap(foreign).getInt(foreign.length - 4) == checksum(foreign);
        return whole && Cursor.parse(Arrays.copyOfRange(foreign, HEAD_LENGTH, foreign.length - 4), ledger) instanceof Cursor.Parsed.Valid valid
                ? Optional.of(new Acknowledgement(stream, number, valid.cursor()))
                : Optional.empty();
    }

    private static int checksum(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes, 0, bytes.length - 4);
        return (int) crc.getValue();
    }
}
