package io.stockledger.server.feed;

import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.JournalRow;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Optional;
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
            new Selection(Collections.emptySortedSet(), "", 0, 1, Set.of(), Set.of(), Set.of());

    /** What of an entry a selection looks at. */
    public enum Part { SKU, LOCATION, CHANNEL, KIND }

    /** By which part the entry of this sequence in the row is not asked for; empty where it is. */
    public Optional<Part> unwanted(JournalRow row, long sequence) {
        if (!wantsSku(row.sku())) {
            return Optional.of(Part.SKU);
        }
        StoredEntries entries = new StoredEntries(row.group());
        for (long at = row.group().firstSequence(); at <= sequence; at++) {
            if (!entries.next()) {
                throw new GroupRow.DamagedException("a row holds fewer entries than it says");
            }
        }
        if (!entries.matches(new Selection(Collections.emptySortedSet(), "", 0, 1, locations, Set.of(), Set.of()))) {
            return Optional.of(Part.LOCATION);
        }
        if (!entries.matches(new Selection(Collections.emptySortedSet(), "", 0, 1, Set.of(), channels, Set.of()))) {
            return Optional.of(Part.CHANNEL);
        }
        return entries.matches(this) ? Optional.empty() : Optional.of(Part.KIND);
    }

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
