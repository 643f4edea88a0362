package io.stockledger.server.feed;

import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.Position;
import io.stockledger.v1.ChannelAllocation;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The stock of every SKU of a selection as it stood at one position of the feed, read from the
 * journal page by page: rows up to a position never change, so no page needs the transaction of the
 * one before, and what commits meanwhile follows as entries.
 */
final class InitialStock {
    private static final int PAGE_SKUS = 200;

    private final JournalReader reader;
    private final Selection selection;
    private final Position at;
    private String after = "";
    /** Parts of one SKU's stock that did not fit into a page. */
    private final ArrayDeque<Stock> left = new ArrayDeque<>();

    InitialStock(JournalReader reader, Selection selection, Position at) {
        this.reader = reader;
        this.selection = selection;
        this.at = at;
    }

    record Page(List<Stock> stocks, boolean last) {}

    /** The position that the stock stands at. */
    Position at() {
        return at;
    }

    /**
     * The next SKUs, until their stock has passed so many bytes; maybe none though it is not the last page. The stock
     * of a SKU that alone takes more than that comes in parts, each with some of its locations.
     */
    Page next(int bytesWanted, long ledgerTimeMs) throws SQLException {
        if (!left.isEmpty()) {
            return new Page(List.of(left.poll()), false);
        }
        List<String> skus = skusAfter();
        if (skus.isEmpty()) {
            return new Page(List.of(), true);
        }
        List<Stock> stocks = new ArrayList<>();
        List<JournalRow> rows = reader.lastRowsAt(at, skus.stream().filter(selection::wantsSku).toList());
        int bytes = 0;
        for (JournalRow row : rows) {
            left.addAll(stockOf(row.whole(), bytesWanted, ledgerTimeMs));
            while (!left.isEmpty() && bytes < bytesWanted) {
                stocks.add(left.peek());
                bytes += left.poll().getSerializedSize();
            }
            after = row.sku();
            if (bytes >= bytesWanted) {
                return new Page(stocks, false);
            }
        }
        if (!reader.pageIsFull(rows)) {
            after = skus.get(skus.size() - 1);
        }
        return new Page(stocks, false);
    }

    private List<String> skusAfter() throws SQLException {
        if (selection.skus().isEmpty()) {
            return reader.skusAfter(after, selection.skuPrefix(), PAGE_SKUS);
        }
        // The string right after `after` is the same with a NUL behind it.
        return selection.skus().tailSet(after.isEmpty() ? "" : after + "\0").stream().limit(PAGE_SKUS).toList();
    }

    /** Its stock at the locations asked for: none if it is at none of them, several parts if it is long. */
    private List<Stock> stockOf(JournalRow last, int partBytes, long ledgerTimeMs) throws SQLException {
        Map<String, LocationBalance> balances = balancesOf(last);
        // A location that the newest group did not touch: its balance stands in an older one.
        long before = last.rowNumber();
        while (balances.size() < last.group().locationCount() && before > 1) {
            List<JournalRow> older = reader.rowsBackward(last.sku(), before);
            if (older.isEmpty()) {
                break;
            }
            for (JournalRow row : older) {
                balancesOf(row.whole()).forEach(balances::putIfAbsent);
                before = row.rowNumber();
            }
        }
        if (!selection.locations().isEmpty()) {
            balances.keySet().retainAll(selection.locations());
        }
        List<Stock> parts = new ArrayList<>();
        List<LocationBalance> part = new ArrayList<>();
        int bytes = 0;
        for (LocationBalance balance : balances.values()) {
            if (!part.isEmpty() && bytes + balance.getSerializedSize() > partBytes) {
                parts.add(stockAt(part, last, ledgerTimeMs));
                part.clear();
                bytes = 0;
            }
            part.add(balance);
            bytes += balance.getSerializedSize();
        }
        if (!part.isEmpty() || selection.locations().isEmpty() && parts.isEmpty()) {
            parts.add(stockAt(part, last, ledgerTimeMs));
        }
        return parts;
    }

    private static Stock stockAt(List<LocationBalance> balances, JournalRow last, long ledgerTimeMs) {
        long onHand = 0;
        long availableToSell = 0;
        for (LocationBalance balance : balances) {
            onHand += balance.getAvailable() + balance.getReserved() + balance.getCommitted() + balance.getUnavailable();
            availableToSell += availableToSell(balance);
        }
        return Stock.newBuilder()
                .setSku(last.sku())
                .setSequence(last.group().lastSequence())
                .setAsOfTime(FeedMessage.timestamp(ledgerTimeMs))
                .addAllBalances(balances)
                .setOnHand(onHand)
                .setAvailableToSell(availableToSell)
                .build();
    }

    /** On a channel without an allocation, since initial stock names none. */
    private static long availableToSell(LocationBalance balance) {
        long promised = 0;
        for (ChannelAllocation allocation : balance.getAllocationsList()) {
            promised += Math.max(0, allocation.getGuaranteed() - allocation.getUsed());
        }
        return Math.max(0, balance.getAvailable() - balance.getSafetyStock() - promised);
    }

    private static Map<String, LocationBalance> balancesOf(JournalRow row) {
        Map<String, LocationBalance> balances = new TreeMap<>();
        StoredEntries entries = new StoredEntries(row.group());
        while (entries.next()) {
            entries.balances(balances);
        }
        return balances;
    }
}
