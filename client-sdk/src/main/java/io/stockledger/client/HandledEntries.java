package io.stockledger.client;

import io.stockledger.v1.Entry;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands a named subscription's entries to its handler, one by one, and parks those that it can't apply. */
final class HandledEntries implements EntryListener {

    private static final Logger LOG = LoggerFactory.getLogger(HandledEntries.class);

    /** Between attempts that have each been tried for the client's call timeout already. */
    private static final long RETRY_MS = 100;

    private final NamedSubscriptions subscriptions;
    private final String name;
    private final EntryHandler handler;
    private volatile Optional<Subscription> subscription = Optional.empty();

    HandledEntries(NamedSubscriptions subscriptions, String name, EntryHandler handler) {
        this.subscriptions = subscriptions;
        this.name = name;
        this.handler = handler;
    }

    /** Whose they are: parking goes on through an outage of the ledger for as long as that is open. */
    Subscription of(Subscription opened) {
        subscription = Optional.of(opened);
        return opened;
    }

    private boolean isOpen() {
        return subscription.map(Subscription::state)
                .filter(state -> state == Subscription.State.CLOSED || state == Subscription.State.FAILED)
                .isEmpty();
    }

    @Override
    public void onEntries(List<Entry> entries, FeedProgress progress) {
        for (Entry entry : entries) {
            try {
                handler.apply(entry);
            } catch (ParkException cannotApply) {
                LOG.warn("{} sequence {} is parked: {}", entry.getSku(), entry.getSequence(), cannotApply.getMessage());
                park(entry, String.valueOf(cannotApply.getMessage()));
            }
        }
    }

    private void park(Entry entry, String reason) {
        while (true) {
            try {
                subscriptions.park(name, entry, reason);
                return;
            } catch (LedgerException e) {
                boolean mayFareBetter = switch (e.code()) {
                    case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, UNKNOWN, INTERNAL -> true;
                    // Where many call at once there is room again soon; in the list of parked entries there is not.
                    case RESOURCE_EXHAUSTED -> !e.reason().equals("TOO_MANY_PARKED");
                    default -> false;
                };
                if (!mayFareBetter || !isOpen() || !rested()) {
                    throw e;
                }
            }
        }
    }

    private static boolean rested() {
        try {
            TimeUnit.MILLISECONDS.sleep(RETRY_MS);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
