package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.v1.BatchGetStockRequest;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Receive;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** No answer takes more bytes than its caller can take, however much there is to tell. */
final class AnswerBoundsTest {
    private static final int ANSWER_BYTES_MAX = 30 * 1024;

    private static RunningLedger ledger;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("stockledger { api.answer-bytes-max = 30 KiB, entity.group-entries-max = 70 }");
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    private static Mutation.Builder receive(String sku, String location) {
        return Mutation.newBuilder().setSku(sku).setLocation(location).setReceive(Receive.newBuilder().setQuantity(1));
    }

    private static List<MutationResult> send(List<Mutation.Builder> batch) {
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(batch);
        List<MutationResult> results = stream.results();
        stream.complete();
        return results;
    }

    @Test
    void pageOfEntriesEndsByItsBytesAndNoEntryIsLeftOut() {
        send(IntStream.range(0, 800).mapToObj(i -> receive("pages", "main")).toList());
        for (int size : new int[] {1, 69, 70, 71, 800, 1_000}) {
            List<Long> sequences = new ArrayList<>();
            ListEntriesRequest.Builder request = ListEntriesRequest.newBuilder().setSku("pages").setPageSize(size);
            int pages = 0;
            do {
                ListEntriesResponse page = ledger.calls().listEntries(request.build());
                assertTrue(page.getSerializedSize() < ANSWER_BYTES_MAX / 2, "bytes " + page.getSerializedSize());
                assertTrue(page.getEntriesCount() > 0 && page.getEntriesCount() <= size);
                page.getEntriesList().forEach(entry -> sequences.add(entry.getSequence()));
                request.setPageToken(page.getNextPageToken());
                pages++;
            } while (!request.getPageToken().isEmpty());
            assertEquals(LongStream.rangeClosed(1, 800).boxed().toList(), sequences, "pages of " + size);
            assertTrue(pages > 1, "one page of " + size + " held all");
        }
    }

    @Test
    void stockThatWouldNotFitIsRefusedAndALocationOfItIsTold() {
        send(IntStream.range(0, 600).mapToObj(i -> receive("wide", "location " + i)).toList());
        assertEquals(600, ledger.stock("wide").getBalancesCount());
        List<String> often = Collections.nCopies(300, "wide");
        RunningLedger.Problem problem = RunningLedger.problem(() -> ledger.calls().batchGetStock(
                BatchGetStockRequest.newBuilder().addAllSkus(often).build()));
        assertEquals("FAILED_PRECONDITION/ANSWER_TOO_LARGE", problem.name());
        assertEquals(300, ledger.calls().batchGetStock(BatchGetStockRequest.newBuilder().addAllSkus(often)
                .setLocation("location 7").build()).getStocksCount());
        send(IntStream.range(600, 1_600).mapToObj(i -> receive("wide", "location " + i)).toList());
        send(IntStream.range(1_600, 2_600).mapToObj(i -> receive("wide", "location " + i)).toList());
        assertEquals("FAILED_PRECONDITION/ANSWER_TOO_LARGE",
                RunningLedger.problem(() -> ledger.stock("wide")).name());
        assertEquals(1, ledger.calls().getStock(GetStockRequest.newBuilder().setSku("wide").setLocation("location 7").build())
                .getStock().getBalancesCount());
        // What was refused has given back what it took in.
        assertEquals(300, ledger.calls().batchGetStock(BatchGetStockRequest.newBuilder().addAllSkus(often)
                .setLocation("location 7").build()).getStocksCount());
    }

    @Test
    void replyToALongBatchTellsEveryOutcomeWithoutItsBalances() {
        List<MutationResult> few = send(IntStream.range(0, 10).mapToObj(i -> receive("batch", "main")).toList());
        assertTrue(few.stream().allMatch(result -> result.getApplied().getBalancesCount() == 1));
        List<MutationResult> many = send(IntStream.range(0, 1_000)
                .mapToObj(i -> receive("batch", "a location with a long name, " + i % 3)).toList());
        assertEquals(LongStream.rangeClosed(11, 1_010).boxed().toList(),
                many.stream().map(result -> result.getApplied().getSequence()).toList());
        assertTrue(many.stream().allMatch(result -> result.getApplied().getBalancesCount() == 0));
        assertFalse(many.get(0).getMutationId().isEmpty());
    }
}
