// A shop on its way from a copied count to the ledger: its old path goes on selling, and the ledger follows; SKUs that
// were switched are decided by the ledger, and the old tables follow. Switch some while it runs, and back.
//
//   ./stockledger serve                                      (in one terminal)
//   ./stockledger example migration                          (in another; it sells for twenty seconds)
//   ./stockledger migrate switch --prefix MUG --to ledger --force    (in a third)
//   ./stockledger migrate switch --back
package io.stockledger.client.examples;

import com.google.protobuf.Timestamp;
import io.stockledger.client.DualWrite;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.client.Routing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

public final class MigrationExample {

    private static final String SKU = "MUG-BLUE";

    private MigrationExample() {}

    public static void main(String[] args) throws IOException, InterruptedException {
        String target = args.length > 0 ? args[0] : "127.0.0.1:7400";
        Path folder = Files.createDirectories(Path.of("migration"));
        Routing routing = Routing.load(folder.resolve("routing.tsv"));
        OldShop shop = new OldShop(100);
        try (LedgerClient ledger = LedgerClient.builder(target).principal("migration-example").build();
                DualWrite dual = DualWrite.open(ledger, folder.resolve("missed.tsv"))) {
            ledger.apply(Mutations.receive(SKU, 100).setReference("opening stock").build());
            for (int second = 0; second < 20; second++) {
                String order = "order-" + UUID.randomUUID();
                Timestamp orderedAt = Timestamp.newBuilder().setSeconds(Instant.now().getEpochSecond()).build();
                String told = switch (routing.decides(SKU, "web")) {
                    case OLD_PATH -> {
                        boolean sold = shop.sell(1);
                        if (sold) {
                            // The shop has sold it, whatever the ledger thinks: told after the fact, and not waited for.
                            // The order's own time and not that of telling, or telling it again would be another mutation.
                            dual.after(Mutations.sellAlreadyHappened(SKU, 1).setMutationId(order).setOccurredAt(orderedAt)
                                    .setChannel("web").setReference(order).build());
                        }
                        yield "the old path says " + (sold ? "sold" : "sold out");
                    }
                    case LEDGER -> {
                        Outcome outcome = ledger.apply(Mutations.sell(SKU, 1)
                                .setMutationId(order).setChannel("web").setReference(order).build());
                        boolean sold = outcome instanceof Outcome.Applied;
                        if (sold) {
                            // The old table follows, so that there is a way back.
                            shop.record(1);
                        }
                        yield "the ledger says " + (sold ? "sold" : "sold out");
                    }
                };
                System.out.println(told + "; the old count is " + shop.left + ", the ledger's " + ledger.stock(SKU).getOnHand());
                Thread.sleep(1_000);
            }
            dual.awaitSettled(Duration.ofSeconds(5));
            System.out.println(dual.counts() + ", sent again: " + dual.resend());
        } catch (LedgerException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    /** What a shop has before: a count in a table. */
    private static final class OldShop {
        private int left;

        OldShop(int left) {
            this.left = left;
        }

        boolean sell(int units) {
            if (left < units) {
                return false;
            }
            left -= units;
            return true;
        }

        void record(int units) {
            left -= units;
        }
    }
}
