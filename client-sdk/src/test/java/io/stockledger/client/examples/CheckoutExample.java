// A checkout: hold the units while the shopper pays, commit them when the order is placed, let them leave.
//
//   ./stockledger serve                (in one terminal)
//   ./stockledger example checkout     (in another)
package io.stockledger.client.examples;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.v1.Mutation;
import java.time.Duration;
import java.util.UUID;

public final class CheckoutExample {

    private static final String SKU = "MUG-BLUE";

    private CheckoutExample() {}

    public static void main(String[] args) {
        String target = args.length > 0 ? args[0] : "127.0.0.1:7400";
        try (LedgerClient ledger =
                LedgerClient.builder(target).principal("checkout-example").build()) {
            // Somebody filled the shelf. In a shop the warehouse does this.
            ledger.apply(Mutations.receive(SKU, 2).setReference("po-1").build());

            buy(ledger, "order-" + UUID.randomUUID());
            System.out.println("available to sell on web: "
                    + ledger.stock(SKU, "web").getAvailableToSell());
        } catch (LedgerException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    private static void buy(LedgerClient ledger, String order) {
        // The order's own key is the mutation's id: a checkout that is started again after a crash asks for the same
        // reservation, and gets the one that it has.
        Mutation reserve = Mutations.reserve(SKU, 1, Duration.ofMinutes(15))
                .setMutationId(order)
                .setChannel("web")
                .setReference(order)
                .build();

        // A refusal is an answer, not an error: the shopper is promised the unit or told the truth.
        Outcome outcome = ledger.apply(reserve);
        if (outcome instanceof Outcome.Refused refused) {
            System.out.println("sold out: " + refused.available() + " left");
            return;
        }
        Outcome.Applied held = (Outcome.Applied) outcome;
        System.out.println("held 1 " + SKU + " for " + order + " until " + held.expiresAt().orElseThrow());

        // ... the shopper pays; then the order is placed, and later the parcel leaves.
        ledger.apply(Mutations.commit(SKU, order).build());
        ledger.apply(Mutations.fulfill(SKU, order).build());
        System.out.println("sold: " + ledger.reservation(SKU, order).orElseThrow().getFulfilled() + " left with the parcel");
    }
}
