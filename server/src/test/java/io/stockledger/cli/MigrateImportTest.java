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

/** Opening stock from a file or a database: all of it, once; or nothing, and why. */
class MigrateImportTest {
    private static Server ledger;
    private static LedgerClient client;

    @TempDir
    private Path folder;

    private record Ended(int code, String out, String err) {
    }

    @BeforeAll
    static void start() {
        ledger = Server.start(new Server.Store.Postgresql(TestPostgresql.emptyDatabase()), Server.config(ConfigFactory.parseString(
                "akka.loglevel = WARNING, stockledger { api { port = 0, drain = 5 s }, metrics.port = 0 }")), Clock.systemUTC());
        client = LedgerClient.connect("127.0.0.1:" + ledger.port());
    }

    @AfterAll
    static void stop() {
        client.close();
        ledger.close();
    }

    private Ended migrateImport(String... arguments) {
        List<String> all = new ArrayList<>(List.of("migrate", "import"));
        all.addAll(Arrays.asList(arguments));
        all.addAll(List.of("--folder", folder.resolve("migration").toString(), "--target", "127.0.0.1:" + ledger.port()));
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
        Files.writeString(folder.resolve("stock.csv"), "the source has moved on");
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
        Files.createDirectories(folder.resolve("migration"));
        Files.writeString(folder.resolve("migration/import-late.tsv"), "# an import of stock, begun\t" + Instant.now().minus(Duration.ofDays(8))
                + "\nline\tsku\tlocation\tquantity\n2\tL-A\tmain\t5\n");
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
