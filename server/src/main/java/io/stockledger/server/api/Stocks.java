package io.stockledger.server.api;

import io.stockledger.server.domain.Balance;
import io.stockledger.server.entity.Look;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.v1.Stock;

/** Puts what was seen of a SKU into the words of the contract. */
final class Stocks {
    private Stocks() {}

    static Stock stock(String sku, String channel, String location, Look.Seen seen) {
        Stock.Builder stock = Stock.newBuilder()
                .setSku(sku)
                .setSequence(seen.sequence())
                .setAsOfTime(EntryCodec.timestamp(seen.asOfMs()));
        long availableToSell = 0;
        long onHand = 0;
        for (Balance balance : seen.balances()) {
            if (location.isEmpty() || location.equals(balance.location())) {
                stock.addBalances(EntryCodec.toContract(balance));
                availableToSell += balance.availableToSell(channel);
                onHand += balance.onHand();
            }
        }
        return stock.setAvailableToSell(availableToSell).setOnHand(onHand).build();
    }
}
