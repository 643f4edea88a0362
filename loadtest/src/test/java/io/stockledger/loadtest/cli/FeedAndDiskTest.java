package io.stockledger.loadtest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workloads that check what they count while they run: deliveries without a gap or a repeat, groups that are rows. */
class FeedAndDiskTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void serversStartFromThisClassPath() {
        // What the launcher says otherwise.
        System.setProperty("stockledger.java", Path.of(System.getProperty("java.home"), "bin", "java").toString());
        System.setProperty("stockledger.server.classpath",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
        System.setProperty("stockledger.server.flags", "-Xmx512m");
    }

    @Test
    void everyDeliveryAndEveryByteIsAccountedFor() throws Exception {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream both = new PrintStream(said, true);
        int exit = Loadtest.execute(both, both, "--quick", "--seconds", "1", "--warm-up", "0", "--only", "delivery,disk",
                "--report", folder.resolve("report.html").toString());
        assertEquals(0, exit, () -> said.toString(StandardCharsets.UTF_8));

        JsonObject json = JsonParser.parseString(Files.readString(folder.resolve("report.json"))).getAsJsonObject();
        Map<String, JsonObject> figures = new HashMap<>();
        json.getAsJsonArray("figures").forEach(it -> figures.put(it.getAsJsonObject().get("name").getAsString(), it.getAsJsonObject()));
        for (String name : List.of("delivery-one-sku-p99-1", "delivery-100-skus-p99-1", "delivery-one-sku-p99-16",
                "disk-entry-bytes", "disk-row-lock-bytes")) {
            assertTrue(figures.containsKey(name), () -> name + " is missing: " + said);
        }
        // One value a mutation and subscriber, of the second that was measured.
        assertEquals(1_000, count(figures.get("delivery-one-sku-p50-1")));
        assertEquals(16_000, count(figures.get("delivery-one-sku-p50-16")));
        double whole = figures.get("disk-entry-bytes").get("value").getAsDouble();
        double parts = figures.get("disk-entry-table-bytes").get("value").getAsDouble() + figures.get("disk-entry-wal-bytes").get("value").getAsDouble();
        assertEquals(parts, whole, 1e-6);
    }

    private static long count(JsonObject figure) {
        return figure.getAsJsonObject("percentiles").get("count").getAsLong();
    }
}
