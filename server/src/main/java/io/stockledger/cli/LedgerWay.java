package io.stockledger.cli;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.client.StockView;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.Share;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Stock as a ledger: each channel browses a view of its own, which the feed
 * keeps fresh, and checks out by a reserve and a commit that the ledger decides.
 */
final class LedgerWay {
    private static final Duration VIEW_WAIT_MAX = Duration.ofSeconds(10);
    private static final Duration HOLD = Duration.ofMinutes(5);

    private final LedgerClient client;
    private final String sku;
    private final int units;
    private final AtomicInteger confirmed = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();
    private final Queue<Long> agesMs = new ConcurrentLinkedQueue<>();
    private final Queue<Long> lagsMs = new ConcurrentLinkedQueue<>();

    LedgerWay(LedgerClient client, String sku, int units) {
        this.client = client;
        this.sku = sku;
        this.units = units;
    }

    Tally run(Crowd crowd, List<String> channels, Consumer<String> tell) throws InterruptedException {
        Outcome received = client.apply(Mutations.receive(sku, units).build());
        Map<String, StockView> views = new LinkedHashMap<>();
        try {
            for (String channel : channels) {
                views.put(channel, client.stockView(FeedFilter.newBuilder().addSkus(sku).build(), Share.getDefaultInstance()));
            }
            for (StockView view : views.values()) {
                if (!view.awaitCaughtUp(VIEW_WAIT_MAX)) {
                    throw new Failure("a channel's view did not catch up within " + VIEW_WAIT_MAX.toSeconds() + " s; is the ledger busy?");
                }
                awaitSequence(view, received.sequence());
            }
            long start = System.nanoTime();
            crowd.visit(shopper -> {
                agesMs.add(views.get(shopper.channel()).stalenessMillis());
                checkOut(shopper, views, start, tell);
            });
        } finally {
            views.values().forEach(StockView::close);
        }
        return new Tally("stockledger", units, confirmed.get(), refused.get(), List.copyOf(agesMs));
    }

    /** How long after its answer each sale stood in every channel's view, in milliseconds. */
    List<Long> lagsMs() {
        return lagsMs.stream().sorted().toList();
    }

    // Every shopper asks the ledger, whatever the view says: the page may have
    // been open for a while, and the answer must be right all the same.
    private void checkOut(Crowd.Shopper shopper, Map<String, StockView> views, long start, Consumer<String> tell) {
        String reservation = sku + "-" + shopper.number();
        Outcome held = client.apply(Mutations.reserve(sku, 1, HOLD).setMutationId(reservation).setChannel(shopper.channel()).build());
        if (held instanceof Outcome.Refused) {
            refused.incrementAndGet();
            return;
        }
        Outcome placed = client.apply(Mutations.commit(sku, reservation)
                .setMutationId(reservation + "-commit").setReference("order-" + shopper.number()).build());
        long answered = System.nanoTime();
        if (placed instanceof Outcome.Refused) {
            refused.incrementAndGet();
            return;
        }
        int orders = confirmed.incrementAndGet();
        for (StockView view : views.values()) {
            awaitSequence(view, placed.sequence());
            lagsMs.add((System.nanoTime() - answered) / 1_000_000);
        }
        tell.accept(String.format(java.util.Locale.ROOT, "  second %4.1f  ", (answered - start) / 1e9) + shopper.channel() + " confirms order " + orders
                + "; the views: " + views.entrySet().stream()
                        .map(view -> view.getKey() + " " + view.getValue().availableToSell(sku, view.getKey()) + " left, "
                                + view.getValue().stalenessMillis() + " ms old")
                        .collect(Collectors.joining("; ")));
    }

    private void awaitSequence(StockView view, long sequence) {
        long deadline = System.nanoTime() + VIEW_WAIT_MAX.toNanos();
        while (view.sequence(sku) < sequence) {
            if (System.nanoTime() > deadline) {
                throw new Failure("a channel's view did not show sequence " + sequence + " of " + sku + " within "
                        + VIEW_WAIT_MAX.toSeconds() + " s; is the ledger busy?");
            }
            java.util.concurrent.locks.LockSupport.parkNanos(200_000);
        }
    }
}
