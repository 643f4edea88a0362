package io.stockledger.server;

import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.stockledger.client.Mutations;
import io.stockledger.server.RunningLedger.Problem;
import io.stockledger.v1.Mutation;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A SKU that has as many of something as it may is an error that says so, and when to come back only where that helps. */
class FullSkuTest {
    private static final Duration DAY = Duration.ofDays(1);
    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger.limits {"
                + " locations = 2, open-reservations = 1, expected-references = 1, allocations = 1 }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static void isFull(String reason, boolean waitingHelps, Mutation.Builder mutation) {
        Problem alone = problem(() -> ledger.apply(mutation));
        assertEquals("RESOURCE_EXHAUSTED/" + reason, alone.name());
        assertEquals(waitingHelps, alone.retryAfter().isPresent(), alone::toString);
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(mutation);
        assertEquals(alone, Problem.of(stream.results().get(0).getError()));
        stream.complete();
        stream.awaitCompletion();
    }

    @Test
    void whatEndsByItselfIsWorthWaitingFor() {
        ledger.applied(Mutations.receive("holds", 10));
        ledger.applied(Mutations.reserve("holds", 1, DAY).setMutationId("cart"));
        isFull("TOO_MANY_RESERVATIONS", true, Mutations.reserve("holds", 1, DAY));
        ledger.applied(Mutations.release("holds", "cart"));
        ledger.applied(Mutations.reserve("holds", 1, DAY));

        ledger.applied(Mutations.expect("orders", 5, "PO-1"));
        isFull("TOO_MANY_EXPECTED", true, Mutations.expect("orders", 5, "PO-2"));
        ledger.applied(Mutations.receiveExpected("orders", 5, "PO-1"));
        ledger.applied(Mutations.expect("orders", 5, "PO-2"));
    }

    @Test
    void whatASkuKeepsIsNot() {
        ledger.applied(Mutations.receive("places", 1).setLocation("one"));
        ledger.applied(Mutations.receive("places", 1).setLocation("two"));
        isFull("TOO_MANY_LOCATIONS", false, Mutations.receive("places", 1).setLocation("three"));
        isFull("TOO_MANY_LOCATIONS", false, Mutations.shipTransfer("places", 1, "three", "T-1").setLocation("one"));

        ledger.applied(Mutations.setChannelAllocation("shares", "web", 5));
        isFull("TOO_MANY_CHANNELS", false, Mutations.setChannelAllocation("shares", "pos", 5));
        ledger.applied(Mutations.setChannelAllocation("shares", "web", 0));
        ledger.applied(Mutations.setChannelAllocation("shares", "pos", 5));
    }
}
