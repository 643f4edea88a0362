package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.domain.AppliedIds;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import org.junit.jupiter.api.Test;

/** What a SKU remembers of its ids is bounded, and small. */
class IdMemoryTest {
    private static final long PER_ID_BYTES_MAX = 24;
    private static final long BESIDE_BYTES_MAX = 4_096;

    /** The bytes of every array that it holds. */
    private static long arrayBytes(AppliedIds ids) throws IllegalAccessException {
        long bytes = 0;
        for (Field field : AppliedIds.class.getDeclaredFields()) {
            if (field.getType().isArray()) {
                field.setAccessible(true);
                Object array = field.get(ids);
                bytes += (long) Array.getLength(array) * (field.getType() == long[].class ? 8 : 4);
            }
        }
        return bytes;
    }

    @Test
    void theIdsOfTheBusiestSkuTakeAtMostOneAndAHalfMebibytes() throws Exception {
        int kept = 65_536;
        AppliedIds ids = new AppliedIds(kept);
        for (long sequence = 1; sequence <= 3L * kept; sequence++) {
            ids.add(AppliedIds.fingerprint("id-" + sequence), sequence, sequence, sequence);
        }
        assertEquals(kept, ids.size());
        long bytes = arrayBytes(ids);
        assertTrue(bytes <= kept * PER_ID_BYTES_MAX + BESIDE_BYTES_MAX, bytes + " bytes");
        assertTrue(kept * PER_ID_BYTES_MAX <= 1_572_864);
        assertEquals(bytes, ids.bytes(), "what it says of itself");
    }

    @Test
    void aSkuWithFewIdsTakesLittle() throws Exception {
        AppliedIds ids = new AppliedIds(65_536);
        ids.add(AppliedIds.fingerprint("only"), 1, 1, 1);
        assertTrue(arrayBytes(ids) < 1_400, arrayBytes(ids) + " bytes");
    }
}
