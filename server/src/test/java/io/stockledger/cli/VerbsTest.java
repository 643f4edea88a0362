package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.TextFormat;
import com.google.protobuf.util.JsonFormat;
import io.stockledger.v1.Entry;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Stock;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each verb asks for, and how the answers read. */
class VerbsTest {
    private static StandInLedger ledger;

    private record Ended(int code, String out, String err) {
    }

    @BeforeAll
    static void start() throws Exception {
        ledger = new StandInLedger();
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "expect E 3 --reference PO-1 | reference: \"PO-1\" expect { quantity: 3 }",
        "cancel-expected E 3 --reference PO-1 | reference: \"PO-1\" cancel_expected { quantity: 3 }",
        "receive E 3 --location shop --channel pos | location: \"shop\" channel: \"pos\" receive { quantity: 3 }",
        "receive E 3 --from-expected --reference PO-1 | reference: \"PO-1\" receive { quantity: 3 from_expected: true }",
        "reserve A 1 --ttl 90s | reserve { quantity: 1 time_to_live { seconds: 90 } }",
        "reserve A 1 | reserve { quantity: 1 time_to_live { seconds: 900 } }",
        "extend A r1 --ttl 2h | extend { reservation_id: \"r1\" time_to_live { seconds: 7200 } }",
        "release A r1 | release { reservation_id: \"r1\" }",
        "release A r1 2 | release { reservation_id: \"r1\" quantity: 2 }",
        "commit A r1 | commit { reservation_id: \"r1\" }",
        "commit A r1 2 | commit { reservation_id: \"r1\" quantity: 2 }",
        "fulfill A r1 | fulfill { reservation_id: \"r1\" }",
        "fulfill A r1 2 | fulfill { reservation_id: \"r1\" quantity: 2 }",
        "cancel-committed A r1 | cancel_committed { reservation_id: \"r1\" }",
        "cancel-committed A r1 2 | cancel_committed { reservation_id: \"r1\" quantity: 2 }",
        "sell A 2 | sell { quantity: 2 }",
        "sell A 2 --already-happened --occurred-at 2026-11-27T18:00:00+01:00 | occurred_at { seconds: 1795798800 } sell { quantity: 2 already_happened: true }",
        "return A 2 | return { quantity: 2 }",
        "return A 2 --reason quality-control | return { quantity: 2 unavailable_reason: UNAVAILABLE_REASON_QUALITY_CONTROL }",
        "set-aside A 2 --reason DAMAGED | set_aside { quantity: 2 reason: UNAVAILABLE_REASON_DAMAGED }",
        "put-back A 2 --reason other | put_back { quantity: 2 reason: UNAVAILABLE_REASON_OTHER }",
        "ship-transfer A 2 --to shop --reference T | reference: \"T\" ship_transfer { quantity: 2 to_location: \"shop\" }",
        "receive-transfer A 2 --reference T | reference: \"T\" receive_transfer { quantity: 2 }",
        "adjust A -2 --reason shrinkage | adjust { quantity_delta: -2 reason: ADJUST_REASON_SHRINKAGE }",
        "adjust A 2 --reason found | adjust { quantity_delta: 2 reason: ADJUST_REASON_FOUND }",
        "count A 0 | count { }",
        "count A 5 --at-sequence 12 | count { counted: 5 at_sequence: 12 }",
        "count A 5 --at-time 2026-11-27T17:00:00Z | count { counted: 5 at_time { seconds: 1795798800 } }",
        "set-safety-stock A 2 | set_safety_stock { quantity: 2 }",
        "set-channel-allocation A --channel web --guaranteed 2 | channel: \"web\" set_channel_allocation { guaranteed: 2 }",
        "set-channel-allocation A --channel web --maximum 4 | channel: \"web\" set_channel_allocation { maximum: 4 }",
        "sell A 1 --expected-sequence 0 | expected_sequence: 0 sell { quantity: 1 }"})
    void eachVerbAsksForItsMutation(String line, String expected) throws Exception {
        run((line + " --id an-id-" + System.nanoTime()).split(" "));
        Mutation asked = ledger.lastAsked();
        assertTrue(asked.hasNotAfter());
        Mutation bare = asked.toBuilder().clearMutationId().clearSku().clearNotAfter().clearCreatedAt().build();
        assertEquals(TextFormat.parse(expected, Mutation.class), bare);
        assertEquals(line.split(" ")[1], asked.getSku());
    }

    @Test
    void doneIs0RefusedIs2AndBothAreAnswersOnStandardOutput() {
        Ended applied = run("receive", "MUG", "6", "--id", "r");
        assertEquals(0, applied.code());
        assertTrue(applied.out().startsWith("applied: receive MUG, sequence 1, id r\nLOCATION  AVAILABLE"), applied::out);
        Ended refused = run("sell", "MUG", "7");
        assertEquals(2, refused.code());
        assertEquals("refused: sell MUG: INSUFFICIENT_STOCK, 6 available, the SKU stands at sequence 1\n", refused.out());
        Ended again = run("receive", "MUG", "6", "--id", "r");
        assertEquals(0, again.code());
        assertTrue(again.out().contains("was applied before"), again::out);
        assertEquals("", applied.err() + refused.err() + again.err());
    }

    @Test
    void jsonIsTheContractsMessageOneALineWithZeroesInPlace() throws Exception {
        Ended applied = run("receive", "JSON", "6", "--json", "--id", "j");
        assertEquals(1, applied.out().lines().count());
        assertTrue(applied.out().contains("\"mutation_id\":\"j\"") && applied.out().contains("\"replayed\":false")
                && applied.out().contains("\"safety_stock\":\"0\"") && applied.out().contains("\"recorded_at\":"), applied::out);
        assertEquals(6, parsed(applied.out(), MutationResult.newBuilder()).build().getApplied().getBalances(0).getAvailable());

        Ended refused = run("sell", "JSON", "7", "--json");
        assertEquals(2, refused.code());
        assertTrue(refused.out().contains("\"refusal\":{\"reason\":\"REFUSAL_REASON_INSUFFICIENT_STOCK\",\"available\":\"6\""), refused::out);

        Ended stocks = run("stock", "JSON", "NONE", "--json");
        assertEquals(2, stocks.out().lines().count());
        assertEquals(6, parsed(stocks.out().lines().toList().get(0), Stock.newBuilder()).build().getOnHand());
        assertTrue(stocks.out().lines().toList().get(1).contains("\"sku\":\"NONE\",\"sequence\":\"0\""), stocks::out);

        Ended entries = run("entries", "JSON", "--json");
        assertEquals("JSON", parsed(entries.out(), Entry.newBuilder()).build().getSku());
    }

    @Test
    void readsAreReadable() {
        run("receive", "READ", "1234", "--reference", "PO-9");
        assertTrue(run("stock", "READ").out().startsWith("READ: 1,234 on hand, 1,234 available to sell (sequence 1, "));
        assertEquals("NONE: the ledger holds no entry of it\n", run("stock", "NONE").out());
        assertTrue(run("entries", "READ").out().contains("1234 supplier>available"));
        assertTrue(run("reservation", "READ", "r").out().contains("READ reservation r: closed, at main"));
        assertTrue(run("mutation", "READ", "m").out().contains("not applied; a copy under way may still be decided"));
    }

    @Test
    void entriesSaysWhereToGoOn() {
        run("receive", "MORE", "1");
        run("receive", "MORE", "1");
        Ended page = run("entries", "MORE", "--limit", "1", "--json");
        assertEquals(1, page.out().lines().count());
        assertEquals("stockledger: more follow; go on with --from 2\n", page.err());
    }

    @Test
    void thePastIsAskedForBySequenceOrByTime() {
        assertEquals("PAST: the ledger held no entry of it then\n", run("stock", "PAST", "--at", "0").out());
        run("receive", "PAST", "4");
        run("sell", "PAST", "1");
        assertTrue(run("stock", "PAST", "--at", "1").out().startsWith("PAST: 4 on hand, 4 available to sell (sequence 1, "));
        assertTrue(run("stock", "PAST", "--at", "2100-01-01T00:00:00Z").out().startsWith("PAST: 3 on hand"));
        assertEquals("PAST: the ledger held no entry of it then\n", run("stock", "PAST", "--at", "2001-01-01T00:00:00+01:00").out());

        assertEquals(1, run("entries", "PAST", "--from", "2", "--json").out().lines().count());
        assertEquals(1, run("entries", "PAST", "--to", "1", "--json").out().lines().count());
        assertEquals(2, run("entries", "PAST", "--from", "2001-01-01T00:00:00Z", "--to", "2100-01-01T00:00:00Z", "--json").out().lines().count());
        assertEquals("PAST: the ledger holds no entry of it there\n", run("entries", "PAST", "--to", "2001-01-01T00:00:00Z").out());
        assertEquals(2, run("entries", "PAST", "--from", "1970-01-01T00:00:00Z", "--json").out().lines().count());
        Ended future = run("entries", "PAST", "--from", "2099-01-01T00:00:00Z");
        assertEquals(0, future.code());
        assertEquals("PAST: no entry is from then on, since that time has not come yet\n", future.out());
        Ended bad = run("entries", "PAST", "--from", "yesterday");
        assertEquals(1, bad.code());
        assertTrue(bad.err().contains("'yesterday' is neither a sequence nor a time such as 2026-11-27T18:00:00Z"), bad::err);
    }

    @Test
    void aListingSaysHowOldItIsAndWhetherMoreFollow() {
        for (int i = 1; i <= 4; i++) {
            run("receive", "LIST-" + i, Integer.toString(i));
        }
        List<String> all = run("list-stock", "--prefix", "LIST-").out().lines().toList();
        assertEquals(List.of("SKU", "LOCATION", "AVAILABLE", "TO_SELL", "RESERVED", "COMMITTED", "UNAVAILABLE", "ON_HAND", "INCOMING", "SEQUENCE"),
                List.of(all.get(0).split(" +")));
        assertEquals(List.of("LIST-4", "main", "4", "4", "0", "0", "0", "4", "0", "1"), List.of(all.get(4).split(" +")));
        assertTrue(all.get(5).matches("as of 20.*Z, 1,234 ms ago"), all::toString);
        Ended low = run("list-stock", "--prefix", "LIST-", "--below", "4", "--limit", "2", "--json");
        assertEquals(2, low.out().lines().count());
        assertEquals("stockledger: more follow; ask for them with --limit, or narrow what you ask for\n", low.err());
        Ended exact = run("list-stock", "--prefix", "LIST-", "--below", "3", "--limit", "2");
        assertEquals(0, exact.code());
        assertEquals("", exact.err());
        assertTrue(run("list-stock", "--prefix", "NO SUCH").out().startsWith("no stock is like that\nas of "));
        assertEquals(1, run("list-stock", "--limit", "0").code());
    }

    @Test
    void aRebuildSaysHowFarItIs() {
        assertEquals("1,500 of about 3,000 entries\ndone: 3,001 entries\n", run("rebuild-projection").out());
    }

    @Test
    void auditIs0WhereCleanAnd3WhereSomethingWasFound() {
        Ended clean = run("audit", "MUG");
        assertEquals(0, clean.code());
        assertEquals("MUG: clean, 3 entries in 2 rows\nclean: 1 SKU, 3 entries in 2 rows\n", clean.out());
        Ended found = run("audit", "MUG", "TAMPERED");
        assertEquals(3, found.code());
        assertTrue(found.out().contains("TAMPERED: row-changed at sequence 3: expected a, found b\n  Look.\n"), found::out);
        assertTrue(found.out().endsWith("NOT CLEAN: 1 finding: 2 SKUs, 6 entries in 4 rows\n"), found::out);
        assertTrue(run("audit", "TAMPERED", "--json").out().startsWith("{\"finding\":{\"sku\":\"TAMPERED\",\"kind\":\"AUDIT_FINDING_KIND_ROW_CHANGED\""));
    }

    @Test
    void anAuditOfEverythingSaysHowFarItIsAndGoesOnAfterASku() {
        Ended all = run("audit");
        assertEquals(0, all.code());
        assertEquals("clean: 2 SKUs, 6 entries in 4 rows\n", all.out());
        assertEquals("stockledger: 1 SKU, 3 entries so far, the last SKU MUG\n", all.err());
        assertEquals("clean: 1 SKU, 3 entries in 2 rows\n", run("audit", "--after", "MUG").out());
    }

    @Test
    void chainHeadsGoIntoANewFileAndAreHeldAgainstTheLedgerFromIt(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("heads.csv"), "sku,row,sequence,sha256\r\n");
        assertEquals(0, run("audit", "--export-heads", file.toString()).code(), "one that ended before the first head is begun again");
        assertEquals(List.of("sku,row,sequence,sha256", "MUG,2,3," + "00".repeat(32), "\"PEN, \"\"BLACK\"\"\",2,3," + "00".repeat(32)),
                Files.readAllLines(file));
        Ended held = run("audit", "--heads", file.toString());
        assertEquals(0, held.code());
        assertEquals("clean: 2 SKUs, 6 entries in 4 rows\n", held.out());
        Ended again = run("audit", "--export-heads", file.toString());
        assertEquals(1, again.code());
        assertTrue(again.err().contains("evidence"), again::err);
        assertEquals(1, again.err().lines().count());
        Files.writeString(file, "sku,row,sequence,sha256\nMUG,2,3,0000\nMUG,two,3," + "00".repeat(32) + "\n");
        assertTrue(run("audit", "--heads", file.toString()).err().contains("line 2 is no chain head"), "a short digest");
        Files.writeString(file, "sku,row,sequence,sha256\nMUG,2,3," + "00".repeat(32) + "\nMUG,two,3," + "00".repeat(32) + "\n");
        assertTrue(run("audit", "--heads", file.toString()).err().contains("line 3 is no chain head"), "the second");
        Files.writeString(file, "\uFEFFsku,row,sequence,sha256\nMUG,2,3," + "00".repeat(32) + "\n");
        assertEquals("clean: 1 SKU, 3 entries in 2 rows\n", run("audit", "--heads", file.toString()).out());
        Files.writeString(file, "sku,row,sequence,sha256\r\nMUG,2,3," + "00".repeat(32) + "\r\n\"PEN, \"\"BL");
        Ended cut = run("audit", "--heads", file.toString());
        assertEquals(0, cut.code());
        assertTrue(cut.err().contains("ends in the middle of a line; that line is left out"), cut::err);
        Files.writeString(file, "sku,row,sequence,sha256\n" + "M".repeat(100_000));
        assertTrue(run("audit", "--heads", file.toString()).err().contains("longer than"), "one line without end");
    }

    @Test
    void watchKeepsChainHeadsAsTheyCome(@TempDir Path folder) throws Exception {
        run("receive", "HEADED", "1");
        Path file = folder.resolve("heads.csv");
        assertEquals(0, run("watch", "--from", "beginning", "--until-caught-up", "--export-heads", file.toString()).code());
        assertEquals(List.of("sku,row,sequence,sha256", "MUG,2,3," + "00".repeat(32)), Files.readAllLines(file));
    }

    @Test
    void watchFollowsTheFeedAndSaysWhereToGoOn() {
        run("receive", "WATCHED", "6", "--channel", "web");
        Ended all = run("watch", "--from", "beginning", "--until-caught-up");
        assertEquals(0, all.code());
        assertTrue(all.out().contains(" WATCHED #1 receive 6 supplier>available channel=web (main: 6 available, 0 reserved, 0 committed)\n"), all::out);
        assertTrue(all.err().startsWith("stockledger: go on with --from "), all::err);
        Ended first = run("watch", "--from", "beginning", "--limit", "1", "--json");
        assertEquals(1, first.out().lines().count());
    }

    @Test
    void subscriptionsAreListedShownAndMoved() {
        assertEquals("""
                NAME  CONSUMERS  LAG_ENTRIES    LAG  PARKED  LAST_ACKNOWLEDGED
                erp           1      12,345+  2.3 s       1  never
                """, run("subscriptions").out());
        assertEquals("""
                erp: 12,345+ entries behind, 2.3 s; last acknowledged: never
                made 2023-11-14T22:13:20.000Z, 16 slots, never rewound, 1 parked
                cursor Yw
                CONSUMER  SLOTS  SINCE
                erp-1        16  2023-11-14T22:13:20.000Z
                """, run("subscriptions", "show", "erp").out());
        assertEquals("""
                SKU  SEQUENCE  PARKED                    TIMES  REASON
                MUG        17  2023-11-14T22:13:20.000Z      2  no article
                """, run("subscriptions", "parked", "erp").out());
        assertEquals("erp: sent once more: 1 entry\n", run("subscriptions", "retry", "erp", "--all").out());
        assertEquals("erp: dropped: MUG sequence 17\n", run("subscriptions", "drop", "erp", "MUG", "17").out());
        assertEquals("erp: goes on from 2026-11-27T18:00:00Z\n", run("subscriptions", "rewind", "erp", "--to", "2026-11-27T18:00:00Z").out());
        assertEquals("erp: goes on from the beginning\n", run("subscriptions", "rewind", "erp", "--to", "beginning").out());
        assertEquals("erp: goes on from the beginning: the ledger holds no entry from before 0001-01-01T00:00:00Z\n",
                run("subscriptions", "rewind", "erp", "--to", "0001-01-01T00:00:00Z").out());
        assertTrue(run("subscriptions", "rewind", "erp", "--to", "2026-11-27").err().contains("2026-11-27T00:00:00Z"), "a date alone");
        assertEquals("erp: deleted\n", run("subscriptions", "delete", "erp").out());
        assertEquals(List.of("RetryParkedEntryRequest", "DropParkedEntryRequest", "RewindSubscriptionRequest", "RewindSubscriptionRequest", "RewindSubscriptionRequest",
                "DeleteSubscriptionRequest"), ledger.operated().stream().map(request -> request.getDescriptorForType().getName()).toList());
    }

    @Test
    void replayTellsTheWholeFilesTotalsInEveryRun(@TempDir Path folder) throws Exception {
        List<String> lines = new ArrayList<>(List.of("order_id,sku,quantity,occurred_at,channel"));
        for (int i = 0; i < 500; i++) {
            lines.add(i + ",RE-" + i % 7 + "," + (i % 5 == 0 ? -1 : 2) + ",2010-12-01T08:26:00Z,web");
        }
        lines.add(100, "not a line");
        Path file = Files.write(folder.resolve("sales.csv"), lines);
        Path stock = folder.resolve("stock.tsv");
        Ended first = run("replay", file.toString(), "--json", "--opening", "10", "--stock-out", stock.toString());
        assertEquals(0, first.code(), first::err);
        assertEquals("stockledger: sales.csv line 101 is malformed: 1 fields where the header has 5\n", first.err());
        String firstStock = Files.readString(stock);
        int entries = ledger.entryCount();
        Ended second = run("replay", file.toString(), "--json", "--opening", "10", "--stock-out", stock.toString());
        assertEquals(entries, ledger.entryCount());
        assertEquals(firstStock, Files.readString(stock));
        String totals = first.out().substring(0, first.out().indexOf("\"lines_sent\""));
        assertTrue(totals.startsWith("{\"file\":\"sales.csv\",\"lines_read\":501,\"malformed\":1,"), totals);
        assertTrue(totals.contains("\"skus\":7,"), totals);
        assertEquals(totals, second.out().substring(0, second.out().indexOf("\"lines_sent\"")));
        assertTrue(first.out().contains("\"lines_sent\":500,\"openings_sent\":7,"), first::out);
        assertTrue(second.out().contains("\"openings_sent\":0,"), second::out);
        assertEquals(7, firstStock.lines().count());
        assertTrue(firstStock.lines().toList().get(0).matches("RE-0\t\\d+\t\\d+\t\\d+"), firstStock);
    }

    @Test
    void theDemoCountsWhatHappens() {
        Ended demo = run("demo", "--shoppers", "30");
        assertEquals(0, demo.code(), demo::err);
        List<String> table = demo.out().lines().dropWhile(line -> !line.startsWith("WAY ")).toList();
        String[] cron = table.get(1).replace("cron copy every 15 min", "cron").split("\\s+");
        String[] ours = table.stream().filter(line -> line.startsWith("stockledger")).findFirst().orElseThrow().split("\\s+");
        assertEquals(30, Integer.parseInt(cron[2]) + Integer.parseInt(cron[4]));
        assertEquals(Math.max(0, Integer.parseInt(cron[2]) - 6), Integer.parseInt(cron[3]));
        assertEquals("6", ours[2]);
        assertEquals("0", ours[3]);
        assertEquals("24", ours[4]);
    }

    @Test
    void nothingThatALedgerTellsSteersTheTerminal() {
        run("receive", "ESC", "1", "--reference", "a\u001b[31mb");
        assertFalse(run("entries", "ESC").out().contains("\u001b"));
        assertFalse(run("watch", "--from", "beginning", "--until-caught-up").out().contains("\u001b"));
    }

    private static <B extends com.google.protobuf.Message.Builder> B parsed(String json, B builder) throws Exception {
        JsonFormat.parser().merge(json, builder);
        return builder;
    }

    private static Ended run(String... args) {
        String[] all = java.util.Arrays.copyOf(args, args.length + 2);
        all[args.length] = "--target";
        all[args.length + 1] = ledger.target();
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Stockledger.run(all, new PrintWriter(out), new PrintWriter(err));
        return new Ended(code, out.toString(), err.toString());
    }
}
