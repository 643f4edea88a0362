package io.stockledger.server.audit;

import io.stockledger.server.audit.Finding.Kind;
import java.util.ArrayList;
import java.util.List;

/** What was found of one SKU, in order. Of a broken one the first findings tell all, so only those are kept. */
final class Findings {
    private static final int KEPT_MAX = 100;

    private final String sku;
    private final List<Finding> findings = new ArrayList<>();

    Findings(String sku) {
        this.sku = sku;
    }

    void add(Kind kind, long sequence, String expected, String found) {
        if (findings.size() < KEPT_MAX) {
            findings.add(new Finding(sku, kind, sequence, expected, found));
        }
    }

    List<Finding> list() {
        return List.copyOf(findings);
    }
}
