package io.stockledger.server.journal;

import io.stockledger.server.domain.AppliedIds;
import io.stockledger.server.domain.Decider;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Limits;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.domain.Stock;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Entries as a flash sale writes them, for benchmarks: units sold one by one, on two channels. */
public final class SomeEntries {
    public static final String SKU = "MUG-RED";
    private static final long NOW_MS = 1_700_000_000_000L;

    private SomeEntries() {}

    /** Sales that follow a receipt. */
    public static List<Entry> sales(int count) {
        List<Entry> entries = new ArrayList<>();
        sold(count, entries);
        return entries;
    }

    /** A SKU that has so many ids and reservations open. */
    public static Stock stock(int ids, int reservations) {
        Stock stock = sold(ids - reservations, new ArrayList<>());
        for (int i = 0; i < reservations; i++) {
            decide(stock, "cart-" + i, "web", new Operation.Reserve(1, 900_000));
        }
        return stock;
    }

    /** As a SKU begins. */
    static AppliedIds noIds() {
        return new AppliedIds(65_536, 1 << 20, 7 * 24 * 3_600_000L, 1);
    }

    /** These as one row. */
    public static GroupRow row(List<Entry> entries) {
        GroupRow.Builder row = new GroupRow.Builder();
        for (Entry entry : entries) {
            row.add(entry);
        }
        return row.build(GroupRow.noDigest(), 0, 0, 1);
    }

    private static Stock sold(int count, List<Entry> entries) {
        Stock stock = new Stock(SKU, noIds());
        decide(stock, "receipt", "", new Operation.Receive(1_000_000, false));
        for (int i = 0; i < count; i++) {
            String id = new UUID(i, 0x9E3779B97F4A7C15L * i).toString();
            entries.add(decide(stock, id, i % 2 == 0 ? "web" : "pos", new Operation.Sell(1, false)));
        }
        return stock;
    }

    private static Entry decide(Stock stock, String id, String channel, Operation operation) {
        Mutation mutation = new Mutation(id, SKU, "main", channel, "", "bench", 0, NOW_MS, 0, Mutation.ANY_SEQUENCE,
                AppliedIds.fingerprintWithoutKey(id), operation);
        Entry entry = (Entry) new Decider(Limits.DEFAULT).decide(stock, mutation, NOW_MS + stock.sequence());
        stock.evolve(entry);
        return entry;
    }
}
