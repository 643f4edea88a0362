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
import java.util.Optional;
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
    /** Read, and not told yet: it stays here also where the store goes away before the page is full. */
    private final ArrayDeque<Stock> left = new ArrayDeque<>();
    /** The SKU whose older rows are being read. */
    private Optional<Balances> reading = Optional.empty();
    private boolean allRead;

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
     * The next SKUs, until their stock has passed so many bytes, or about so many were read for it in older rows of
     * SKUs; maybe none though it is not the last page. The stock of a SKU that alone takes more than that comes in parts,
     * each with some of its locations.
     */
    Page next(int bytesWanted, long ledgerTimeMs) throws SQLException {
        if (left.isEmpty()) {
            read(bytesWanted, ledgerTimeMs);
        }
        List<Stock> stocks = new ArrayList<>();
        for (int bytes = 0; !left.isEmpty() && bytes < bytesWanted; ) {
            Stock stock = left.poll();
            stocks.add(stock);
            bytes += stock.getSerializedSize();
        }
        return new Page(stocks, allRead && left.isEmpty());
    }

    private void read(int bytesWanted, long ledgerTimeMs) throws SQLException {
        if (reading.isPresent()) {
            Balances balances = reading.get();
            balances.readOlder(reader, bytesWanted);
            if (balances.areAll()) {
                take(balances, bytesWanted, ledgerTimeMs);
            }
            return;
        }
        List<String> skus = skusAfter();
        if (skus.isEmpty()) {
            allRead = true;
            return;
        }
        List<JournalRow> rows = reader.lastRowsAt(at, skus.stream().filter(selection::wantsSku).toList());
        long bytes = 0;
        long bytesOfOlder = 0;
        for (JournalRow row : rows) {
            Balances balances = new Balances(row.whole());
            bytesOfOlder += balances.readOlder(reader, bytesWanted - bytesOfOlder);
            if (!balances.areAll()) {
                reading = Optional.of(balances);
                return;
            }
            bytes += take(balances, bytesWanted, ledgerTimeMs);
            if (bytes >= bytesWanted) {
                return;
            }
        }
        if (!reader.pageIsFull(rows)) {
            after = skus.get(skus.size() - 1);
        }
    }

    /** The stock of a SKU whose balances are all known is there to be told; how many bytes it has. */
    private long take(Balances balances, int partBytes, long ledgerTimeMs) {
        List<Stock> parts = stockOf(balances, partBytes, ledgerTimeMs);
        left.addAll(parts);
        after = balances.last.sku();
        reading = Optional.empty();
        return parts.stream().mapToLong(Stock::getSerializedSize).sum();
    }

    private List<String> skusAfter() throws SQLException {
        if (selection.skus().isEmpty()) {
            return reader.skusAfter(after, selection.skuPrefix(), PAGE_SKUS);
        }
        // The string right after `after` is the same with a NUL behind it.
        return selection.skus().tailSet(after.isEmpty() ? "" : after + "\0").stream().limit(PAGE_SKUS).toList();
    }

    /** A SKU's balances, read from its newest row and, for locations that this one did not touch, from those before. */
    private static final class Balances {
        private final JournalRow last;
        private final Map<String, LocationBalance> byLocation;
        private long beforeRow;

        Balances(JournalRow last) {
            this.last = last;
            this.byLocation = balancesOf(last);
            this.beforeRow = last.rowNumber();
        }

        boolean areAll() {
            return byLocation.size() >= last.group().locationCount() || beforeRow <= 1;
        }

        /** Reads older rows until all are found or these have passed so many bytes; how many that were. */
        long readOlder(JournalReader reader, long bytesMax) throws SQLException {
            long bytes = 0;
            while (!areAll() && bytes < bytesMax) {
                List<JournalRow> older = reader.rowsBackward(last.sku(), beforeRow);
                for (JournalRow row : older) {
                    balancesOf(row.whole()).forEach(byLocation::putIfAbsent);
                    bytes += row.payload().length;
                }
                beforeRow = older.isEmpty() ? 1 : older.get(older.size() - 1).rowNumber();
            }
            return bytes;
        }
    }

    /** Its stock at the locations asked for: none if it is at none of them, several parts if it is long. */
    private List<Stock> stockOf(Balances all, int partBytes, long ledgerTimeMs) {
        JournalRow last = all.last;
        Map<String, LocationBalance> balances = all.byLocation;
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
