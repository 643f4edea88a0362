package io.stockledger.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.Interleavings;
import io.stockledger.server.entity.Look;
import io.stockledger.server.entity.Outcome;
import io.stockledger.v1.BatchGetStockResponse;
import io.stockledger.v1.Stock;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The stock of many SKUs for one caller, as the SKUs' actors give it at once, while the caller may hang up. */
class StockBatchThreadsTest {
    private static final int AT_ONCE = 3;
    private static final List<String> SKUS = IntStream.range(0, 2 * AT_ONCE + 1).mapToObj(number -> "S" + number).toList();

    private final KeptAnswers<BatchGetStockResponse> caller = new KeptAnswers<>(true);
    private final Admission admission = new Admission(SKUS.size());
    private final BlockingQueue<Look> asked = new LinkedBlockingQueue<>();
    private final AtomicInteger looks = new AtomicInteger();

    private static StockBatchThreadsTest begun() {
        StockBatchThreadsTest batch = new StockBatchThreadsTest();
        assertTrue(batch.admission.tryEnter(SKUS.size()));
        new StockBatch(batch::ask, batch.admission, SKUS, "", "", 1 << 20, AT_ONCE, new Answer<>(batch.caller)).begin();
        return batch;
    }

    private void ask(Look look) {
        looks.incrementAndGet();
        asked.add(look);
        assertTrue(asked.size() <= AT_ONCE, "too many at once");
    }

    /** Of an actor that answers what is asked, until it finds nothing. */
    private Runnable answering(Consumer<Look.Reply> how) {
        return () -> {
            for (Look look = asked.poll(); look != null; look = asked.poll()) {
                how.accept(look.reply());
            }
        };
    }

    private static void see(Look.Reply reply) {
        reply.seen(new Look.Seen(7, List.of(), Optional.empty(), new long[0], 0, false, 1));
    }

    private static void fail(Look.Reply reply) {
        reply.failed(Outcome.Failure.TOO_MANY_WAITING);
    }

    @Test
    void allSkusAreInOneAnswerInTheOrderAskedFor() {
        Interleavings.ofLarge(() -> {
            StockBatchThreadsTest batch = begun();
            Runnable actor = batch.answering(StockBatchThreadsTest::see);
            Interleavings.together(actor, actor);
            assertEquals(1, batch.caller.completions);
            assertEquals(SKUS, batch.caller.answers.get(0).getStocksList().stream().map(Stock::getSku).toList());
            assertEquals(0, batch.caller.faults);
            assertEquals(0, batch.admission.waiting());
        });
    }

    @Test
    void whoHangsUpLeavesNothingWaiting() {
        Interleavings.ofLarge(() -> {
            StockBatchThreadsTest batch = begun();
            Runnable actor = batch.answering(StockBatchThreadsTest::see);
            Interleavings.together(actor, actor, batch.caller::hangUp);
            assertEquals(0, batch.admission.waiting());
            assertEquals(0, batch.caller.faults);
        });
    }

    @Test
    void whereSomeFailThereIsOneAnswerAndNothingIsLeftWaiting() {
        Interleavings.ofLarge(() -> {
            StockBatchThreadsTest batch = begun();
            Interleavings.together(batch.answering(StockBatchThreadsTest::see), batch.answering(StockBatchThreadsTest::fail));
            batch.answering(StockBatchThreadsTest::see).run();
            assertEquals(1, batch.caller.errors + batch.caller.completions);
            assertEquals(0, batch.admission.waiting());
        });
    }

    @Test
    void whereAllFailOnlyTheFirstLotIsAskedFor() {
        StockBatchThreadsTest batch = begun();
        batch.answering(StockBatchThreadsTest::fail).run();
        assertEquals(AT_ONCE, batch.looks.get());
        assertEquals(1, batch.caller.errors);
        assertEquals(0, batch.admission.waiting());
    }
}
