package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.v1.ChainHead;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A week of a busy shop's heads is audited SKU by SKU, each once. */
class KeptHeadsTest {

    private static ChainHead head(String sku, long row) {
        return ChainHead.newBuilder().setSku(sku).setRow(row).setSequence(row).build();
    }

    @Test
    void allHeadsOfASkuAreInOnePartAndOfManyTheFirstTheLastAndSomeBetweenAreKept() {
        KeptHeads kept = new KeptHeads();
        for (int row = 1; row <= 12_345; row++) {
            kept.add(head("HOT", row));
            kept.add(head("SKU " + row % 1_500, row));
        }
        List<List<ChainHead>> parts = kept.parts(1_000);
        Set<String> done = new HashSet<>();
        for (List<ChainHead> part : parts) {
            assertTrue(part.size() <= 1_000, () -> "a part of " + part.size());
            Set<String> skus = new HashSet<>();
            part.forEach(head -> skus.add(head.getSku()));
            skus.forEach(sku -> assertTrue(done.add(sku), () -> sku + " is in two parts"));
        }
        assertEquals(1_501, done.size());
        List<Long> hot = parts.stream().flatMap(List::stream).filter(head -> head.getSku().equals("HOT")).map(ChainHead::getRow).toList();
        assertEquals(1, hot.get(0));
        assertEquals(12_345, hot.get(hot.size() - 1));
        assertTrue(hot.size() > 40 && hot.size() <= 100, () -> "kept: " + hot.size());
        for (int i = 2; i < hot.size() - 1; i++) {
            assertEquals(hot.get(1) - hot.get(0), hot.get(i) - hot.get(i - 1), "evenly");
        }
        assertEquals(9, parts.stream().flatMap(List::stream).filter(head -> head.getSku().equals("SKU 7")).count());
    }
}
