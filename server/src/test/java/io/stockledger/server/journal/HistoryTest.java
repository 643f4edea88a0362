package io.stockledger.server.journal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.stockledger.v1.Entry;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class HistoryTest {
    private static final int ENTRIES = 1_203;

    @Test
    void pagesOfAnySizeTellEveryEntryOnce() throws Exception {
        try (Database database = TestPostgresql.database()) {
            TestJournalWriter writer = new TestJournalWriter();
            for (int entries : new int[] {1, 700, 2, 500}) {
                writer.write(database, "A", TestJournalWriter.receipts(entries, "main"));
            }
            History history = new History(new JournalReader(database, 3, 1 << 20));
            for (int size : new int[] {7, 10, 699, 700, 5_000}) {
                assertEquals(LongStream.rangeClosed(1, ENTRIES).boxed().toList(), sequences(history, size), "pages of " + size);
            }
        }
    }

    /** Two who read side by side, one of them a page again. */
    @Test
    void pageAskedForAgainIsTheSame() throws Exception {
        try (Database database = TestPostgresql.database()) {
            new TestJournalWriter().write(database, "A", TestJournalWriter.receipts(100, "main"));
            History history = new History(new JournalReader(database, 3, 1 << 20));
            for (int again = 0; again < 3; again++) {
                for (long from = 1; from < 90; from += 10) {
                    History.Page page = history.entries("A", from, 10, Integer.MAX_VALUE);
                    assertEquals(List.of(from, from + 9), List.of(page.entries().get(0).getSequence(), page.entries().get(9).getSequence()));
                }
            }
        }
    }

    @Test
    void nextPageOfARowThatWasFoundWholeDoesNotReadItAgain() throws Exception {
        try (Database database = TestPostgresql.database(); Connection connection = TestPostgresql.superuser(database.address().url().replaceFirst(".*/", ""));
                Statement statement = connection.createStatement()) {
            new TestJournalWriter().write(database, "A", TestJournalWriter.receipts(100, "main"));
            History history = new History(new JournalReader(database, 3, 1 << 20));
            assertEquals(10, history.entries("A", 1, 10, Integer.MAX_VALUE).entries().size());
            statement.execute("SET session_replication_role = replica");
            statement.execute("UPDATE stockledger.event_journal SET event_payload = set_byte(event_payload, 60, get_byte(event_payload, 60) # 1)");
            assertEquals(10, history.entries("A", 11, 10, Integer.MAX_VALUE).entries().size());
            assertThrows(GroupRow.DamagedException.class, () -> history.entries("A", 11, 10, Integer.MAX_VALUE));
            assertEquals(10, history.entries("A", 21, 10, Integer.MAX_VALUE).entries().size());
        }
    }

    private static List<Long> sequences(History history, int size) {
        List<Long> told = new ArrayList<>();
        History.Page page;
        do {
            page = history.entries("A", told.size() + 1, size, Integer.MAX_VALUE);
            page.entries().stream().map(Entry::getSequence).forEach(told::add);
        } while (page.more());
        return told;
    }
}
