package io.stockledger.server.api;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.entity.Look;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.PastStock;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import java.util.List;
import java.util.Optional;

/** Puts what was seen of a SKU into the words of the contract. */
final class Stocks {
    private Stocks() {}

    /** Empty where it would take more than so many bytes; a SKU may have thousands of locations. */
    static Optional<Stock> stock(String sku, String channel, String location, Look.Seen seen, long bytesMax) {
        return stock(sku, channel, location, seen.sequence(), seen.balances(), seen.asOfMs(), bytesMax);
    }

    /** The same of a point of its past; {@code asOfMs} 0: of before any time that is known. */
    static Optional<Stock> stock(String sku, String channel, String location, PastStock.Found found, long asOfMs,
            long bytesMax) {
        return stock(sku, channel, location, found.sequence(), found.balances(), asOfMs, bytesMax);
    }

    private static Optional<Stock> stock(String sku, String channel, String location, long sequence,
            List<Balance> balances, long asOfMs, long bytesMax) {
        Stock.Builder stock = Stock.newBuilder().setSku(sku).setSequence(sequence);
        if (asOfMs > 0) {
            stock.setAsOfTime(EntryCodec.timestamp(asOfMs));
        }
        long availableToSell = 0;
        long onHand = 0;
        long bytes = 0;
        for (Balance balance : balances) {
            if (location.isEmpty() || location.equals(balance.location())) {
                LocationBalance told = EntryCodec.toContract(balance);
                bytes += told.getSerializedSize();
                if (bytes > bytesMax) {
                    return Optional.empty();
                }
                stock.addBalances(told);
                availableToSell += balance.availableToSell(channel);
                onHand += balance.onHand();
            }
        }
        return Optional.of(stock.setAvailableToSell(availableToSell).setOnHand(onHand).build());
    }
}
