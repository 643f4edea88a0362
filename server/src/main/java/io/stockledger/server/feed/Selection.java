package io.stockledger.server.feed;

import io.stockledger.server.journal.JournalRow;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.SortedSet;
import java.util.zip.CRC32;

/**
 * Which entries a subscription asks for; an empty part asks for all. SKUs and share are settled once
 * a row, the rest entry by entry. Kinds are the contract's numbers.
 */
public record Selection(SortedSet<String> skus, String skuPrefix, int shareIndex, int shareCount,
        Set<String> locations, Set<String> channels, Set<Integer> kinds) {
    public static final Selection ALL =
            new Selection(java.util.Collections.emptySortedSet(), "", 0, 1, Set.of(), Set.of(), Set.of());

    boolean wantsSku(String sku) {
        return (skus.isEmpty() || skus.contains(sku))
                && sku.startsWith(skuPrefix)
                && (shareCount == 1 || shareOf(sku, shareCount) == shareIndex);
    }

    boolean wantsSomeOf(JournalRow row) {
        return wantsSku(row.sku());
    }

    /** Whether entries of one row can differ in being asked for. */
    boolean looksIntoEntries() {
        return !locations.isEmpty() || !channels.isEmpty() || !kinds.isEmpty();
    }

    boolean narrowsSkus() {
        return !skus.isEmpty() || !skuPrefix.isEmpty();
    }

    /** The published hash: CRC-32 of the SKU's UTF-8 bytes, unsigned, modulo the number of shares. */
    static int shareOf(String sku, int count) {
        CRC32 crc = new CRC32();
        crc.update(sku.getBytes(StandardCharsets.UTF_8));
        return (int) (crc.getValue() % count);
    }
}
