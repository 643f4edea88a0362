package io.stockledger.loadtest.drill;

import java.util.HashMap;
import java.util.Map;

/** What one subscriber was told, SKU by SKU, in the order in which it was told. */
final class Heard {
    private static final class Told {
        long[] sequences = new long[8];
        int count;
    }

    private final Map<String, Told> skus = new HashMap<>();
    private long entries;
    private long outOfOrder;

    synchronized void note(String sku, long sequence) {
        Told told = skus.computeIfAbsent(sku, first -> new Told());
        if (told.count > 0 && sequence <= told.sequences[told.count - 1]) {
            outOfOrder++;
        }
        if (told.count == told.sequences.length) {
            told.sequences = java.util.Arrays.copyOf(told.sequences, told.count * 2);
        }
        told.sequences[told.count++] = sequence;
        entries++;
    }

    synchronized long entries() {
        return entries;
    }

    /** Repeats and entries that came after a later one of their SKU. */
    synchronized long outOfOrder() {
        return outOfOrder;
    }

    synchronized java.util.Set<String> skus() {
        return new java.util.TreeSet<>(skus.keySet());
    }

    synchronized long[] of(String sku) {
        Told told = skus.get(sku);
        return told == null ? new long[0] : java.util.Arrays.copyOf(told.sequences, told.count);
    }

    /** Whether the SKU was told as 1, 2, 3, ... without a gap. */
    boolean isDense(String sku) {
        long[] sequences = of(sku);
        for (int i = 0; i < sequences.length; i++) {
            if (sequences[i] != i + 1) {
                return false;
            }
        }
        return true;
    }

    /** The same entries in the same order a SKU. */
    boolean equalTo(Heard other) {
        return skus().equals(other.skus()) && skus().stream().allMatch(sku -> java.util.Arrays.equals(of(sku), other.of(sku)));
    }
}
