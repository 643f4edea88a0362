package io.stockledger.server.domain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What the newest ids of a SKU cost and tell at their real size. */
class AppliedIdsTest {
    @Test
    void boundOfTheForgottenIsThatOfTheirSegmentNotOfAllIds() {
        AppliedIds ids = new AppliedIds(65_536);
        for (int i = 1; i <= 65_536 + 1; i++) {
            ids.add(AppliedIds.fingerprint("m" + i), i, 1_000_000 + i, 2_000_000 + i);
        }
        assertEquals(1, ids.forgottenSequence());
        // Else created_at would spare no look-up: one segment, of 1,024 ids, is as much as it may be off.
        assertEquals(1_000_000 + 1_024, ids.forgottenCreatedAtMs());
        assertEquals(2_000_000 + 1_024, ids.forgottenRecordedAtMs());
    }

    @Test
    void memoryIsBoundedAt24BytesAnId() {
        AppliedIds ids = new AppliedIds(65_536);
        assertTrue(ids.bytes() < 1_300, "a SKU with few ids pays little: " + ids.bytes());
        for (int i = 1; i <= 200_000; i++) {
            ids.add(AppliedIds.fingerprint("m" + i), i, 0, i);
        }
        assertEquals(65_536, ids.size());
        int ring = 16 * 65_536;
        int index = 8 * 65_536;
        int segments = 16 * 66;
        assertEquals(ring + index + segments, ids.bytes());
    }

    @Test
    void newest65536IdsOf200000AreFoundAndOlderOnesAreNot() {
        AppliedIds ids = new AppliedIds(65_536);
        for (int i = 1; i <= 200_000; i++) {
            ids.add(AppliedIds.fingerprint("m" + i), i, 0, i);
        }
        for (int i = 1; i <= 200_000; i++) {
            assertEquals(i > 200_000 - 65_536 ? i : 0, ids.find(AppliedIds.fingerprint("m" + i)));
        }
        assertEquals(200_000 - 65_536, ids.forgottenSequence());
    }

    @Test
    void reservationsIdIsToldFromOtherIdsAndFoundAsAnyOther() {
        AppliedIds ids = new AppliedIds(4);
        ids.add(AppliedIds.reservationFingerprint("cart-1"), 1, 0, 1);
        ids.add(AppliedIds.fingerprint("receipt"), 2, 0, 2);
        assertEquals(1, ids.find(AppliedIds.fingerprint("cart-1")));
        assertTrue(ids.madeReservation("cart-1"));
        assertFalse(ids.madeReservation("receipt"));
        AppliedIds restored = new AppliedIds(4);
        ids.forEach(restored::add);
        assertTrue(restored.madeReservation("cart-1"));
        assertFalse(restored.madeReservation("receipt"));
    }
}
