package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Timestamp;
import io.stockledger.v1.Bucket;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import io.stockledger.v1.Stock;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a shop owner reads of a SKU's past. */
class ExplainTest {
    private static final Instant MORNING = Instant.parse("2026-11-24T09:00:00Z");

    private final Entries entries = new Entries();

    /** A SKU at one location, its balances kept by the movements given. */
    private static final class Entries {
        private long sequence;
        private long available;
        private long reserved;
        private long committed;

        Entry.Builder next(EntryKind kind, Duration after, Bucket from, Bucket to, long quantity) {
            if (quantity > 0) {
                available += delta(from, to, Bucket.BUCKET_AVAILABLE, quantity);
                reserved += delta(from, to, Bucket.BUCKET_RESERVED, quantity);
                committed += delta(from, to, Bucket.BUCKET_COMMITTED, quantity);
            }
            Entry.Builder entry = Entry.newBuilder().setSku("MUG").setSequence(++sequence).setKind(kind).setLocation("main")
                    .setRecordedAt(timestamp(MORNING.plus(after)))
                    .addBalances(LocationBalance.newBuilder().setLocation("main").setAvailable(available).setReserved(reserved).setCommitted(committed));
            if (quantity > 0) {
                entry.addMovements(Movement.newBuilder().setFrom(from).setTo(to).setQuantity(quantity).setLocation("main"));
            }
            return entry;
        }

        private static long delta(Bucket from, Bucket to, Bucket bucket, long quantity) {
            return (to == bucket ? quantity : 0) - (from == bucket ? quantity : 0);
        }

        Entry.Builder receive(Duration after, long quantity) {
            return next(EntryKind.ENTRY_KIND_RECEIVE, after, Bucket.BUCKET_SUPPLIER, Bucket.BUCKET_AVAILABLE, quantity);
        }

        Entry.Builder sell(Duration after, long quantity, String channel) {
            return next(EntryKind.ENTRY_KIND_SELL, after, Bucket.BUCKET_AVAILABLE, Bucket.BUCKET_CUSTOMER, quantity).setChannel(channel);
        }

        Entry.Builder reserve(Duration after, long quantity, String id) {
            return next(EntryKind.ENTRY_KIND_RESERVE, after, Bucket.BUCKET_AVAILABLE, Bucket.BUCKET_RESERVED, quantity)
                    .setReservationId(id).setChannel("web").setExpiresAt(timestamp(MORNING.plus(after).plus(Duration.ofMinutes(15))));
        }
    }

    private static Timestamp timestamp(Instant time) {
        return Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
    }

    private static Duration minutes(long minutes) {
        return Duration.ofMinutes(minutes);
    }

    private static List<String> told(Story story) {
        return story.lines().stream().map(line -> story.when(line) + " | " + line.toSell() + " | " + story.what(line)).toList();
    }

    @Test
    void aShortStoryTellsEachEntryAndOfAHoldWhatBecameOfIt() {
        Story story = new Story(200, ZoneId.of("UTC"));
        story.add(entries.receive(minutes(0), 6).setReference("PO-77").build());
        story.add(entries.sell(minutes(1), 1, "pos").build());
        story.add(entries.reserve(minutes(2), 2, "cart-1").build());
        story.add(entries.reserve(minutes(3), 1, "cart-2").build());
        story.add(entries.next(EntryKind.ENTRY_KIND_COMMIT, minutes(5), Bucket.BUCKET_RESERVED, Bucket.BUCKET_COMMITTED, 2)
                .setReservationId("cart-1").setReference("order-1001").build());
        story.add(entries.next(EntryKind.ENTRY_KIND_FULFILL, Duration.ofDays(1), Bucket.BUCKET_COMMITTED, Bucket.BUCKET_CUSTOMER, 2)
                .setReservationId("cart-1").build());
        story.add(entries.next(EntryKind.ENTRY_KIND_EXPIRE, Duration.ofDays(1), Bucket.BUCKET_RESERVED, Bucket.BUCKET_AVAILABLE, 1)
                .setReservationId("cart-2").build());
        story.add(entries.next(EntryKind.ENTRY_KIND_COUNT, Duration.ofDays(2), Bucket.BUCKET_AVAILABLE, Bucket.BUCKET_SHRINKAGE, 1).build());
        assertEquals(List.of(
                "24 Nov 2026 09:00 | 6 | 6 arrived from the supplier (PO-77)",
                "24 Nov 2026 09:01 | 5 | 1 sold on pos",
                "24 Nov 2026 09:02 | 3 | 2 held for cart-1 on web until 09:17; paid 09:05 (order-1001), left 25 Nov 2026 09:00",
                "24 Nov 2026 09:03 | 2 | 1 held for cart-2 on web until 09:18; ran out 25 Nov 2026 09:00",
                "25 Nov 2026 09:00 | 3 | cart-2 was not paid in time: 1 back to sell",
                "26 Nov 2026 09:00 | 2 | counted: 1 missing"), told(story));
        assertEquals(List.of(), story.warnings());
        Story elsewhere = new Story(200, ZoneId.of("America/New_York"));
        elsewhere.add(new Entries().receive(minutes(0), 6).build());
        assertTrue(told(elsewhere).get(0).startsWith("24 Nov 2026 04:00"));
    }

    @Test
    void aLongStoryTellsTheOrdinaryTogetherAndTheRestEachByItself() {
        Story byDay = new Story(12, ZoneId.of("UTC"));
        Story byHour = new Story(20, ZoneId.of("UTC"));
        Consumer<Entry> both = entry -> {
            byDay.add(entry);
            byHour.add(entry);
        };
        both.accept(entries.receive(minutes(0), 1_000).build());
        for (int day = 0; day < 4; day++) {
            for (int i = 0; i < 120; i++) {
                both.accept(entries.sell(Duration.ofDays(day).plusMinutes(i), 1 + i % 2, i % 3 == 0 ? "pos" : "web").build());
            }
            both.accept(entries.next(EntryKind.ENTRY_KIND_SET_ASIDE, Duration.ofDays(day).plusHours(3), Bucket.BUCKET_AVAILABLE, Bucket.BUCKET_UNAVAILABLE, 1)
                    .build());
        }
        assertEquals(List.of(
                "24 Nov 2026 09:00 | 1000 | 1,000 arrived from the supplier",
                "24 Nov 2026 | 820 | 60 sold on pos in 40 sales, 120 sold on web in 80 sales",
                "24 Nov 2026 12:00 | 819 | 1 set aside (unspecified)",
                "25 Nov 2026 | 639 | 60 sold on pos in 40 sales, 120 sold on web in 80 sales"), told(byDay).subList(0, 4));
        assertEquals(9, byDay.lines().size());
        assertEquals("24 Nov 2026 09:00 to 09:59 | 910 | 30 sold on pos in 20 sales, 60 sold on web in 40 sales", told(byHour).get(1));
    }

    @Test
    void aStoryOfAnyLengthStaysWithinItsLines() {
        Story story = new Story(50, ZoneId.of("UTC"));
        StoryPlot plot = new StoryPlot(MORNING, MORNING.plus(Duration.ofMinutes(200_000)), 200_000);
        for (int i = 0; i < 200_000; i++) {
            Entry entry = (switch (i % 4) {
                case 0 -> entries.receive(minutes(i), 3);
                case 1 -> entries.reserve(minutes(i), 1, "cart-" + i);
                default -> entries.sell(minutes(i), 1, "channel " + i % 100);
            }).build();
            story.add(entry);
            plot.add(entry);
        }
        assertTrue(story.lines().size() <= 50, () -> "lines: " + story.lines().size());
        assertTrue(told(story).stream().mapToInt(String::length).sum() < 100_000);
        assertTrue(plot.svg(ZoneId.of("UTC")).length() < 200_000);
        assertTrue(story.when(story.lines().get(0)).matches("\\w+ 2026"), story.when(story.lines().get(0)));
    }

    @Test
    void whereTheShelfStoodBelowZeroIsWarnedOf() {
        Story story = new Story(200, ZoneId.of("UTC"));
        story.add(entries.receive(minutes(0), 1).build());
        story.add(entries.sell(minutes(10), 2, "pos").build());
        story.add(entries.sell(minutes(11), 1, "pos").build());
        assertEquals(List.of("Below zero at main from 24 Nov 2026 09:10 on, and still: at worst -2 (entries 2 to 3)"), story.warnings());
        assertEquals("-2", story.lines().get(2).belowZero().orElseThrow());
        story.add(entries.receive(minutes(20), 5).build());
        assertEquals(List.of("Below zero at main from 24 Nov 2026 09:10 to 24 Nov 2026 09:20: at worst -2 (entries 2 to 3)"), story.warnings());
        assertTrue(story.lines().get(3).belowZero().isEmpty());
    }

    @Test
    void aKindOfALaterVersionIsToldByItsMovement() {
        Story story = new Story(200, ZoneId.of("UTC"));
        story.add(entries.receive(minutes(0), 4).setKindValue(77).build());
        assertEquals(List.of("24 Nov 2026 09:00 | 4 | kind-77 4 supplier>available"), told(story));
    }

    @Test
    void namesThatLookLikeMarkupAreOnlyText() {
        Story story = new Story(200, ZoneId.of("UTC"));
        StoryPlot plot = new StoryPlot(MORNING, MORNING, 1);
        Entry entry = entries.receive(minutes(0), 4).setReference("</table><script>alert(1)</script>\u001b[31m").build();
        story.add(entry);
        plot.add(entry);
        String page = StoryPage.of(Stock.newBuilder().setSku("<img src=x onerror=\"alert(2)\">%s{{x}}").setSequence(1).build(), story, plot, ZoneId.of("UTC"));
        assertFalse(page.contains("<script") || page.contains("<img") || page.contains("\u001b"), page);
        assertTrue(page.contains("&lt;img src=x onerror=&quot;alert(2)&quot;&gt;%s{{x}}"));
    }

    @Test
    void theVerbTellsItOnTheTerminalOrAsAPage(@TempDir Path folder) throws Exception {
        try (StandInLedger ledger = new StandInLedger()) {
            assertEquals("MUG: the ledger holds no entry of it\n", run(ledger, "explain", "MUG"));
            run(ledger, "receive", "MUG", "6", "--reference", "PO-77");
            run(ledger, "sell", "MUG", "2", "--channel", "web");
            List<String> lines = run(ledger, "explain", "MUG").lines().toList();
            assertTrue(lines.get(0).matches("MUG: 2 entries since .* \\(UTC\\); now 4 on hand, 4 to sell"), lines.get(0));
            assertTrue(lines.get(2).matches("WHEN +TO_SELL  WHAT"), lines.get(2));
            assertTrue(lines.get(4).endsWith("      4  2 sold on web"), lines.get(4));
            Path file = folder.resolve("mug.html");
            assertTrue(run(ledger, "explain", "MUG", "--html", file.toString()).startsWith("MUG: the story of 2 entries is in "));
            String page = Files.readString(file);
            assertTrue(page.contains("<svg") && page.contains("6 arrived from the supplier (PO-77)"), page);
            assertTrue(run(ledger, "explain", "MUG", "--zone", "Atlantis").contains("'Atlantis' is not a time zone"));
            assertTrue(run(ledger, "explain", "MUG", "--html", folder.toString()).contains(" can't be written: it is a folder"));
        }
    }

    private static String run(StandInLedger ledger, String... args) {
        String[] all = java.util.Arrays.copyOf(args, args.length + 2);
        all[args.length] = "--target";
        all[args.length + 1] = ledger.target();
        StringWriter out = new StringWriter();
        Stockledger.run(all, new PrintWriter(out), new PrintWriter(out));
        return out.toString();
    }
}
