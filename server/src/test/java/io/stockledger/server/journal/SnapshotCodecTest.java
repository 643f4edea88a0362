package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.stockledger.server.domain.AppliedIds;
import io.stockledger.server.domain.IdsPart;
import io.stockledger.server.domain.Stock;
import io.stockledger.server.journal.SnapshotCodec.Standing;
import io.stockledger.server.journal.snapshot.StockSnapshot;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a snapshot keeps of a SKU's ids, through its bytes. */
class SnapshotCodecTest {
    private static final String SKU = "hot";
    private static final long WINDOW_MS = 7 * 24 * 3_600_000L;

    private static AppliedIds noIds(int kept, int olderKept, long key) {
        return new AppliedIds(kept, olderKept, WINDOW_MS, key);
    }

    private static StoredSnapshot stored(AppliedIds ids, long sequence, long recordedAtMs) {
        Stock stock = new Stock(SKU, ids);
        stock.restore(sequence, recordedAtMs, List.of(), List.of(), Map.of());
        return StoredSnapshot.of(SnapshotCodec.encode(new Standing(stock, GroupRow.noDigest(), 0)), new PartNames());
    }

    private static Snapshot encoded(AppliedIds ids, long sequence, long recordedAtMs) {
        return stored(ids, sequence, recordedAtMs).read();
    }

    private static long[] find(AppliedIds ids, String id) {
        return ids.find(ids.fingerprint(id), 0, 0);
    }

    @Test
    void everyIdIsFoundAfterASnapshotOlderOnesToo() {
        AppliedIds ids = noIds(1_024, 1 << 20, 77);
        int count = 50_000;
        for (int i = 1; i <= count; i++) {
            ids.add(ids.fingerprint("m" + i), i % 3 == 0, i, 1_000 + i, 2_000 + i);
        }
        assertTrue(ids.olderCount() > 40_000);
        // The server that reads it has another key of its own.
        AppliedIds read = SnapshotCodec.decode(encoded(ids, count, 2_000 + count), noIds(1_024, 1 << 20, 78)).stock().appliedIds();
        assertEquals(ids.newestCount(), read.newestCount());
        assertEquals(ids.olderCount(), read.olderCount());
        assertEquals(0, read.forgottenSequence());
        for (int i = 1; i <= count; i++) {
            int sequence = i;
            assertTrue(Arrays.stream(find(read, "m" + i)).anyMatch(found -> found == sequence), "m" + i + " is lost");
        }
        for (int i = count - 1_000; i <= count; i++) {
            assertEquals(i % 3 == 0, read.madeReservation("m" + i), "m" + i);
        }
    }

    @Test
    void whatIsKnownOfForgottenIdsIsKept() {
        AppliedIds ids = noIds(8, 0, 77);
        for (int i = 1; i <= 100; i++) {
            ids.add(ids.fingerprint("m" + i), false, i, 1_000 + i, 2_000 + i);
        }
        AppliedIds read = SnapshotCodec.decode(encoded(ids, 100, 2_100), noIds(8, 0, 77)).stock().appliedIds();
        assertTrue(read.forgottenSequence() > 80);
        assertEquals(ids.forgottenSequence(), read.forgottenSequence());
        assertEquals(ids.forgottenCreatedAtMs(), read.forgottenCreatedAtMs());
        assertEquals(ids.forgottenRecordedAtMs(), read.forgottenRecordedAtMs());
    }

    private static StoredSnapshot stored(StockSnapshot message) {
        return new StoredSnapshot(JournalSerializer.snapshotBytes(message), Map.of());
    }

    /** As they were written before anything, and before the newest ids, were stored beside it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void snapshotOfTheSecondAndThirdLayoutIsRead(boolean third) {
        AppliedIds ids = noIds(8, 1 << 20, 77);
        for (int i = 1; i <= 1_000; i++) {
            ids.add(ids.fingerprint("m" + i), false, i, 1_000 + i, 2_000 + i);
        }
        StoredSnapshot stored = stored(ids, 1_000, 3_000);
        List<Long> names = JournalSerializer.snapshot(stored.payload()).getAppliedIds().getOlderPartsList();
        Snapshot snapshot = stored.read();
        StockSnapshot.Builder before = snapshot.stock().toBuilder();
        io.stockledger.server.journal.snapshot.AppliedIds.Builder message = before.getAppliedIdsBuilder();
        for (int i = 0; i < message.getNewestCount(); i++) {
            message.getNewestBuilder(i).clearPart().setWords(ByteString.copyFrom(StoredSnapshot.bytes(snapshot.newestIds().get(i).words())));
        }
        if (third) {
            message.setForgottenBeforeParts(message.getForgotten()).clearForgotten().addAllOlderParts(names);
        } else {
            snapshot.olderIds().forEach(part -> message.addOlder(ByteString.copyFrom(StoredSnapshot.bytes(part.words()))));
        }
        StoredSnapshot asBefore = new StoredSnapshot(JournalSerializer.snapshotBytes(before.build()), third ? stored.parts() : Map.of());
        AppliedIds read = SnapshotCodec.decode(asBefore.read(), noIds(8, 1 << 20, 78)).stock().appliedIds();
        assertEquals(ids.newestCount(), read.newestCount());
        assertEquals(ids.olderCount(), read.olderCount());
        assertTrue(read.olderCount() > 900);
        for (int i = 1; i <= 1_000; i++) {
            int sequence = i;
            assertTrue(Arrays.stream(find(read, "m" + i)).anyMatch(found -> found == sequence), "m" + i + " is lost");
        }
    }

    /** So a server that is older than the parts looks every id up, rather than miss some. */
    @Test
    void aSnapshotWithPartsIsNoneOfTheLayoutsBefore() {
        AppliedIds ids = noIds(8, 1 << 20, 77);
        for (int i = 1; i <= 100; i++) {
            ids.add(ids.fingerprint("m" + i), false, i, 1_000 + i, 2_000 + i);
        }
        StoredSnapshot stored = stored(ids, 100, 3_000);
        io.stockledger.server.journal.snapshot.AppliedIds message = JournalSerializer.snapshot(stored.payload()).getAppliedIds();
        assertFalse(message.hasForgotten());
        assertFalse(message.hasForgottenBeforeParts());
        assertEquals(100, message.getForgottenSequence());
        assertEquals(stored.parts().size(), message.getOlderPartsCount() + message.getNewestCount() - 1);
    }

    /** Else a SKU that comes back would have all of them written once more. */
    @Test
    void partsGoByTheSameNamesOnceTheSkuHasComeBack() {
        for (int key = 1; key <= 20; key++) {
            AppliedIds ids = noIds(8_192, 1 << 20, key);
            for (int i = 1; i <= 20_000; i++) {
                ids.add(ids.fingerprint("m" + i), false, i, 0, i);
            }
            StoredSnapshot first = stored(ids, 20_000, 20_000);
            AppliedIds read = SnapshotCodec.decode(first.read(), noIds(8_192, 1 << 20, 78)).stock().appliedIds();
            assertEquals(first.parts().keySet(), stored(read, 20_000, 20_000).parts().keySet());
        }
    }

    /** However many ids are kept. */
    @Test
    void whatIsInNoSnapshotYetIsAllThatTheNextOneWrites() {
        AppliedIds ids = noIds(65_536, 1 << 20, 77);
        for (int i = 1; i <= 300_000; i++) {
            ids.add(ids.fingerprint("m" + i), false, i, 0, i);
        }
        StoredSnapshot first = stored(ids, 300_000, 300_000);
        Set<Long> known = new HashSet<>(first.parts().keySet());
        int written = 0;
        for (int i = 300_001; i <= 310_000; i++) {
            ids.add(ids.fingerprint("m" + i), false, i, 0, i);
            if (i % 100 == 0) {
                StoredSnapshot next = stored(ids, i, i);
                assertTrue(next.payload().length < 65_536 / 8 * Long.BYTES + 1_000, next.payload().length + " bytes");
                for (Map.Entry<Long, IdsPart> part : next.parts().entrySet()) {
                    written += known.add(part.getKey()) ? part.getValue().words().length * Long.BYTES : 0;
                }
            }
        }
        // One or two tables of newest ids, as many of older ones made of them, and what those may be merged into.
        assertTrue(written > 0 && written < 2 * 65_536 / 8 * (8 + 6) + 4 * 65_536 / 8 * 6, written + " bytes");
    }

    /** As it was written before ids older than the newest were kept, and before fingerprints had a key. */
    @Test
    void snapshotOfTheFirstLayoutIsRead() throws Exception {
        io.stockledger.server.journal.snapshot.AppliedIds.Builder first =
                io.stockledger.server.journal.snapshot.AppliedIds.newBuilder()
                        .setForgottenSequence(1_000).setForgottenCreatedAtMs(500).setForgottenRecordedAtMs(600);
        for (int i = 1_001; i <= 1_200; i++) {
            first.addFingerprints(AppliedIds.fingerprintWithoutKey("m" + i) | (i == 1_150 ? Long.MIN_VALUE : 0));
            first.addSequences(i);
        }
        first.addTimesBuilder().setIds(150).setCreatedAtMsMax(700).setRecordedAtMsMax(800);
        first.addTimesBuilder().setIds(50).setCreatedAtMsMax(900).setRecordedAtMsMax(1_000);
        Snapshot snapshot = stored(StockSnapshot.newBuilder().setSku(SKU).setSequence(1_200).setAppliedIds(first).build()).read();
        for (int kept : new int[] {8, 65_536}) {
            AppliedIds read = SnapshotCodec.decode(snapshot, noIds(kept, 1 << 20, 77)).stock().appliedIds();
            for (int i = 1_001; i <= 1_200; i++) {
                assertArrayEquals(new long[] {i}, find(read, "m" + i));
            }
            assertEquals(kept > 200, read.madeReservation("m1150"));
            assertFalse(read.madeReservation("m1151"));
            assertEquals(1_000, read.forgottenSequence());
            assertEquals(500, read.forgottenCreatedAtMs());
            assertEquals(600, read.forgottenRecordedAtMs());
            // And what comes after stands beside them.
            read.add(read.fingerprint("next"), false, 1_201, 1_100, 1_200);
            AppliedIds again = SnapshotCodec.decode(encoded(read, 1_201, 1_200), noIds(kept, 1 << 20, 78)).stock().appliedIds();
            assertArrayEquals(new long[] {1_201}, find(again, "next"));
            assertArrayEquals(new long[] {1_001}, find(again, "m1001"));
            assertEquals(1_000, again.forgottenSequence());
        }
    }

    @Test
    void whoKnowsTheFirstLayoutAloneMustLookEveryIdUp() throws Exception {
        AppliedIds ids = noIds(8, 1_000, 77);
        ids.add(ids.fingerprint("m1"), false, 1, 5_000, 2_000);
        io.stockledger.server.journal.snapshot.AppliedIds first = encoded(ids, 2, 2_001).stock().getAppliedIds();
        assertEquals(0, first.getFingerprintsCount());
        assertEquals(2, first.getForgottenSequence());
        assertEquals(2_001, first.getForgottenRecordedAtMs());
        assertTrue(first.getForgottenCreatedAtMs() >= 5_000);
    }
}
