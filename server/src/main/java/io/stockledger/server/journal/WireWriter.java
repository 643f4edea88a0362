package io.stockledger.server.journal;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes protobuf's wire form field by field into bytes that grow, without an object a message: an entry and its
 * result are written hundreds of thousands of times a second. Fields that stand at their default are left out, as
 * protobuf does, so what is written is byte for byte what its own encoder gives (a test holds them together). Fields
 * must be written in the order of their numbers. The format: protobuf.dev/programming-guides/encoding.
 */
public final class WireWriter {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int LENGTH_DELIMITED = 2;

    private byte[] bytes;
    private int length;

    /** @param skip bytes left free at the front, for a header of the caller's */
    public WireWriter(int capacity, int skip) {
        bytes = new byte[Math.max(capacity, skip)];
        length = skip;
    }

    /** Bytes so far, with those left free at the front. */
    public int length() {
        return length;
    }

    /** A copy of the bytes so far, with room for {@code more} behind them. */
    public byte[] toBytes(int more) {
        return Arrays.copyOf(bytes, length + more);
    }

    public void int64(int field, long value) {
        if (value != 0) {
            reserve(15);
            tag(field, VARINT);
            varint(value);
        }
    }

    /** A field of which presence counts: written whatever its value is. */
    public void presentInt64(int field, long value) {
        reserve(15);
        tag(field, VARINT);
        varint(value);
    }

    public void bool(int field, boolean value) {
        int64(field, value ? 1 : 0);
    }

    public void fixed64(int field, long value) {
        if (value != 0) {
            reserve(13);
            tag(field, FIXED64);
            for (int i = 0; i < 8; i++) {
                bytes[length++] = (byte) (value >>> 8 * i);
            }
        }
    }

    public void text(int field, String value) {
        int chars = value.length();
        if (chars == 0) {
            return;
        }
        reserve(10 + chars);
        int begun = length;
        tag(field, LENGTH_DELIMITED);
        varint(chars);
        for (int i = 0; i < chars; i++) {
            char c = value.charAt(i);
            if (c >= 0x80) {
                length = begun;
                raw(field, value.getBytes(StandardCharsets.UTF_8));
                return;
            }
            bytes[length++] = (byte) c;
        }
    }

    /** A message, or a text, whose bytes are there already; written even if it has none. */
    public void raw(int field, byte[] content) {
        reserve(10 + content.length);
        tag(field, LENGTH_DELIMITED);
        varint(content.length);
        System.arraycopy(content, 0, bytes, length, content.length);
        length += content.length;
    }

    /** google.protobuf.Timestamp of a time not before 1970; 0 is a time too, and written. */
    public void timestamp(int field, long millis) {
        int begun = begin(field);
        int64(1, millis / 1000);
        int64(2, millis % 1000 * 1_000_000);
        end(begun);
    }

    /** Begins a message within; its fields follow, then {@link #end} with what this gives. */
    public int begin(int field) {
        reserve(6);
        tag(field, LENGTH_DELIMITED);
        // Most are shorter than 128 bytes: one byte for the length, and a shift where that is not enough.
        return ++length;
    }

    public void end(int begun) {
        int size = length - begun;
        int more = varintSize(size) - 1;
        if (more > 0) {
            reserve(more);
            System.arraycopy(bytes, begun, bytes, begun + more, size);
        }
        length = begun - 1;
        varint(size);
        length += size;
    }

    private void tag(int field, int type) {
        varint((long) field << 3 | type);
    }

    private void varint(long value) {
        while ((value & ~0x7FL) != 0) {
            bytes[length++] = (byte) (value & 0x7F | 0x80);
            value >>>= 7;
        }
        bytes[length++] = (byte) value;
    }

    private static int varintSize(int value) {
        return (38 - Integer.numberOfLeadingZeros(value | 1)) / 7;
    }

    private void reserve(int more) {
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(length + more, bytes.length * 2));
        }
    }
}
