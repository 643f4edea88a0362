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
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The report for programs. Each figure's {@code baseline}, {@code ratio}, {@code goal}, {@code goal_side},
 * {@code goal_value} and {@code met} are those of its first goal; all goals are in {@code comparisons}. {@code goal} is
 * the other two in words: the figure, or where there is a baseline its ratio, is to be {@code at_least} or
 * {@code at_most} that value. {@code met} is null where nothing is promised or the baseline is not in the run;
 * {@code all_met} is true where all that the figure promises is met.
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
        JsonObject programs = new JsonObject();
        programs.addProperty("server_flags", String.join(" ", report.programs().serverFlags()));
        programs.addProperty("generator_flags", String.join(" ", report.programs().generatorFlags()));
        programs.addProperty("postgresql", report.programs().postgresql().orElse(null));
        programs.addProperty("redis", report.programs().redis().orElse(null));
        root.add("programs", programs);
        JsonObject settings = new JsonObject();
        settings.addProperty("warm_up_seconds", report.settings().warmUp().toMillis() / 1e3);
        settings.addProperty("warm_up_again_seconds", report.settings().warmUpAgain().toMillis() / 1e3);
        settings.addProperty("round_seconds", report.settings().round().toMillis() / 1e3);
        settings.addProperty("rounds", report.settings().rounds());
        settings.addProperty("connections", report.settings().connections());
        settings.addProperty("quick", report.settings().quick());
        settings.addProperty("full", report.settings().full());
        settings.addProperty("log", report.settings().log().map(Path::toString).orElse(null));
        root.add("settings", settings);
        JsonArray endings = new JsonArray();
        report.endings().forEach(ending -> endings.add(ending(ending)));
        root.add("workloads", endings);
        JsonArray outstanding = new JsonArray();
        report.outstanding().forEach(outstanding::add);
        root.add("outstanding", outstanding);
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
        for (String key : List.of("baseline", "ratio", "goal", "goal_side", "goal_value", "met")) {
            told.add(key, first.has(key) ? first.get(key) : JsonNull.INSTANCE);
        }
        told.add("all_met", figures.met(figure).<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE));
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
        boolean promised = comparison.goal().side() != Goal.Side.SHOWN;
        told.add("goal", promised ? new JsonPrimitive(Row.goal(comparison.goal(), unit)) : JsonNull.INSTANCE);
        told.add("goal_side", promised ? new JsonPrimitive(comparison.goal().side().name().toLowerCase(Locale.ROOT)) : JsonNull.INSTANCE);
        told.add("goal_value", promised ? new JsonPrimitive(comparison.goal().bound()) : JsonNull.INSTANCE);
        told.add("met", comparison.met().<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE));
        return told;
    }

    static String plain(double percentile) {
        return percentile == Math.rint(percentile) ? Long.toString((long) percentile) : Double.toString(percentile);
    }
}
