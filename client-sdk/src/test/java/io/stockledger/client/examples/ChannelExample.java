// A channel: show what may be sold from a local view, know how old it is, and follow what happens.
//
//   ./stockledger serve                (in one terminal)
//   ./stockledger example channel      (in another; it follows the ledger for ten seconds)
//   ./stockledger sell MUG-BLUE 1      (in a third, to see it move)
package io.stockledger.client.examples;

import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LastUnits;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.StockView;
import io.stockledger.client.Subscription;
import io.stockledger.v1.Entry;
import io.stockledger.v1.SubscribeRequest;
import java.time.Duration;
import java.util.List;

public final class ChannelExample {

    private static final String SKU = "MUG-BLUE";

    private ChannelExample() {}

    public static void main(String[] args) throws InterruptedException {
        String target = args.length > 0 ? args[0] : "127.0.0.1:7400";
        try (LedgerClient ledger = LedgerClient.connect(target)) {
            // A view and a subscription would go on trying for ever; here it is better to say that nobody is there.
            ledger.awaitReachable(Duration.ofSeconds(2));

            SubscribeRequest fromNow = SubscribeRequest.newBuilder().setFromNow(true).build();
            try (StockView view = ledger.stockViewBuilder()
                            .onBelow(3, (sku, available) -> System.out.println("  " + sku + " runs low: " + available))
                            .open();
                    Subscription feed = ledger.subscribe(fromNow, new Printer())) {
                if (!view.awaitCaughtUp(Duration.ofSeconds(10))) {
                    System.err.println("the view has not caught up within 10 s");
                    System.exit(1);
                }
                // From memory while there is plenty; with under 3 left, or a view over 2 s old, the ledger is asked.
                LastUnits units = new LastUnits(view, ledger, 3, Duration.ofSeconds(2));
                for (int second = 0; second < 10; second++) {
                    LastUnits.Shown shown = units.availableToSell(SKU, "web");
                    System.out.println(SKU + " on web: " + shown.units()
                            + (shown.exact() ? " (asked just now)" : " (" + shown.ageMillis() + " ms old at most)"));
                    Thread.sleep(1_000);
                }
                System.out.println("come back with this cursor: " + feed.cursor().isPresent());
            }
        } catch (LedgerException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    /** A channel with a database stores the cursor in the transaction that stores what the entries changed. */
    private static final class Printer implements EntryListener {
        @Override
        public void onEntries(List<Entry> entries, FeedProgress progress) {
            for (Entry entry : entries) {
                System.out.println("  " + entry.getSku() + " #" + entry.getSequence() + " " + entry.getKind());
            }
        }

        @Override
        public void onFallenBehind() {
            System.out.println("  (behind the ledger; resuming)");
        }
    }
}
