package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.UUID;
import org.junit.jupiter.api.Test;

class CursorTest {
    private static final LedgerIdentity LEDGER = new LedgerIdentity(UUID.randomUUID(), 3);
    private static final Cursor CURSOR = new Cursor(new Position(123_456_789_012L, 42), 17);

    @Test
    void cursorComesBackAsItWasGiven() {
        assertEquals(new Cursor.Parsed.Valid(CURSOR), Cursor.parse(CURSOR.toBytes(LEDGER), LEDGER));
        assertEquals(new Cursor.Parsed.Valid(Cursor.START), Cursor.parse(Cursor.START.toBytes(LEDGER), LEDGER));
    }

    @Test
    void cursorOfAnotherLedgerIsInvalid() {
        LedgerIdentity other = new LedgerIdentity(UUID.randomUUID(), 3);
        assertEquals(new Cursor.Parsed.Invalid(), Cursor.parse(CURSOR.toBytes(other), LEDGER));
    }

    @Test
    void cursorOfAnEarlierEpochIsExpiredAndOneOfALaterEpochInvalid() {
        assertEquals(new Cursor.Parsed.Expired(), Cursor.parse(CURSOR.toBytes(new LedgerIdentity(LEDGER.ledgerId(), 2)), LEDGER));
        assertEquals(new Cursor.Parsed.Invalid(), Cursor.parse(CURSOR.toBytes(new LedgerIdentity(LEDGER.ledgerId(), 4)), LEDGER));
    }

    @Test
    void anyChangedOrMissingByteIsInvalid() {
        byte[] bytes = CURSOR.toBytes(LEDGER);
        for (int at = 0; at < bytes.length; at++) {
            byte[] changed = bytes.clone();
            changed[at] ^= 1;
            assertEquals(new Cursor.Parsed.Invalid(), Cursor.parse(changed, LEDGER), "byte " + at);
            assertEquals(new Cursor.Parsed.Invalid(), Cursor.parse(java.util.Arrays.copyOf(bytes, at), LEDGER), "length " + at);
        }
        assertEquals(new Cursor.Parsed.Invalid(), Cursor.parse("garbage".getBytes(), LEDGER));
    }
}
