package io.stockledger.client;

import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One SKU in a stock view: immutable, so that a reader who has it has one moment of it.
 *
 * @param sequence the last entry that it reflects
 * @param balances by location, ordered by location
 */
record SkuStock(long sequence, List<LocationBalance> balances) {

    static final SkuStock NONE = new SkuStock(0, List.of());

    static SkuStock of(Stock stock) {
        return new SkuStock(stock.getSequence(), List.copyOf(stock.getBalancesList()));
    }

    /** With the next part of the same stock, at the locations behind these. */
    SkuStock and(SkuStock part) {
        List<LocationBalance> all = new ArrayList<>(balances);
        all.addAll(part.balances);
        return new SkuStock(sequence, List.copyOf(all));
    }

    /**
     * An entry brings the balances after it wherever it touched, so applying it is putting them in place, whatever its
     * kind. One that is reflected already changes nothing.
     */
    SkuStock after(Entry entry) {
        if (entry.getSequence() <= sequence) {
            return this;
        }
        if (balances.size() == 1
                && entry.getBalancesCount() == 1
                && balances.get(0).getLocation().equals(entry.getBalances(0).getLocation())) {
            return new SkuStock(entry.getSequence(), List.of(entry.getBalances(0)));
        }
        TreeMap<String, LocationBalance> byLocation = new TreeMap<>();
        balances.forEach(balance -> byLocation.put(balance.getLocation(), balance));
        entry.getBalancesList().forEach(balance -> byLocation.put(balance.getLocation(), balance));
        return new SkuStock(entry.getSequence(), List.copyOf(byLocation.values()));
    }

    Optional<LocationBalance> balance(String location) {
        return balances.stream()
                .filter(balance -> balance.getLocation().equals(location))
                .findFirst();
    }

    long availableToSell(String channel) {
        long sum = 0;
        for (LocationBalance balance : balances) {
            sum += AvailableToSell.at(balance, channel);
        }
        return sum;
    }

    long onHand() {
        long sum = 0;
        for (LocationBalance balance : balances) {
            sum += balance.getAvailable() + balance.getReserved() + balance.getCommitted() + balance.getUnavailable();
        }
        return sum;
    }
}
