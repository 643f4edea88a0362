package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Rows packed and unpacked side by side, by library contexts that no two threads may use at once. */
class RowPackingThreadsTest {
    private static final int THREADS = 4;
    private static final int ROUNDS = 300;

    @Test
    void rowsOfSeveralThreadsComeBackAsTheyWere() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            CyclicBarrier begin = new CyclicBarrier(THREADS);
            List<Future<Void>> ends = new ArrayList<>();
            for (int thread = 1; thread <= THREADS; thread++) {
                GroupRow row = SomeEntries.row(SomeEntries.sales(50 * thread));
                GroupRow damaged = SomeEntries.row(SomeEntries.sales(20 * thread));
                ends.add(threads.submit((Callable<Void>) () -> {
                    begin.await();
                    for (int round = 0; round < ROUNDS; round++) {
                        assertArrayEquals(row.bytes(), GroupRow.of(RowPacking.packed(row)).bytes());
                        // One that fails gives its context back as well.
                        byte[] broken = RowPacking.packed(damaged);
                        broken[100] ^= 1;
                        GroupRow.of(broken);
                    }
                    return null;
                }));
            }
            for (Future<Void> end : ends) {
                end.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
