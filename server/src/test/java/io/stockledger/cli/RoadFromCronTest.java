package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.stockledger.client.DualWrite;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.client.Routing;
import io.stockledger.server.Server;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.TestPostgresql;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A small shop on a real PostgreSQL, whose two channels sell from counts that a job copies every quarter of an hour,
 * goes to the ledger step by step on a part of a real shop's log; the clock of the shop is the log's.
 */
class RoadFromCronTest {
    private static final long OPENING = 120;
    private static final Duration JOB_EVERY = Duration.ofMinutes(15);

    private record Line(int number, String order, String sku, long quantity, Instant at, String channel) {
    }

    private record Ended(int code, String out, String err) {
    }

    @TempDir
    private Path folder;

    private final List<Line> log = log();
    private Server server;
    private LedgerClient ledger;
    private Connection shop;
    private String shopUrl;
    private Instant nextJob = Instant.EPOCH;
    private int oversold;
    private int decidedByLedger;

    @BeforeEach
    void open() throws Exception {
        server = Server.start(new Server.Store.Postgresql(TestPostgresql.emptyDatabase()), Server.config(ConfigFactory.parseString(
                "akka.loglevel = WARNING, stockledger { api { port = 0, drain = 5 s }, metrics.port = 0 }")), Clock.systemUTC());
        ledger = LedgerClient.connect("127.0.0.1:" + server.port());
        Database.Address address = TestPostgresql.emptyDatabase();
        shopUrl = address.url() + "?user=" + address.user() + "&password=" + address.password();
        shop = DriverManager.getConnection(shopUrl);
        try (Statement statement = shop.createStatement()) {
            statement.execute("CREATE TABLE warehouse (sku text PRIMARY KEY, quantity bigint NOT NULL)");
            statement.execute("CREATE TABLE channel_stock (channel text, sku text, copied bigint, sold bigint DEFAULT 0, PRIMARY KEY (channel, sku))");
            for (String sku : log.stream().map(Line::sku).distinct().toList()) {
                statement.execute("INSERT INTO warehouse VALUES ('" + sku + "', " + OPENING + ")");
            }
            statement.execute("INSERT INTO channel_stock SELECT channel, sku, quantity FROM warehouse, (VALUES ('web'), ('marketplace')) c (channel)");
        }
    }

    @AfterEach
    void close() throws Exception {
        shop.close();
        ledger.close();
        server.close();
    }

    @Test
    void fromTheImportToTheRetirementNothingIsLostAndWhatTheLedgerDecidesIsNeverOversold() throws Exception {
        String warehouse = "SELECT sku, quantity FROM warehouse";
        assertEquals(0, migrate("import", "--name", "opening", "--jdbc", shopUrl, "--query", warehouse).code());
        assertEquals(0, migrate("import", "--name", "opening", "--jdbc", shopUrl, "--query", warehouse).code());
        Routing routing = Routing.load(folder.resolve("routing.tsv"));

        // The old path decides and oversells; the ledger follows, and shows the same.
        try (DualWrite dual = DualWrite.open(ledger, folder.resolve("missed.tsv"))) {
            work(log.subList(0, 300), routing, dual);
            assertEquals(1, oversold);
            assertEquals(0, compare(dual).code());
            assertTrue(migrate("compare", "--once", "--jdbc", shopUrl, "--query", warehouse).err().contains("for another source name another --folder"));
        }
        // The ledger can't be reached: the shop does not notice, the comparison does.
        try (LedgerClient nobody = LedgerClient.builder("127.0.0.1:" + freePort()).mutationTimeout(Duration.ofMillis(200)).build();
                DualWrite dual = DualWrite.open(nobody, folder.resolve("missed.tsv"))) {
            work(log.subList(300, 400), routing, dual);
            assertEquals(3, oversold);
            Ended drifting = compare(dual);
            assertEquals(3, drifting.code(), drifting::err);
            assertTrue(drifting.out().contains("DRIFTS NOW"), drifting::out);
            assertEquals(1, migrate("switch", "--to", "ledger", "--trust", "0s").code());
        }
        try (DualWrite dual = DualWrite.open(ledger, folder.resolve("missed.tsv"))) {
            assertTrue(dual.missed().size() > 0);
            assertEquals(0, dual.resend().missedAgain());
            assertEquals(0, compare(dual).code());

            // A part is switched, and back, and then everything.
            assertEquals(0, migrate("switch", "--channel", "web", "--to", "ledger", "--trust", "0s").code());
            work(log.subList(400, 450), Routing.load(folder.resolve("routing.tsv")), dual);
            int byLedger = decidedByLedger;
            assertTrue(byLedger > 0 && byLedger < 50, "one channel of two");
            assertEquals(0, migrate("switch", "--back").code());
            work(log.subList(450, 500), Routing.load(folder.resolve("routing.tsv")), dual);
            assertEquals(byLedger, decidedByLedger);
            assertEquals(0, compare(dual).code());

            assertEquals(3, migrate("retire", "--trust", "0s").code());
            assertEquals(0, migrate("switch", "--to", "ledger", "--trust", "0s").code());
            int before = oversold;
            work(log.subList(500, log.size()), Routing.load(folder.resolve("routing.tsv")), dual);
            assertEquals(byLedger + log.size() - 500, decidedByLedger);
            assertEquals(before, oversold);
            assertEquals(0, compare(dual).code());
        }
        Ended retired = migrate("retire", "--trust", "0s", "--missed", folder.resolve("missed.tsv").toString());
        assertEquals(0, retired.code(), retired::out);
        assertTrue(Files.readString(folder.resolve("drift.html")).contains("Drifts that ended"));
        for (Line line : log) {
            assertEquals(warehouse(line.sku()), ledger.stock(line.sku()).getOnHand(), line.sku());
        }
    }

    /** The shop's day: whoever decides about a line, the other follows. */
    private void work(List<Line> lines, Routing routing, DualWrite dual) throws SQLException {
        for (Line line : lines) {
            if (!line.at().isBefore(nextJob)) {
                job();
                nextJob = line.at().plus(JOB_EVERY);
            }
            String id = line.order() + "/" + line.number();
            switch (routing.decides(line.sku(), line.channel())) {
                case OLD_PATH -> {
                    if (line.quantity() < 0) {
                        move(line.sku(), -line.quantity());
                        dual.after(Mutations.returned(line.sku(), -line.quantity()).setMutationId(id).setChannel(line.channel()).build());
                    } else {
                        OptionalLong left = sell(line);
                        oversold += left.isPresent() && left.getAsLong() < 0 ? 1 : 0;
                        if (left.isPresent()) {
                            dual.after(Mutations.sellAlreadyHappened(line.sku(), line.quantity()).setMutationId(id).setChannel(line.channel()).build());
                        }
                    }
                }
                case LEDGER -> {
                    decidedByLedger++;
                    Outcome outcome = ledger.apply((line.quantity() < 0 ? Mutations.returned(line.sku(), -line.quantity())
                            : Mutations.sell(line.sku(), line.quantity())).setMutationId(id).setChannel(line.channel()).build());
                    if (outcome instanceof Outcome.Applied applied) {
                        oversold += line.quantity() > 0 && applied.balances().get(0).getAvailable() < 0 ? 1 : 0;
                        move(line.sku(), -line.quantity());
                    }
                }
            }
        }
    }

    /** Sells from the channel's copy: what is left in the warehouse then; empty where the copy says no. */
    private OptionalLong sell(Line line) throws SQLException {
        try (PreparedStatement statement = shop.prepareStatement("WITH confirmed AS (UPDATE channel_stock SET sold = sold + ?"
                + " WHERE channel = ? AND sku = ? AND copied - sold >= ? RETURNING sku)"
                + " UPDATE warehouse w SET quantity = quantity - ? FROM confirmed WHERE w.sku = confirmed.sku RETURNING quantity")) {
            statement.setLong(1, line.quantity());
            statement.setString(2, line.channel());
            statement.setString(3, line.sku());
            statement.setLong(4, line.quantity());
            statement.setLong(5, line.quantity());
            try (ResultSet left = statement.executeQuery()) {
                return left.next() ? OptionalLong.of(left.getLong(1)) : OptionalLong.empty();
            }
        }
    }

    private void move(String sku, long quantity) throws SQLException {
        try (Statement statement = shop.createStatement()) {
            statement.execute("UPDATE warehouse SET quantity = quantity + " + quantity + " WHERE sku = '" + sku + "'");
        }
    }

    private void job() throws SQLException {
        try (Statement statement = shop.createStatement()) {
            statement.execute("UPDATE channel_stock c SET copied = w.quantity, sold = 0 FROM warehouse w WHERE w.sku = c.sku");
        }
    }

    private long warehouse(String sku) throws SQLException {
        try (Statement statement = shop.createStatement();
                ResultSet row = statement.executeQuery("SELECT quantity FROM warehouse WHERE sku = '" + sku + "'")) {
            assertTrue(row.next());
            return row.getLong(1);
        }
    }

    /** Right after a run of the job, with nothing on its way. */
    private Ended compare(DualWrite dual) throws SQLException {
        assertTrue(dual.awaitSettled(Duration.ofSeconds(20)));
        job();
        return migrate("compare", "--once", "--jdbc", shopUrl, "--query", "SELECT sku, copied AS quantity FROM channel_stock WHERE channel = 'web'");
    }

    private Ended migrate(String... arguments) {
        List<String> all = new ArrayList<>(List.of("migrate"));
        all.addAll(Arrays.asList(arguments));
        all.addAll(List.of("--folder", folder.toString(), "--target", "127.0.0.1:" + server.port()));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Stockledger.run(all.toArray(String[]::new), new PrintWriter(out), new PrintWriter(err, true));
        return new Ended(code, out.toString(), err.toString());
    }

    private static int freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static List<Line> log() {
        List<Line> lines = new ArrayList<>();
        List<String> orders = new ArrayList<>();
        for (String text : new BufferedReader(new InputStreamReader(
                RoadFromCronTest.class.getResourceAsStream("movements.csv"), StandardCharsets.UTF_8)).lines().skip(1).toList()) {
            String[] fields = text.split(",");
            if (!orders.contains(fields[0])) {
                orders.add(fields[0]);
            }
            lines.add(new Line(lines.size(), fields[0], fields[1], Long.parseLong(fields[2]), Instant.parse(fields[3]),
                    orders.size() % 2 == 0 ? "web" : "marketplace"));
        }
        return lines;
    }
}
