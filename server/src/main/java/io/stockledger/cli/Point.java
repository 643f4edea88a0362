package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.v1.Entry;
import io.stockledger.v1.Stock;
import java.time.Instant;
import java.util.OptionalLong;
import picocli.CommandLine.TypeConversionException;

/** A point in a SKU's past as people write it: the sequence of an entry, or a time. */
sealed interface Point {
    /** Right after the entry of this sequence. */
    record AtSequence(long sequence) implements Point {
    }

    /** After every entry recorded at or before this time. */
    record AtTime(Instant time) implements Point {
    }

    static Point of(String text) {
        if (!text.chars().allMatch(c -> c >= '0' && c <= '9') || text.isEmpty()) {
            if (Converters.isDate(text)) {
                return new AtTime(Converters.instant(text));
            }
            try {
                return new AtTime(Converters.instant(text));
            } catch (TypeConversionException e) {
                throw new TypeConversionException("'" + text + "' is neither a sequence nor a time such as 2026-11-27T18:00:00Z");
            }
        }
        try {
            return new AtSequence(Long.parseLong(text));
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is more than a sequence can be");
        }
    }

    /** The stock there. */
    default Stock stock(LedgerClient client, String sku, String channel, String location) {
        if (this instanceof AtTime at) {
            return client.stockAt(sku, at.time(), channel, location);
        } else if (this instanceof AtSequence at) {
            return client.stockAt(sku, at.sequence(), channel, location);
        }
        throw new IllegalStateException("no such point: " + this);
    }

    /**
     * The sequence of the first entry that is not before it: the one named, or the first recorded at that time or later.
     * Empty for a time that has not come yet, by the ledger's clock.
     */
    default OptionalLong firstSequence(LedgerClient client, String sku) {
        if (this instanceof AtSequence at) {
            return OptionalLong.of(at.sequence());
        }
        Instant before = ((AtTime) this).time().minusMillis(1);
        if (before.toEpochMilli() <= 0) {
            // No ledger is as old, and none takes such a time.
            return OptionalLong.of(1);
        }
        return before.isBefore(Converters.instant(client.stock(sku).getAsOfTime()))
                ? OptionalLong.of(client.stockAt(sku, before).getSequence() + 1) : OptionalLong.empty();
    }

    /** Whether an entry lies behind it. */
    default boolean isBefore(Entry entry) {
        if (this instanceof AtSequence at) {
            return entry.getSequence() > at.sequence();
        }
        return Converters.instant(entry.getRecordedAt()).isAfter(((AtTime) this).time());
    }
}
