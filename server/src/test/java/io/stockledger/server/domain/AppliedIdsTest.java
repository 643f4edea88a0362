package io.stockledger.server.domain;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a SKU's ids cost and tell at their real size. */
class AppliedIdsTest {
    private static final int KEPT = 65_536;
    private static final int OLDER = 1 << 20;
    private static final long DAY_MS = 24 * 3_600_000L;
    private static final long KEY = 0x5eed;

    private static AppliedIds ids(int kept, int olderKept) {
        return new AppliedIds(kept, olderKept, 7 * DAY_MS, KEY);
    }

    private static void add(AppliedIds ids, String id, long sequence, long createdAtMs, long recordedAtMs) {
        ids.add(ids.fingerprint(id), false, sequence, createdAtMs, recordedAtMs);
    }

    private static long[] find(AppliedIds ids, String id) {
        return ids.find(ids.fingerprint(id), 0, 0);
    }

    private static boolean finds(AppliedIds ids, int i) {
        return Arrays.stream(find(ids, "m" + i)).anyMatch(sequence -> sequence == i);
    }

    @Test
    void everyOneOfAMillionIdsIsFoundAndFreshOnesAreNot() {
        AppliedIds ids = ids(KEPT, OLDER);
        int count = 1_000_000;
        for (int i = 1; i <= count; i++) {
            add(ids, "m" + i, i, 0, i);
        }
        assertEquals(0, ids.forgottenSequence());
        for (int i = 1; i <= count; i++) {
            assertTrue(finds(ids, i), "m" + i + " is not found");
        }
        int mistaken = 0;
        for (int i = 1; i <= count; i++) {
            mistaken += find(ids, "fresh" + i).length;
        }
        // A million in 2^33 a search: 116 in the mean.
        assertTrue(mistaken < 250, mistaken + " of a million fresh ids would be looked up");
    }

    @Test
    void beyondTheOlderIdsThatAreKeptTheirOldestHalfIsForgotten() {
        AppliedIds ids = ids(1_024, 8_192);
        for (int i = 1; i <= 100_000; i++) {
            add(ids, "m" + i, i, 1_000_000 + i, 2_000_000 + i);
        }
        assertTrue(ids.olderCount() <= 8_192 && ids.olderCount() > 8_192 / 2 - 1_024 / 8, ids.olderCount() + " older ids");
        int known = ids.newestCount() + ids.olderCount();
        assertEquals(100_000 - known, ids.forgottenSequence());
        assertEquals(1_000_000 + 100_000 - known, ids.forgottenCreatedAtMs());
        assertEquals(2_000_000 + 100_000 - known, ids.forgottenRecordedAtMs());
        for (int i = 100_000 - known + 1; i <= 100_000; i++) {
            assertTrue(finds(ids, i), "m" + i + " is not found");
        }
    }

    @Test
    void olderIdsAreForgottenOnceTheWindowIsOver() {
        AppliedIds ids = ids(64, OLDER);
        for (int i = 1; i <= 20_000; i++) {
            add(ids, "m" + i, i, 0, i);
        }
        assertEquals(0, ids.forgottenSequence());
        long bytes = ids.bytes();
        long later = 7 * DAY_MS + 20_001;
        for (int i = 20_001; i <= 20_200; i++) {
            add(ids, "m" + i, i, 0, later);
        }
        assertTrue(ids.forgottenSequence() > 19_900 && ids.forgottenSequence() <= 20_000, "through " + ids.forgottenSequence());
        assertTrue(ids.forgottenRecordedAtMs() < later - 7 * DAY_MS, "the forgotten are of before the window");
        assertTrue(ids.bytes() < bytes / 20, "memory is given back: " + ids.bytes() + " of " + bytes);
    }

    @Test
    void memoryIsBoundedAt18BytesANewestIdAndSixAnOlderOne() {
        AppliedIds ids = ids(KEPT, OLDER);
        assertTrue(ids.bytes() < 100, "a SKU without ids pays nothing: " + ids.bytes());
        add(ids, "m", 1, 0, 1);
        assertTrue(ids.bytes() < 100, "a SKU with few ids pays little: " + ids.bytes());
        long mostNewest = 0;
        long most = 0;
        for (int i = 2; i <= 2_500_000; i++) {
            add(ids, "m" + i, i, 0, i);
            if (i % 8_192 == 0) {
                most = Math.max(most, ids.bytes());
                mostNewest = ids.olderCount() == 0 ? most : mostNewest;
            }
        }
        assertTrue(ids.forgottenSequence() > 0);
        assertTrue(mostNewest <= 18L * KEPT, mostNewest + " bytes");
        assertTrue(most <= 18L * KEPT + 6L * OLDER, most + " bytes");
    }

    @Test
    void fewIdsTakeLittleAndAreFoundHoweverFullTheirTableIs() {
        AppliedIds ids = ids(KEPT, OLDER);
        for (int count = 1; count <= 100; count++) {
            add(ids, "m" + count, count, 0, count);
            for (int i = 1; i <= count; i++) {
                assertArrayEquals(new long[] {i}, find(ids, "m" + i), "among " + count);
                assertArrayEquals(new long[0], find(ids, "fresh" + i), "among " + count);
            }
            assertTrue(count > 14 || ids.bytes() <= 16 * Long.BYTES, count + " ids take " + ids.bytes() + " bytes");
        }
    }

    @Test
    void newest65536IdsAreFoundWhereNoOlderOnesAreKept() {
        AppliedIds ids = ids(KEPT, 0);
        for (int i = 1; i <= 200_000; i++) {
            add(ids, "m" + i, i, 0, i);
        }
        assertTrue(ids.newestCount() >= KEPT);
        assertEquals(200_000 - ids.newestCount(), ids.forgottenSequence());
        for (int i = 1; i <= 200_000; i++) {
            assertArrayEquals(i > ids.forgottenSequence() ? new long[] {i} : new long[0], find(ids, "m" + i));
        }
    }

    @Test
    void olderIdsAreNotSearchedForAnIdThatDidNotExistThen() {
        AppliedIds ids = ids(64, OLDER);
        add(ids, "early", 1, 1_000, 1_000);
        for (int i = 2; i <= 1_000; i++) {
            add(ids, "m" + i, i, 1_000, 1_000);
        }
        assertArrayEquals(new long[] {1}, ids.find(ids.fingerprint("early"), 1_000, 0));
        assertArrayEquals(new long[0], ids.find(ids.fingerprint("early"), 1_001, 0));
    }

    @Test
    void idsFarApartAreFound() {
        AppliedIds ids = ids(8, 1_000);
        long[] sequences = new long[200];
        long sequence = 1;
        for (int i = 0; i < sequences.length; i++) {
            // As where very many holds expire between two mutations.
            sequence += 1 + 1_500_000L * (i % 3);
            sequences[i] = sequence;
            add(ids, "m" + i, sequence, 0, 1);
        }
        assertEquals(0, ids.forgottenSequence());
        for (int i = 0; i < sequences.length; i++) {
            assertArrayEquals(new long[] {sequences[i]}, find(ids, "m" + i));
        }
    }

    @Test
    void reservationsIdIsToldFromOtherIdsAndFoundAsAnyOther() {
        AppliedIds ids = ids(4, 0);
        ids.add(ids.fingerprint("cart-1"), true, 1, 0, 1);
        add(ids, "receipt", 2, 0, 2);
        assertArrayEquals(new long[] {1}, find(ids, "cart-1"));
        assertTrue(ids.madeReservation("cart-1"));
        assertFalse(ids.madeReservation("receipt"));
        AppliedIds restored = new AppliedIds(4, 0, DAY_MS, KEY + 1);
        AppliedIdsPropertyTest.restoreParts(ids, restored);
        assertTrue(restored.madeReservation("cart-1"));
        assertFalse(restored.madeReservation("receipt"));
    }

    @Test
    void fingerprintsOfLikeIdsDifferAndDependOnTheKey() {
        AppliedIds ids = ids(4, 0);
        AppliedIds others = new AppliedIds(4, 0, DAY_MS, KEY + 1);
        Set<Long> seen = new HashSet<>();
        List<String> alike = List.of("", "a", "b", "ab", "ba", "abc", "abcd", "abcde", "abcdabcd", "bcdaabcd", "\0", "\0\0",
                "a\0", "\0a", "a\0\0\0\0", "\uffff\uffff\uffff\uffff", "\uffff\uffff\uffff\u7fff", "\u00e9", "e\u0301");
        for (String id : alike) {
            assertTrue(ids.fingerprint(id) >= 0);
            assertTrue(seen.add(ids.fingerprint(id)), "met another: " + id);
            assertNotEquals(ids.fingerprint(id), others.fingerprint(id));
        }
    }
}
