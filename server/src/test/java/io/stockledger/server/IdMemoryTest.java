package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.domain.AppliedIds;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a SKU remembers of its ids is bounded, and small. */
class IdMemoryTest {
    private static final int KEPT = 65_536;
    private static final int OLDER = 1 << 20;
    private static final long BESIDE_BYTES_MAX = 4_096;

    private static AppliedIds none() {
        return new AppliedIds(KEPT, OLDER, 7 * 24 * 3_600_000L, 1);
    }

    /** The bytes of every array of numbers that it holds, however deep. */
    private static long arrayBytes(AppliedIds ids) throws IllegalAccessException {
        long bytes = 0;
        Map<Object, Boolean> seen = new IdentityHashMap<>();
        Deque<Object> toSee = new ArrayDeque<>();
        toSee.add(ids);
        while (!toSee.isEmpty()) {
            Object one = toSee.remove();
            if (seen.put(one, true) != null) {
                continue;
            }
            if (one.getClass().isArray()) {
                int width = one instanceof long[] ? 8 : one instanceof int[] ? 4 : 1;
                bytes += (long) Array.getLength(one) * width;
            } else if (one instanceof Collection<?> several) {
                toSee.addAll(several);
            } else {
                for (Field field : one.getClass().getDeclaredFields()) {
                    boolean ours = !field.getType().isPrimitive() && !Modifier.isStatic(field.getModifiers())
                            && field.getType() != String.class;
                    if (ours) {
                        field.setAccessible(true);
                        toSee.add(field.get(one));
                    }
                }
            }
        }
        return bytes;
    }

    @Test
    void theIdsOfTheBusiestSkuTakeAtMost18BytesEachAndSixEachOfAMillionOlderOnes() throws Exception {
        AppliedIds ids = none();
        long most = 0;
        for (long sequence = 1; sequence <= 2_000_000; sequence++) {
            ids.add(ids.fingerprint("id-" + sequence), false, sequence, sequence, sequence);
            if (sequence % 8_192 == 0) {
                long bytes = arrayBytes(ids);
                assertTrue(Math.abs(bytes - ids.bytes()) <= BESIDE_BYTES_MAX, bytes + ", and it says " + ids.bytes());
                most = Math.max(most, bytes);
                if (ids.olderCount() == 0) {
                    assertTrue(bytes <= 18L * KEPT + BESIDE_BYTES_MAX, bytes + " bytes");
                }
            }
        }
        assertTrue(most <= 18L * KEPT + 6L * OLDER + BESIDE_BYTES_MAX, most + " bytes");
    }

    @Test
    void aSkuWithFewIdsTakesLittle() throws Exception {
        AppliedIds ids = none();
        ids.add(ids.fingerprint("only"), false, 1, 1, 1);
        assertTrue(arrayBytes(ids) < 100, arrayBytes(ids) + " bytes");
    }
}
