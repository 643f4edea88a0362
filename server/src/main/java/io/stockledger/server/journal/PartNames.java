package io.stockledger.server.journal;

import io.stockledger.server.domain.IdsPart;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

/**
 * What snapshots call the parts of a SKU's ids: CRC-32 and CRC-32C of their words, so that no snapshot takes another's part
 * for its own. A part's name is worked out once: most parts of a snapshot were in the one before. One thread.
 */
final class PartNames {
    private static final int CHUNK_BYTES = 64 << 10;

    private final Map<IdsPart, Long> known = new WeakHashMap<>();

    long of(IdsPart part) {
        return known.computeIfAbsent(part, PartNames::name);
    }

    static long name(IdsPart part) {
        long[] words = part.words();
        CRC32 one = new CRC32();
        CRC32C other = new CRC32C();
        ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int begin = 0; begin < words.length; begin += CHUNK_BYTES / Long.BYTES) {
            int count = Math.min(words.length - begin, CHUNK_BYTES / Long.BYTES);
            chunk.asLongBuffer().put(words, begin, count);
            one.update(chunk.array(), 0, count * Long.BYTES);
            other.update(chunk.array(), 0, count * Long.BYTES);
        }
        return one.getValue() << 32 | other.getValue();
    }
}
