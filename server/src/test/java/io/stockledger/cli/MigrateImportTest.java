package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.stockledger.client.LedgerClient;
import io.stockledger.server.Server;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.TestPostgresql;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Opening stock from a file or a database: all of it, once; or nothing, and why. And a comparison that is run again. */
class MigrateImportTest {
    private static final int LOCATIONS_MAX = 20;

    private static Server ledger;
    private static LedgerClient client;

    @TempDir
    private Path folder;

    private record Ended(int code, String out, String err) {
    }

    @BeforeAll
    static void start() {
        ledger = Server.start(new Server.Store.Postgresql(TestPostgresql.emptyDatabase()), Server.config(ConfigFactory.parseString(
                "akka.loglevel = WARNING, stockledger { api { port = 0, drain = 5 s }, metrics.port = 0, limits.locations = " + LOCATIONS_MAX + " }")), Clock.systemUTC());
        client = LedgerClient.connect("127.0.0.1:" + ledger.port());
    }

    @AfterAll
    static void stop() {
        client.close();
        ledger.close();
    }

    private Ended migrateImport(String... arguments) {
        return migrate("import", arguments);
    }

    private Ended migrate(String verb, String... arguments) {
        List<String> all = new ArrayList<>(List.of("migrate", verb));
        all.addAll(Arrays.asList(arguments));
        all.addAll(List.of("--target", "127.0.0.1:" + ledger.port()));
        if (!all.contains("--folder")) {
            all.addAll(List.of("--folder", folder.resolve("migration").toString()));
        }
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Stockledger.run(all.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
        return new Ended(code, out.toString(), err.toString());
    }

    private String file(String text) throws IOException {
        return Files.writeString(folder.resolve("stock.csv"), text).toString();
    }

    @Test
    void aFileWithAByteOrderMarkWindowsLineEndsAndQuotesComesInOnceHoweverOftenItIsRun() throws Exception {
        String file = file("\uFEFFSKU,Location,Quantity,Note\r\nF-A,shop,5,\"big, red\"\r\nF-A,,7,\r\n\r\nF-B,shop,0,\r\n");
        Ended first = migrateImport(file, "--name", "f");
        assertEquals(0, first.code(), first::err);
        Ended second = migrateImport(file, "--name", "f");
        assertEquals(0, second.code(), second::err);
        assertTrue(second.out().contains("in the ledger before it   2"), second::out);
        assertEquals(5, client.stock("F-A", "", "shop").getOnHand());
        assertEquals(12, client.stock("F-A").getOnHand());
        assertEquals(0, client.stock("F-B").getSequence());
    }

    @Test
    void aSecondImportOfTheSameStockIsStoppedUnlessItIsMeant() throws Exception {
        String file = file("sku,quantity\nS-A,5\n");
        assertEquals(0, migrateImport(file, "--name", "s1").code());
        Ended again = migrateImport(file, "--name", "s2");
        assertEquals(1, again.code());
        assertTrue(again.err().contains("has entries of 1 of these SKUs already (S-A)"), again::err);
        assertEquals(0, migrateImport(file, "--name", "s2", "--add").code());
        assertEquals(10, client.stock("S-A").getOnHand());
    }

    /** A folder in which an import was begun, and broken off before its first line. */
    private void begun(String name, Instant at, String line) throws IOException {
        Files.createDirectories(folder.resolve("migration"));
        Files.writeString(folder.resolve("migration/import-" + name + ".tsv"), "# an import of stock, begun\t" + at
                + "\nline\tsku\tlocation\tquantity\n" + line + "\n");
    }

    @Test
    void anImportThatWasBrokenOffGoesOnWithItsOwnLinesThoughTheSourceHasMovedOnOrIsNotNamed() throws Exception {
        begun("moved", Instant.now(), "2\tG-A\tmain\t5");
        Ended gone = migrateImport("nosuch.csv", "--name", "moved");
        assertEquals(1, gone.code());
        assertTrue(gone.err().contains("there is no file nosuch.csv") && gone.err().contains("name no source"), gone::err);
        assertEquals(0, client.stock("G-A").getSequence());
        Ended moved = migrateImport(file("sku,quantity\nG-A,9\n"), "--name", "moved");
        assertEquals(0, moved.code(), moved::err);
        assertTrue(moved.err().contains("the source has moved on since the import moved was begun: line 2 (G-A) has 9 where it had 5"), moved::err);
        assertEquals(5, client.stock("G-A").getOnHand());
        assertEquals(0, migrateImport("--name", "moved").code());
    }

    @Test
    void aFinishedImportWithAnotherSourceIsRefusedAndTheSameInAnotherOrderIsNot() throws Exception {
        assertEquals(0, migrateImport(file("sku,quantity\nE-A,5\nE-B,6\n"), "--name", "e").code());
        assertEquals(0, migrateImport(file("sku,quantity\nE-B,6\nE-A,5\n"), "--name", "e").code());
        assertTrue(migrateImport(file("sku,quantity\nE-A,5\nE-B,7\n"), "--name", "e").err()
                .contains("the source is not what it brought in: line 3 (E-B) has 7 where it had 6"));
        assertTrue(migrateImport(file("sku,quantity\nE-A,5\n"), "--name", "e").err().contains("E-B (line 3 then) is gone from it"));
        assertTrue(migrateImport(file("sku,quantity\nE-C,5\n"), "--name", "e").err().contains("line 2 (E-C) has 5 and was no line of it"));
        assertEquals(1, migrateImport("nosuch.csv", "--name", "e").code());
        assertEquals(6, client.stock("E-B").getOnHand());
    }

    @Test
    void addThatAddsNothingSaysSoAndFails() throws Exception {
        String file = file("sku,quantity\nA-A,5\nA-B,6\n");
        assertEquals(0, migrateImport(file, "--name", "a").code());
        Ended again = migrateImport(file, "--name", "a", "--add");
        assertEquals(1, again.code());
        assertTrue(again.err().contains("nothing was added: the import a was finished at"), again::err);
        for (int i = 0; i < 2; i++) {
            Ended elsewhere = migrateImport(file, "--name", "a", "--add", "--folder", folder.resolve("other").toString());
            assertEquals(1, elsewhere.code());
            assertTrue(elsewhere.err().contains("nothing was added: all 2 lines came in before, by an import a of another folder"), elsewhere::err);
        }
        assertEquals(5, client.stock("A-A").getOnHand());
    }

    @Test
    void aLineThatTheLedgerDoesNotTakeIsNamedOnceTheOthersOfItsCallAreCounted() throws Exception {
        assertEquals(0, migrateImport(file("sku,quantity\nH-0,0\nH-A,10\n"), "--name", "h").code());
        String other = file("sku,quantity\nH-B,4\nH-A,11\nH-C,7\n");
        for (int i = 0; i < 2; i++) {
            Ended bad = migrateImport(other, "--name", "h", "--add", "--folder", folder.resolve("other").toString());
            assertEquals(1, bad.code());
            assertTrue(bad.err().contains("line 3 (H-A): an import h has brought in other units under this line's number. Stopped: 2 lines are in the ledger, "
                    + "up to line 4 all but that one. The same command stops there again; what is left (that one) can go in under another --name"), bad::err);
        }
        assertEquals(4, client.stock("H-B").getOnHand());
        assertEquals(10, client.stock("H-A").getOnHand());
        assertEquals(7, client.stock("H-C").getOnHand());
    }

    @Test
    void aLimitThatWaitingDoesNotMoveIsToldAtOnceByItsLine() throws Exception {
        StringBuilder text = new StringBuilder("sku,location,quantity\n");
        for (int i = 0; i < LOCATIONS_MAX + 2; i++) {
            text.append("W-A,l").append(i).append(",1\n");
        }
        long begun = System.nanoTime();
        Ended full = migrateImport(file(text.toString()), "--name", "w");
        assertEquals(1, full.code());
        assertTrue(full.err().contains("line 22 (W-A at l20): ") && full.err().contains("; line 23 (W-A at l21): ")
                && full.err().contains("Stopped: 20 lines are in the ledger") && full.err().contains("until what it says is mended"), full::err);
        assertTrue(System.nanoTime() - begun < Duration.ofSeconds(60).toNanos(), "it did not wait for the limit to go away");
        assertEquals(20, client.stock("W-A").getOnHand());
    }

    @Test
    void aComparisonThatIsRunAgainMissesNoPlaceThatTheSourceOnceNamedNorWhatOnlyTheLedgerHas() throws Exception {
        String file = file("sku,quantity\nR-A,5\nR-B,6\n");
        assertEquals(0, migrateImport(file, "--name", "r").code());
        Ended whole = migrate("compare", file, "--once", "--partial");
        assertEquals(0, whole.code(), whole::out);
        assertTrue(whole.out().contains("Compared are 2 places that the source has ever named; what only the ledger has is not (--partial)."), whole::out);
        file("sku,quantity\nR-A,5\n");
        Ended gone = migrate("compare", file, "--once", "--partial");
        assertEquals(3, gone.code(), gone::out);
        assertTrue(gone.out().contains("drifts   R-B: old 0, ledger 6"), gone::out);
        assertTrue(migrate("compare", file, "--once").err().contains("this folder compares with --partial"));

        Ended onlyTheLedger = migrate("compare", file, "--once", "--folder", folder.resolve("other").toString());
        assertEquals(3, onlyTheLedger.code(), onlyTheLedger::out);
        assertTrue(onlyTheLedger.out().contains("drifts   R-B: old 0, ledger 6")
                && onlyTheLedger.out().contains("Compared are 1 place that the source has ever named, and all that only the ledger has."), onlyTheLedger::out);
    }

    @Test
    void namesAreTakenWithoutTheSpacesAroundThemAndWithAWord() throws Exception {
        Ended spaced = migrateImport(file("sku,location,quantity\n P-A ,shop ,5\nP-B,,6\n"), "--name", "p");
        assertEquals(0, spaced.code(), spaced::err);
        assertTrue(spaced.err().contains("has spaces around SKUs or locations, first in line 2; they are taken without them"), spaced::err);
        assertEquals(5, client.stock("P-A", "", "shop").getOnHand());
        assertTrue(migrateImport(file("sku,quantity\nP-C ,5\nP-C,6\n"), "--name", "p2").err().contains("line 3: P-C stands in line 2 already"));
        assertFalse(migrateImport(file("sku,quantity\nP-D,5\n"), "--name", "p3").err().contains("spaces"));
    }

    @Test
    void aDatabaseWithoutADriverIsNamedByItsKindAndNoPasswordIsShown() {
        Ended none = migrateImport("--jdbc", "jdbc:mysql://shop/x?user=u&password=secret", "--query", "SELECT 1", "--name", "j");
        assertEquals(1, none.code());
        assertTrue(none.err().contains("no JDBC driver here takes the --jdbc URL that begins with jdbc:mysql:") && none.err().contains("--driver-jar"), none::err);
        Ended broken = migrateImport("--jdbc", "jdbc:postgresql://shop:port/x?user=u&password=secret", "--query", "SELECT 1", "--name", "j");
        assertEquals(1, broken.code());
        assertFalse((none.err() + broken.err()).contains("secret"), broken::err);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "sku,quantity\\nB-A,1\\nB-B,-3\\n | line 3: negative stock: '-3'",
        "sku,quantity\\nB-A,1\\nB-A,2\\n | line 3: B-A stands in line 2 already; --sum adds such lines up",
        "sku,location,quantity\\nB-A,x,1\\nB-A,y,1\\nB-A,x,1\\n | line 4: B-A at x stands in line 2 already",
        "sku,quantity\\nB-A,1.5\\n | line 2: the quantity is not a whole number: '1.5'",
        "sku,quantity\\nB-A,\\n | line 2: the quantity is not a whole number: ''",
        "sku,quantity\\nB-A,1000000000001\\n | line 2: the quantity is more than 1,000,000,000,000: '1000000000001'",
        "sku,quantity\\nB-A,99999999999999999999999999\\n | line 2: the quantity is more than 1,000,000,000,000",
        "sku,quantity\\nB-A,1\\nB-B\\n | line 3: 1 fields where the header has 2",
        "sku,quantity\\n   ,1\\n | line 2: the SKU must be 1 to 128 characters, not spaces alone",
        "sku,quantity\\nB\\7A,1\\n | line 2: the SKU must be 1 to 128 characters",
        "sku,quantity\\nB-A,1\\n\"B-B,1\\n | line 3: its quotes do not match",
        "sku,quantity,note\\nB-A,1,\"two\\nlines\"\\n | line 2: its quotes do not match within the line; a quoted field may not run on over the end of a line",
        "sku,amount\\nB-A,1\\n | has no column quantity; its columns are 'sku, amount'; name the right one with --quantity-column",
        "sku,quantity,SKU\\nB-A,1,B\\n | has two columns sku",
        "sku,quantity\\n | holds no line of stock",
        "'' | is empty; its first line must name its columns"})
    void whatIsWrongIsToldByItsLineAndNothingComesIn(String text, String complaint) throws Exception {
        Ended bad = migrateImport(file(text.translateEscapes()), "--name", "bad");
        assertEquals(1, bad.code());
        assertTrue(bad.err().contains(complaint), bad::err);
        assertEquals("", bad.out());
        assertEquals(0, client.stock("B-A").getSequence());
        assertFalse(Files.exists(folder.resolve("migration/import-bad.tsv")));
    }

    @Test
    void everyBadLineIsToldAtOnceUpToABound() throws Exception {
        StringBuilder text = new StringBuilder("sku,quantity\n");
        for (int i = 0; i < 30; i++) {
            text.append("M-").append(i).append(",none\n");
        }
        Ended bad = migrateImport(file(text.toString()), "--name", "many");
        assertTrue(bad.err().contains("has 30 lines that are wrong") && bad.err().contains("line 21: ")
                && !bad.err().contains("line 22: ") && bad.err().contains("and 10 more lines"), bad::err);
    }

    @Test
    void bytesThatAreNoUtf8AreToldByTheirLine() throws Exception {
        Path file = folder.resolve("latin1.csv");
        Files.write(file, "sku,quantity\nB-A,1\nCAF\u00c9,2\n".getBytes(StandardCharsets.ISO_8859_1));
        assertTrue(migrateImport(file.toString(), "--name", "bad").err().contains("line 3: not UTF-8"));
    }

    @Test
    void anEndlessLineIsGivenUpOnAfterAMegabyteOfIt() throws Exception {
        Path file = folder.resolve("endless.csv.gz");
        // 64 MB of one line here; with 10 GB it is the same, since no more of it is read.
        byte[] part = new byte[1 << 20];
        Arrays.fill(part, (byte) 'x');
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("sku,quantity\nB-A,1\n".getBytes(StandardCharsets.UTF_8));
            for (int i = 0; i < 64; i++) {
                out.write(part);
            }
        }
        Ended bad = migrateImport(file.toString(), "--name", "bad");
        assertTrue(bad.err().contains("line 3: longer than 1,048,576 bytes"), bad::err);
        assertEquals(0, client.stock("B-A").getSequence());
    }

    @Test
    void anImportThatIsOlderThanTheLedgersMemorySaysThatItCannotBeGoneOnWith() throws Exception {
        begun("late", Instant.now().minus(Duration.ofDays(8)), "2\tL-A\tmain\t5");
        Ended late = migrateImport(file("sku,quantity\nL-A,5\n"), "--name", "late");
        assertEquals(1, late.code());
        assertTrue(late.err().contains("bring the remaining lines in under a new --name, with --add") && !late.err().contains("goes on after them"), late::err);
        assertEquals(0, client.stock("L-A").getSequence());
    }

    @Test
    void linesOfTheSamePlaceAreAddedUpWhereThatIsAskedFor() throws Exception {
        assertEquals(0, migrateImport(file("sku,quantity\nU-A,1\nU-A,2\n"), "--name", "u", "--sum").code());
        assertEquals(3, client.stock("U-A").getOnHand());
    }

    @Test
    void aDatabaseIsAskedByAnyQueryWhoseColumnsAreNamed() throws Exception {
        Database.Address shop = TestPostgresql.emptyDatabase();
        try (Connection connection = DriverManager.getConnection(shop.url(), shop.user(), shop.password());
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE stock (item text, warehouse text, on_hand numeric(12,3))");
            statement.execute("INSERT INTO stock VALUES ('Q-A', 'north', 5.000), ('Q-A', 'south', 12), ('Q-B', 'north', 0)");
        }
        String url = shop.url() + "?user=" + shop.user() + "&password=" + shop.password();
        Ended done = migrateImport("--jdbc", url, "--query", "SELECT item AS sku, warehouse AS location, on_hand AS quantity FROM stock ORDER BY 1, 2",
                "--name", "q");
        assertEquals(0, done.code(), done::err);
        assertEquals(12, client.stock("Q-A", "", "south").getOnHand());

        assertTrue(migrateImport("--jdbc", url, "--query", "SELECT item AS sku, on_hand + 0.5 AS quantity FROM stock", "--name", "q2", "--add")
                .err().contains("line 1: the quantity is not a whole number: '5.5'"));
        assertTrue(migrateImport("--jdbc", url, "--query", "SELECT nothing", "--name", "q3").err()
                .startsWith("stockledger: the old system's database: ERROR: column \"nothing\" does not exist"));
        assertTrue(migrateImport("--jdbc", url, "--name", "q4").err().contains("--jdbc and --query go together"));
    }
}
