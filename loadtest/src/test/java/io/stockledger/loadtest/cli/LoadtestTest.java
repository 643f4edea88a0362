package io.stockledger.loadtest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.stockledger.loadtest.ServerProcess;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program as its users run it: real servers, short runs, no figure judged. */
class LoadtestTest {
    @TempDir
    private Path folder;

    private record Run(int exit, String out, String err) {}

    @BeforeAll
    static void serversStartFromThisClassPath() {
        // What the launcher says otherwise.
        System.setProperty("stockledger.java", Path.of(System.getProperty("java.home"), "bin", "java").toString());
        System.setProperty("stockledger.server.classpath",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        System.setProperty("stockledger.server.flags", "-Xmx512m");
    }

    private static Run run(String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int exit = Loadtest.execute(new PrintStream(out, true), new PrintStream(err, true), arguments);
        return new Run(exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void aRunMeasuresComparesAndWritesItDown() throws Exception {
        Path report = folder.resolve("report.html");
        Run run = run("--quick", "--seconds", "1", "--warm-up", "0", "--only",
                "row-lock-hot,optimistic-hot,plain-actor-hot,redis,empty-unary,empty-stream,hot-unary,hot-stream,hot-sdk,checkout,browse,latency,real-log",
                "--log", log().toString(), "--report", report.toString());
        assertEquals(0, run.exit(), run::toString);

        JsonObject json = JsonParser.parseString(Files.readString(folder.resolve("report.json"))).getAsJsonObject();
        Map<String, JsonObject> figures = new HashMap<>();
        json.getAsJsonArray("figures").forEach(it -> figures.put(it.getAsJsonObject().get("name").getAsString(), it.getAsJsonObject()));
        figures.values().forEach(figure -> {
            assertTrue(figure.keySet().containsAll(List.of("value", "unit", "baseline", "ratio", "goal", "goal_side", "goal_value", "met", "all_met",
                    "percentiles")), figure::toString);
            assertTrue(figure.get("value").getAsDouble() > 0 || figure.get("name").getAsString().equals("browse-view-stalest"), figure::toString);
        });
        for (String name : List.of("row-lock-hot-512", "optimistic-hot-64", "plain-actor-hot-8", "empty-unary-1", "empty-stream-8", "hot-unary-64",
                "hot-stream-1000", "hot-sdk-4096", "checkout-hot", "browse-get-stock", "browse-view", "row-lock-latency-p99", "empty-latency-p99", "hot-latency-p99", "real-log")) {
            assertTrue(figures.containsKey(name), name + " is missing: " + run);
        }
        JsonObject unary = figures.get("hot-unary-8");
        assertEquals("row-lock-hot-8", unary.get("baseline").getAsString());
        double ratio = unary.get("value").getAsDouble() / figures.get("row-lock-hot-8").get("value").getAsDouble();
        assertEquals(ratio, unary.get("ratio").getAsDouble(), 1e-9);
        assertEquals("at least 1.50x", unary.get("goal").getAsString());
        assertEquals("at_least", unary.get("goal_side").getAsString());
        assertEquals(1.5, unary.get("goal_value").getAsDouble());
        assertEquals(ratio >= 1.5, unary.get("met").getAsBoolean());
        JsonObject percentiles = figures.get("hot-latency-p99").getAsJsonObject("percentiles");
        assertTrue(percentiles.get("count").getAsLong() > 0, percentiles::toString);
        assertTrue(percentiles.getAsJsonObject("ms").get("p99").getAsDouble() >= percentiles.getAsJsonObject("ms").get("p50").getAsDouble());
        assertEquals(1, json.getAsJsonObject("settings").get("rounds").getAsInt());
        assertFalse(json.getAsJsonObject("machine").get("processor").getAsString().isEmpty());
        assertEquals("-Xmx512m", json.getAsJsonObject("programs").get("server_flags").getAsString());
        assertFalse(json.getAsJsonObject("programs").get("postgresql").getAsString().isEmpty());
        assertTrue(json.getAsJsonArray("outstanding").isEmpty(), json::toString);
        assertTrue(json.get("command").getAsString().startsWith("./stockledger loadtest --quick"), json::toString);
        assertTrue(unary.getAsJsonArray("notes").toString().contains("the ledger's metrics: "), unary::toString);
        assertFalse(figures.get("row-lock-hot-8").getAsJsonArray("notes").toString().contains("the ledger's metrics"), "the ledger applied nothing then");
        // Redis is not everywhere; where it is left out the run says so, and is sound.
        assertTrue(figures.containsKey("redis-8") || run.out().contains("left out: redis: redis-server is not on this machine"), run::toString);

        assertTrue(run.out().contains("hot SKU, unary, 8 callers"), run::out);
        String page = Files.readString(report);
        assertTrue(page.contains("hot SKU, unary, 8 callers") && page.contains("new Chart("));
        assertFalse(Pattern.compile("(src|href)\\s*=\\s*[\"']?(https?:)?//").matcher(page).find(), "the page would load something");
        assertFalse(page.contains("{{"), "a place in the page was not filled");
    }

    @Test
    void aForeignLedgerIsMeasuredWithoutItsPostgresql() throws Exception {
        Path report = folder.resolve("report.html");
        try (ServerProcess server = ServerProcess.start(folder.resolve("ledger"), "")) {
            Run run = run("--quick", "--seconds", "1", "--warm-up", "0", "--only", "row-lock-hot,hot-stream,disk", "--target", server.target(),
                    "--report", report.toString());
            assertEquals(0, run.exit(), run::toString);
            assertTrue(run.out().contains("left out: row-lock-hot: needs --jdbc"), run::out);
            assertTrue(run.out().contains("hot SKU, 8 streams of 1,000"), run::out);
            assertTrue(run.out().contains("row-lock-hot-best (not in this run)"), run::out);
            assertTrue(server.isAlive(), "a foreign ledger was ended");
            JsonParser.parseString(Files.readString(folder.resolve("report.json"))).getAsJsonObject().getAsJsonArray("figures").forEach(figure ->
                    assertEquals(figure.getAsJsonObject().get("name").getAsString().startsWith("disk-"), figure.toString().contains("not of --target"),
                            figure::toString));
        }
    }

    @Test
    void whatCanNotBeDoneIsOneClearLine() throws Exception {
        String free = "127.0.0.1:" + ServerProcess.freePort();
        complains("there is no workload or group 'hott'", "--only", "hott");
        complains("--rounds takes a number from 1 on, not 0", "--rounds", "0");
        complains("--seconds", "--seconds", "soon");
        complains("Unknown option", "--fast");
        complains("the report can't be written to", "--report", folder.resolve("no/such/folder/report.html").toString());
        complains("--log: there is no readable file", "--log", folder.resolve("none.csv").toString());
        complains("--jdbc goes with --target", "--jdbc", "jdbc:postgresql://127.0.0.1/x");
        complains("--target", "--target", free);
    }

    @Test
    void theListNamesWhatCanBeAskedFor() {
        Run run = run("--list");
        assertEquals(0, run.exit());
        Catalogue.ALL.forEach(workload -> assertTrue(run.out().contains(workload.name() + " "), workload.name()));
        assertTrue(run.out().contains("Together about"), run::out);
    }

    @Test
    void noPasswordIsWrittenIntoTheReport() {
        assertEquals("--jdbc jdbc:postgresql://h:1/d?user=u&password=...",
                Loadtest.withoutPassword("--jdbc jdbc:postgresql://h:1/d?user=u&password=s3cret"));
    }

    private void complains(String what, String... arguments) {
        Run run = run(arguments);
        assertEquals(1, run.exit(), run::toString);
        assertEquals(1, run.err().lines().count(), run::err);
        assertTrue(run.err().startsWith("stockledger: ") && run.err().contains(what), run::err);
    }

    private Path log() throws Exception {
        return Files.writeString(folder.resolve("log.csv"), """
                order_id,sku,quantity,occurred_at,channel
                536365,85123A,6,2010-12-01T08:26:00Z,united-kingdom
                536365,71053,2,2010-12-01T08:26:00Z,united-kingdom
                C536379,71053,-1,2010-12-01T09:41:00Z,france
                536380,85123A,nothing,2010-12-01T09:41:00Z,france
                """);
    }
}
