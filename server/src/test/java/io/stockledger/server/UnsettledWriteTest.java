package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.StatusRuntimeException;
import io.stockledger.client.Mutations;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationState;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** A write has failed and may still be at work in the store: until it has ended, nobody is told what became of it. */
class UnsettledWriteTest {
    @Test
    void aSkuWithSuchAWriteIsNotLetGoOfAndReadAnew() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger { journal.write-lock-wait = 100 ms"
                + ", entity { idle-after = 200 ms, restart-after-min = 10 ms, restart-after-max = 10 ms } }")) {
            ledger.applied(Mutations.receive("MUG", 1));
            Mutation.Builder sale = Mutations.sell("MUG", 1);
            try (Connection writer = ledger.superuser(); Statement statement = writer.createStatement()) {
                writer.setAutoCommit(false);
                // Holds up who writes, and is itself one.
                statement.execute("LOCK TABLE event_journal IN SHARE ROW EXCLUSIVE MODE");
                statement.execute("LOCK TABLE event_journal IN ROW EXCLUSIVE MODE");
                assertEquals("UNAVAILABLE/OUTCOME_UNKNOWN", problem(() -> ledger.apply(sale)).name());
                // One that nobody calls for either, and that nothing keeps: it has left once those were let go of that can be.
                ledger.stock("PEN");
                await("only the SKU of that write is in memory", () -> ledger.metric("stockledger_resident_skus") == 1);
                assertEquals("UNAVAILABLE/NOT_STARTED", problem(() -> ledger.mutation("MUG", sale.getMutationId())).name());
                writer.rollback();
            }
            await("the SKU is back", () -> {
                try {
                    return ledger.mutation("MUG", sale.getMutationId()).getState() != MutationState.MUTATION_STATE_UNSPECIFIED;
                } catch (StatusRuntimeException e) {
                    return false;
                }
            });
            assertEquals(2, ledger.applied(sale).getSequence());
        }
    }
}
