package io.stockledger.client;

import io.stockledger.v1.ChannelAllocation;
import io.stockledger.v1.LocationBalance;

/** The contract's formula at {@code LocationBalance}, the one that the ledger decides by: for whoever has balances. */
public final class AvailableToSell {

    private AvailableToSell() {}

    /** Units that may be sold on the channel at one location; an empty channel is one without an allocation. */
    public static long at(LocationBalance balance, String channel) {
        long free = balance.getAvailable() - balance.getSafetyStock();
        long own = Long.MAX_VALUE;
        for (ChannelAllocation allocation : balance.getAllocationsList()) {
            if (!allocation.getChannel().equals(channel)) {
                free -= Math.max(0, allocation.getGuaranteed() - allocation.getUsed());
            } else if (allocation.hasMaximum()) {
                own = allocation.getMaximum() - allocation.getUsed();
            }
        }
        return Math.max(0, Math.min(free, own));
    }
}
