package io.stockledger.loadtest.report;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.stockledger.loadtest.engine.Runner;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Figures;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.loadtest.figure.Plot;
import java.util.List;

/**
 * The report for programs. Each figure's {@code baseline}, {@code ratio} and {@code goal} are those of its first goal;
 * all are in {@code comparisons}. {@code met} is true where all that it promises is met, null where nothing is
 * promised or a baseline is not in the run.
 */
public final class Json {
    private Json() {}

    public static String of(Report report) {
        return new GsonBuilder().setPrettyPrinting().serializeNulls().disableHtmlEscaping().create().toJson(tree(report)) + "\n";
    }

    static JsonObject tree(Report report) {
        JsonObject root = new JsonObject();
        root.addProperty("begun", report.begun().toString());
        root.addProperty("took_seconds", report.took().toSeconds());
        root.addProperty("commit", report.commit());
        root.addProperty("command", report.command());
        JsonObject machine = new JsonObject();
        machine.addProperty("processor", report.machine().processor());
        machine.addProperty("cores", report.machine().cores());
        machine.addProperty("memory_bytes", report.machine().memoryBytes());
        machine.addProperty("system", report.machine().system());
        machine.addProperty("java", report.machine().java());
        root.add("machine", machine);
        JsonObject settings = new JsonObject();
        settings.addProperty("warm_up_seconds", report.settings().warmUp().toMillis() / 1e3);
        settings.addProperty("warm_up_again_seconds", report.settings().warmUpAgain().toMillis() / 1e3);
        settings.addProperty("round_seconds", report.settings().round().toMillis() / 1e3);
        settings.addProperty("rounds", report.settings().rounds());
        settings.addProperty("connections", report.settings().connections());
        settings.addProperty("quick", report.settings().quick());
        root.add("settings", settings);
        JsonArray endings = new JsonArray();
        report.endings().forEach(ending -> endings.add(ending(ending)));
        root.add("workloads", endings);
        JsonArray figures = new JsonArray();
        report.figures().all().forEach(figure -> figures.add(figure(figure, report.figures())));
        root.add("figures", figures);
        return root;
    }

    private static JsonObject ending(Runner.Ending ending) {
        JsonObject told = new JsonObject();
        told.addProperty("name", ending.workload());
        if (ending instanceof Runner.NotHere notHere) {
            told.addProperty("left_out", notHere.why());
        } else if (ending instanceof Runner.Failed failed) {
            told.addProperty("failed", failed.why().toString());
        }
        return told;
    }

    private static JsonObject figure(Figure figure, Figures figures) {
        JsonObject told = new JsonObject();
        told.addProperty("name", figure.name());
        told.addProperty("title", figure.title());
        told.addProperty("value", figure.value());
        told.addProperty("unit", figure.unit());
        List<Figures.Comparison> comparisons = figures.comparisons(figure);
        JsonObject first = comparisons.isEmpty() ? new JsonObject() : comparison(comparisons.get(0), figure.unit());
        for (String key : List.of("baseline", "ratio", "goal")) {
            told.add(key, first.has(key) ? first.get(key) : JsonNull.INSTANCE);
        }
        told.add("met", figures.met(figure).<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE));
        JsonArray all = new JsonArray();
        comparisons.forEach(comparison -> all.add(comparison(comparison, figure.unit())));
        told.add("comparisons", all);
        JsonArray rounds = new JsonArray();
        figure.rounds().forEach(rounds::add);
        told.add("rounds", rounds);
        JsonElement percentiles = JsonNull.INSTANCE;
        if (figure.percentiles().isPresent()) {
            JsonObject ms = new JsonObject();
            figure.percentiles().get().ms().forEach((percentile, value) -> ms.addProperty("p" + plain(percentile), value));
            JsonObject distribution = new JsonObject();
            distribution.addProperty("count", figure.percentiles().get().count());
            distribution.add("ms", ms);
            percentiles = distribution;
        }
        told.add("percentiles", percentiles);
        told.add("plot", figure.point().<JsonElement>map(Json::plot).orElse(JsonNull.INSTANCE));
        JsonArray notes = new JsonArray();
        figure.notes().forEach(notes::add);
        told.add("notes", notes);
        return told;
    }

    private static JsonObject plot(Plot.Point point) {
        JsonObject told = new JsonObject();
        told.addProperty("title", point.plot().title());
        told.addProperty("x_title", point.plot().xTitle());
        told.addProperty("y_title", point.plot().yTitle());
        told.addProperty("x_logarithmic", point.plot().xLogarithmic());
        told.addProperty("y_logarithmic", point.plot().yLogarithmic());
        told.addProperty("series", point.series());
        told.addProperty("x", point.x());
        return told;
    }

    private static JsonObject comparison(Figures.Comparison comparison, String unit) {
        JsonObject told = new JsonObject();
        told.add("baseline", comparison.goal() instanceof Goal.Ratio ratio
                ? new JsonPrimitive(comparison.baseline().map(Figure::name).orElse(ratio.baseline())) : JsonNull.INSTANCE);
        told.add("ratio", comparison.ratio().<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE));
        String goal = Row.goal(comparison.goal(), unit);
        told.add("goal", goal.isEmpty() ? JsonNull.INSTANCE : new JsonPrimitive(goal));
        told.add("met", comparison.met().<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE));
        return told;
    }

    static String plain(double percentile) {
        return percentile == Math.rint(percentile) ? Long.toString((long) percentile) : Double.toString(percentile);
    }
}
