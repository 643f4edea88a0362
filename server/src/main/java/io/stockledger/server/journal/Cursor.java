package io.stockledger.server.journal;

import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.zip.CRC32;

/**
 * How far a reader of the feed has come: everything up to {@code position}'s row, and of that row
 * the first {@code taken} entries. To clients it is opaque bytes; it names its ledger and epoch and
 * is checksummed, so that one which is not ours is told from one that is.
 *
 * <p>It always names a committed row. The id of a transaction that wrote none would not do: after a
 * crash PostgreSQL may give such an id out again.
 */
public record Cursor(Position position, int taken) implements Comparable<Cursor> {
    /** {@code taken} where all of the row's entries are. */
    public static final int WHOLE_ROW = Integer.MAX_VALUE;
    public static final Cursor START = new Cursor(Position.START, WHOLE_ROW);

    private static final byte FORMAT = 1;
    private static final int CHECKED_LENGTH = 1 + 16 + 4 + 8 + 8 + 4;
    private static final int LENGTH = CHECKED_LENGTH + 4;

    /** What bytes that came from outside turned out to be. */
    public sealed interface Parsed {
        record Valid(Cursor cursor) implements Parsed {}

        /** Not a cursor of this ledger. */
        record Invalid() implements Parsed {}

        /** Of this ledger, from an earlier epoch of its feed. */
        record Expired() implements Parsed {}
    }

    public static Cursor after(Position position) {
        return new Cursor(position, WHOLE_ROW);
    }

    @Override
    public int compareTo(Cursor other) {
        int byPosition = position.compareTo(other.position);
        return byPosition != 0 ? byPosition : Integer.compare(taken, other.taken);
    }

    public byte[] toBytes(LedgerIdentity ledger) {
        ByteBuffer bytes = ByteBuffer.allocate(LENGTH)
                .put(FORMAT)
                .putLong(ledger.ledgerId().getMostSignificantBits())
                .putLong(ledger.ledgerId().getLeastSignificantBits())
                .putInt(ledger.feedEpoch())
                .putLong(position.tx())
                .putLong(position.ordering())
                .putInt(taken);
        return bytes.putInt(checksum(bytes.array())).array();
    }

    public static Parsed parse(byte[] foreign, LedgerIdentity ledger) {
        if (foreign.length != LENGTH || foreign[0] != FORMAT) {
            return new Parsed.Invalid();
        }
        ByteBuffer bytes = ByteBuffer.wrap(foreign, 1, LENGTH - 1);
        UUID ledgerId = new UUID(bytes.getLong(), bytes.getLong());
        int epoch = bytes.getInt();
        Cursor cursor = new Cursor(new Position(bytes.getLong(), bytes.getLong()), bytes.getInt());
        boolean ours = bytes.getInt() == checksum(foreign) && ledgerId.equals(ledger.ledgerId())
                && epoch <= ledger.feedEpoch() && cursor.taken > 0;
        if (!ours) {
            return new Parsed.Invalid();
        }
        return epoch < ledger.feedEpoch() ? new Parsed.Expired() : new Parsed.Valid(cursor);
    }

    private static int checksum(byte[] bytes) {
        CRC32 crc = new CRC32();
        crc.update(bytes, 0, CHECKED_LENGTH);
        return (int) crc.getValue();
    }
}
