package io.stockledger.loadtest.drill;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

/**
 * What a replay of a file must end with, computed without the ledger: a map of stock, and four lines of arithmetic.
 * Knows only plain fields: a file with quotes in it is refused rather than misread.
 */
record PlainCount(TreeMap<String, Sku> skus, long lines) {
    /** One SKU's end. */
    static final class Sku {
        long accepted;
        long refused;
        long onHand;

        @Override
        public String toString() {
            return accepted + "\t" + refused + "\t" + onHand;
        }
    }

    static PlainCount of(Path file, long opening) throws IOException {
        PlainCount count = new PlainCount(new TreeMap<>(), 0);
        long lines = 0;
        try (InputStream bytes = Files.newInputStream(file);
                BufferedReader reader = new BufferedReader(new InputStreamReader(
                        file.toString().endsWith(".gz") ? new GZIPInputStream(bytes) : bytes, StandardCharsets.UTF_8))) {
            reader.readLine();
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (line.indexOf('"') >= 0) {
                    throw new IOException("a line with quotes, which this count does not read: " + line);
                }
                String[] fields = line.split(",");
                Sku sku = count.skus.computeIfAbsent(fields[1], first -> {
                    Sku made = new Sku();
                    made.onHand = opening;
                    return made;
                });
                long quantity = Long.parseLong(fields[2]);
                lines++;
                if (quantity > sku.onHand) {
                    sku.refused++;
                } else {
                    sku.accepted++;
                    sku.onHand -= quantity;
                }
            }
        }
        return new PlainCount(count.skus, lines);
    }

    long accepted() {
        return skus.values().stream().mapToLong(sku -> sku.accepted).sum();
    }

    long refused() {
        return skus.values().stream().mapToLong(sku -> sku.refused).sum();
    }

    long onHand() {
        return skus.values().stream().mapToLong(sku -> sku.onHand).sum();
    }

    /** Entries that the ledger must hold: each accepted line, and an opening a SKU. */
    long entries() {
        return accepted() + skus.size();
    }
}
