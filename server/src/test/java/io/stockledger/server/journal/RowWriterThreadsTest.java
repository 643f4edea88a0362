package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.Interleavings;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The one writer of all SKUs' rows, where callers, its sessions and whoever closes it meet. */
class RowWriterThreadsTest {
    private static final int CALLERS = 4;
    private static final int ROWS = 100;
    private static final int CLOSINGS = 200;

    private Database database;
    private final ExecutorService tellers = Executors.newFixedThreadPool(2);

    @BeforeEach
    void open() {
        database = TestPostgresql.database();
    }

    @AfterEach
    void close() {
        tellers.shutdownNow();
        database.close();
    }

    @Test
    void aSkuThatIsSettledHasNothingUnderWayAndEachWriteIsToldOnce() {
        Queue<Told> all = new ConcurrentLinkedQueue<>();
        // Few rows a transaction, so that there are many; and two of them meet in one, or in two at once.
        try (RowWriter writer = new RowWriter(database.reads()::getConnection, 3, 1_000, 3, tellers)) {
            Runnable[] callers = new Runnable[CALLERS];
            for (int i = 0; i < CALLERS; i++) {
                String sku = "SKU-" + i;
                callers[i] = () -> {
                    for (int number = 1; number <= ROWS; number++) {
                        Told one = write(writer, sku, number);
                        Told other = write(writer, sku, number);
                        CompletableFuture<Void> settled = new CompletableFuture<>();
                        writer.whenSettled(sku, () -> settled.complete(null));
                        await(settled);
                        assertEquals(number, rows(sku), "rows of " + sku + " once it was settled");
                        List<String> outcomes = new ArrayList<>(List.of(await(one.outcome), await(other.outcome)));
                        outcomes.sort(null);
                        assertEquals(List.of("refused 23505", "written"), outcomes);
                        all.addAll(Arrays.asList(one, other));
                    }
                };
            }
            Interleavings.together(callers);
        }
        assertEquals(2 * CALLERS * ROWS, all.size());
        all.forEach(told -> assertEquals(1, told.times.get()));
    }

    @Test
    void whatComesWhileItClosesIsToldOnceAndWrittenOrNot() {
        int written = 0;
        for (int round = 0; round < CLOSINGS; round++) {
            // So few may wait that some are turned away for that.
            RowWriter writer = new RowWriter(database.reads()::getConnection, 2, 3, 2, Runnable::run);
            Queue<Told> all = new ConcurrentLinkedQueue<>();
            Runnable[] parts = new Runnable[3];
            for (int i = 0; i < 2; i++) {
                String sku = "CLOSING-" + round + "-" + i;
                parts[i] = () -> {
                    for (int number = 1; number <= 3; number++) {
                        all.add(write(writer, sku, number));
                    }
                };
            }
            parts[2] = writer::close;
            Interleavings.together(parts);
            for (Told told : all) {
                String outcome = await(told.outcome);
                assertTrue(outcome.equals("written") || outcome.contains("closing") || outcome.contains("wait for the store"), outcome);
                written += outcome.equals("written") ? 1 : 0;
                assertEquals(1, told.times.get());
            }
        }
        assertEquals(written, rows("CLOSING-%"));
    }

    private static Told write(RowWriter writer, String sku, long number) {
        Told told = new Told();
        writer.write(List.of(RowWriterTest.row(sku, number)), told);
        return told;
    }

    private static final class Told implements RowWriter.Outcome {
        final CompletableFuture<String> outcome = new CompletableFuture<>();
        final AtomicInteger times = new AtomicInteger();

        private void tell(String what) {
            times.incrementAndGet();
            outcome.complete(what);
        }

        @Override
        public void written() {
            tell("written");
        }

        @Override
        public void refused(SQLException why) {
            tell("refused " + why.getSQLState());
        }

        @Override
        public void unknown(Throwable why) {
            tell("unknown: " + why);
        }
    }

    private static <T> T await(CompletableFuture<T> what) {
        return what.orTimeout(20, TimeUnit.SECONDS).join();
    }

    private long rows(String skus) {
        try (Connection connection = database.reads().getConnection(); PreparedStatement count =
                connection.prepareStatement("SELECT count(*) FROM event_journal WHERE persistence_id LIKE ?")) {
            count.setString(1, skus);
            try (ResultSet row = count.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }
}
