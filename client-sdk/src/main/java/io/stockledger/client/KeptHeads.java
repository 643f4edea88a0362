package io.stockledger.client;

import io.stockledger.v1.ChainHead;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Chain heads that were kept elsewhere, to be held against the ledger: SKU by SKU, {@value #HEADS_A_SKU_MAX} of each at
 * most. A head vouches for every entry before it, so a SKU's last says the most; of a busy shop's week of heads the first,
 * the last and some evenly between them are kept, in bounded memory for each SKU. Not safe for use by several threads.
 */
public final class KeptHeads {

    private static final int HEADS_A_SKU_MAX = 100;

    private final Map<String, OfSku> skus = new LinkedHashMap<>();

    /** The next head, in the order in which they were told. */
    public void add(ChainHead head) {
        skus.computeIfAbsent(head.getSku(), sku -> new OfSku()).add(head);
    }

    public boolean isEmpty() {
        return skus.isEmpty();
    }

    /** Parts of so many heads at most; all of a SKU are in one, so that it is audited once. */
    List<List<ChainHead>> parts(int headsMax) {
        List<List<ChainHead>> parts = new ArrayList<>();
        List<ChainHead> part = new ArrayList<>();
        for (OfSku sku : skus.values()) {
            List<ChainHead> heads = sku.heads();
            if (!part.isEmpty() && part.size() + heads.size() > headsMax) {
                parts.add(part);
                part = new ArrayList<>();
            }
            part.addAll(heads);
        }
        if (!part.isEmpty()) {
            parts.add(part);
        }
        return parts;
    }

    /** Every so many-th head from the first on, and the last; ever fewer as more come. */
    private static final class OfSku {
        private final List<ChainHead> some = new ArrayList<>(1);
        private ChainHead last = ChainHead.getDefaultInstance();
        private long count;
        private long stride = 1;

        void add(ChainHead head) {
            last = head;
            if (count % stride == 0 && some.size() == HEADS_A_SKU_MAX - 1) {
                List<ChainHead> everySecond = new ArrayList<>();
                for (int i = 0; i < some.size(); i += 2) {
                    everySecond.add(some.get(i));
                }
                some.clear();
                some.addAll(everySecond);
                stride *= 2;
            }
            if (count % stride == 0) {
                some.add(head);
            }
            count++;
        }

        List<ChainHead> heads() {
            List<ChainHead> heads = new ArrayList<>(some);
            if (!heads.get(heads.size() - 1).equals(last)) {
                heads.add(last);
            }
            return heads;
        }
    }
}
