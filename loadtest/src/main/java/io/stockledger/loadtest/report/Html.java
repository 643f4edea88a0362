package io.stockledger.loadtest.report;

import io.stockledger.loadtest.engine.Runner;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Percentiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;

/** The report as one page that needs nothing else: tables as plain HTML, plots drawn by the Chart.js that stands in it. */
public final class Html {
    private static final String CHART_JS_POM = "/META-INF/maven/org.webjars.npm/chart.js/pom.properties";

    private Html() {}

    public static String of(Report report) {
        String page = resource("/io/stockledger/loadtest/report/page.html");
        // In one pass: what is put in may look like a place itself.
        StringBuilder filled = new StringBuilder();
        Map<String, String> parts = Map.of(
                "SUMMARY", summary(report), "FIGURES", figures(report), "LATENCIES", latencies(report), "LEFT_OUT", leftOut(report),
                "CHART_JS", chartJs(), "DATA", Json.of(report).replace("<", "\\u003c"));
        int at = 0;
        for (int open = page.indexOf("{{"); open >= 0; open = page.indexOf("{{", at)) {
            int close = page.indexOf("}}", open);
            filled.append(page, at, open).append(parts.get(page.substring(open + 2, close)));
            at = close + 2;
        }
        return filled.append(page.substring(at)).toString();
    }

    private static String summary(Report report) {
        StringBuilder html = new StringBuilder();
        long promised = report.figures().all().stream().filter(figure -> report.figures().met(figure).isPresent()).count();
        long met = report.figures().all().stream().filter(figure -> report.figures().met(figure).orElse(false)).count();
        html.append("<p>").append(promised == 0 ? "No goal could be held in this run." : met + " of " + promised
                + " figures with goals meet them.").append("</p>\n<dl>\n");
        Machine machine = report.machine();
        item(html, "begun", report.begun().truncatedTo(ChronoUnit.SECONDS) + ", took " + report.took().toMinutes() + " min " + report.took().toSecondsPart() + " s");
        item(html, "command", report.command());
        item(html, "commit", report.commit());
        item(html, "machine", machine.processor() + ", " + machine.cores() + " cores, "
                + String.format(Locale.ROOT, "%.1f GiB", machine.memoryBytes() / (double) (1L << 30)) + ", " + machine.system());
        item(html, "Java of the generator", machine.java());
        Programs programs = report.programs();
        item(html, "JVM flags", "of ledgers that this run started: " + String.join(" ", programs.serverFlags())
                + "; of the generator: " + String.join(" ", programs.generatorFlags()));
        item(html, "programs", "PostgreSQL " + programs.postgresql().orElse("of a version that is not known, for want of --jdbc")
                + "; " + programs.redis().map(version -> "Redis " + version).orElse("no Redis"));
        item(html, "shared", "the ledger, its PostgreSQL and the generator share this machine, unless --target named another");
        item(html, "settings", String.format(Locale.ROOT, "%.0f s of warm-up before a workload's first figure, %.1f s before each further one, longer where the JVMs' compilers were at work; %d rounds of %.0f s;"
                + " %d connections to the ledger%s", report.settings().warmUp().toMillis() / 1e3, report.settings().warmUpAgain().toMillis() / 1e3,
                report.settings().rounds(), report.settings().round().toMillis() / 1e3, report.settings().connections(),
                (report.settings().quick() ? "; --quick: a short look, no measurement" : "")
                        + (report.settings().full() ? "; --full: growth curves to their end" : "")
                        + report.settings().log().map(file -> "; --log " + file).orElse("")));
        return html.append("</dl>").toString();
    }

    private static void item(StringBuilder html, String name, String value) {
        html.append("<dt>").append(escaped(name)).append("</dt><dd>").append(escaped(value)).append("</dd>\n");
    }

    private static String figures(Report report) {
        StringBuilder html = new StringBuilder("<table>\n<tr><th>Figure</th><th class=n>Value</th><th>Unit</th><th class=n>Spread</th>"
                + "<th>Against</th><th class=n>Ratio</th><th>Goal</th><th>Met</th></tr>\n");
        for (Figure figure : report.figures().all()) {
            boolean first = true;
            for (Row row : Row.of(report.figures(), figure)) {
                html.append("<tr><td>").append(escaped(row.title()));
                if (first) {
                    figure.notes().forEach(note -> html.append("<br><span class=note>").append(escaped(note)).append("</span>"));
                }
                html.append("</td>");
                cell(html, "n", row.value());
                cell(html, "", row.unit());
                cell(html, "n", first ? spread(figure) : "");
                cell(html, "", row.against());
                cell(html, "n", row.ratio());
                cell(html, "", row.goal());
                cell(html, row.met().equals("yes") ? "yes" : "no", row.met());
                html.append("</tr>\n");
                first = false;
            }
        }
        return html.append("</table>").toString();
    }

    private static String spread(Figure figure) {
        if (figure.rounds().size() < 2 || figure.value() == 0) {
            return "";
        }
        double low = figure.rounds().stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        double high = figure.rounds().stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        return String.format(Locale.ROOT, "±%.0f %%", (high - low) / 2 / figure.value() * 100);
    }

    private static String latencies(Report report) {
        List<Figure> figures = report.figures().all().stream().filter(figure -> figure.percentiles().isPresent()).toList();
        if (figures.isEmpty()) {
            return "";
        }
        List<Double> told = List.of(50.0, 90.0, 99.0, 99.9, 99.99, 100.0);
        StringBuilder html = new StringBuilder("<h2>Latencies in milliseconds</h2>\n<p>All rounds together. A call counts from the time at which"
                + " it was due, so a stall counts for all who would have come meanwhile; a delivery from the answer or from the send, as its"
                + " title says, and as 0 where it came before the answer.</p>\n<div class=scroll><table>\n<tr><th></th><th class=n>Calls</th>");
        told.forEach(percentile -> html.append("<th class=n>").append(percentile == 100 ? "max" : "p" + Json.plain(percentile)).append("</th>"));
        html.append("</tr>\n");
        for (Figure figure : figures) {
            Percentiles percentiles = figure.percentiles().orElseThrow();
            html.append("<tr><td>").append(escaped(distribution(figure.title()))).append("</td>");
            cell(html, "n", String.format(Locale.ROOT, "%,d", percentiles.count()));
            told.forEach(percentile -> cell(html, "n", Numbers.shown(percentiles.atMs(percentile))));
            html.append("</tr>\n");
        }
        return html.append("</table></div>").toString();
    }

    /** The title without the one percentile that the figure is; page.html labels its plots alike. */
    private static String distribution(String title) {
        return title.replaceFirst("(^|, )p[0-9.]+(?=,|$)", "").replaceFirst("^, ", "");
    }

    private static String leftOut(Report report) {
        StringBuilder html = new StringBuilder();
        for (Runner.Ending ending : report.endings()) {
            if (ending instanceof Runner.NotHere notHere) {
                html.append("<li>").append(escaped(notHere.workload() + ": " + notHere.why())).append("</li>\n");
            } else if (ending instanceof Runner.Failed failed) {
                html.append("<li><span class=no>failed</span> ").append(escaped(failed.workload() + ": " + failed.why())).append("</li>\n");
            }
        }
        if (!report.outstanding().isEmpty()) {
            html.append("<li>had not ended when this was written: ").append(escaped(String.join(", ", report.outstanding()))).append("</li>\n");
        }
        return html.isEmpty() ? "" : "<h2>Left out</h2>\n<ul>\n" + html + "</ul>";
    }

    private static void cell(StringBuilder html, String style, String text) {
        html.append(style.isEmpty() ? "<td>" : "<td class=" + style + ">").append(escaped(text)).append("</td>");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    private static String chartJs() {
        Properties pom = new Properties();
        try (InputStream in = open(CHART_JS_POM)) {
            pom.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String script = resource("/META-INF/resources/webjars/chart.js/" + pom.getProperty("version") + "/dist/chart.umd.min.js");
        // The map is a file that is not beside the report.
        return script.replaceAll("(?m)^//# sourceMappingURL=.*$", "");
    }

    private static String resource(String name) {
        try (InputStream in = open(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(String name) throws IOException {
        InputStream in = Html.class.getResourceAsStream(name);
        if (in == null) {
            throw new IOException("the program is not whole: it lacks " + name);
        }
        return in;
    }
}
