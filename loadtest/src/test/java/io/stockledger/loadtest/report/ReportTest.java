package io.stockledger.loadtest.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.stockledger.loadtest.engine.Runner;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Figures;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.loadtest.figure.Percentiles;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;

/** What is written down of a run. */
class ReportTest {
    private final Figures figures = new Figures();

    private Report report(List<String> outstanding) {
        return new Report(Instant.EPOCH, Duration.ofSeconds(5), "abc", "./stockledger loadtest", new Machine("a processor", 2, 1L << 30, "Linux", "Java"),
                new Programs(List.of("-Xmx2g"), List.of("-Xmx1g"), Optional.of("18.6"), Optional.empty()),
                new Settings(Duration.ofSeconds(15), Duration.ofSeconds(2), 5, 4, false, true, Optional.of(Path.of("sales.csv"))),
                List.of(new Runner.Ran("first")), outstanding, figures);
    }

    private JsonObject told(Figure figure) {
        figures.add(figure);
        var all = Json.tree(report(List.of())).getAsJsonArray("figures");
        return all.get(all.size() - 1).getAsJsonObject();
    }

    @Test
    void metIsOfTheFirstGoalAndAllMetOfAll() {
        figures.add(Figure.of("low", "", 10, "mutations/s"));
        figures.add(Figure.of("high", "", 1_000, "mutations/s"));
        JsonObject told = told(Figure.of("ledger", "", 100, "mutations/s").goal(Goal.times(2, "low")).goal(Goal.times(1, "high")));
        assertEquals("low", told.get("baseline").getAsString());
        assertEquals(10, told.get("ratio").getAsDouble());
        assertTrue(told.get("met").getAsBoolean());
        assertFalse(told.get("all_met").getAsBoolean());
        assertFalse(told.getAsJsonArray("comparisons").get(1).getAsJsonObject().get("met").getAsBoolean());
    }

    @Test
    void aGoalIsToldInNumbersToo() {
        figures.add(Figure.of("low", "", 10, "ms"));
        JsonObject ratio = told(Figure.of("ratio", "", 15, "ms").goal(Goal.within(1.5, "low")));
        assertEquals("at_most", ratio.get("goal_side").getAsString());
        assertEquals(1.5, ratio.get("goal_value").getAsDouble());
        assertEquals("at most 1.50x", ratio.get("goal").getAsString());
        JsonObject limit = told(Figure.of("limit", "", 15, "entries/s").goal(Goal.atLeast(20)));
        assertEquals("at_least", limit.get("goal_side").getAsString());
        assertEquals(20, limit.get("goal_value").getAsDouble());
        JsonObject shown = told(Figure.of("shown", "", 15, "ms").goal(Goal.shown("low")));
        for (String key : List.of("goal", "goal_side", "goal_value", "met", "all_met")) {
            assertTrue(shown.get(key).isJsonNull(), key);
        }
    }

    @Test
    void aDistributionIsNamedWithoutThePercentileThatItsFigureIs() {
        Histogram histogram = new Histogram(1_000_000, 3);
        histogram.recordValue(1_000);
        for (String title : List.of("send to delivery, p50, one SKU", "p99, beside an audit", "hot SKU, at half of its peak, p99")) {
            figures.add(Figure.of(title, title, 1, "ms").percentiles(Percentiles.ofNanos(histogram)));
        }
        String page = Html.of(report(List.of()));
        for (String name : List.of("send to delivery, one SKU", "beside an audit", "hot SKU, at half of its peak")) {
            assertTrue(page.contains("<tr><td>" + name + "</td>"), name);
        }
    }

    @Test
    void whatDecidesWhetherRunsMayBeComparedIsInIt() {
        Report report = report(List.of("second", "third"));
        String page = Html.of(report);
        for (String what : List.of("-Xmx2g", "-Xmx1g", "PostgreSQL 18.6", "no Redis", "--full", "--log sales.csv", "second, third")) {
            assertTrue(page.contains(what), what);
        }
        JsonObject json = Json.tree(report);
        assertEquals("-Xmx2g", json.getAsJsonObject("programs").get("server_flags").getAsString());
        assertTrue(json.getAsJsonObject("programs").get("redis").isJsonNull());
        assertTrue(json.getAsJsonObject("settings").get("full").getAsBoolean());
        assertEquals("sales.csv", json.getAsJsonObject("settings").get("log").getAsString());
        assertEquals(2, json.getAsJsonArray("outstanding").size());
    }
}
