package io.stockledger.cli.migrate;

import io.stockledger.cli.Converters;
import io.stockledger.cli.Table;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The comparison as one page that needs nothing else: no script, no network, drawn as SVG. A person decides by it
 * whether to let the ledger decide, so it says first what he may rely on, then what is wrong now, then what was.
 */
final class DriftPage {
    private static final int WIDTH = 1_000;
    private static final int LABEL = 190;
    private static final int ROW = 20;
    private static final int PLOT = 120;
    private static final int LANES_MAX = 40;
    private static final int LISTED_MAX = 200;
    private static final int TICKS = 6;

    private static final String STYLE = """
            :root{--ink:#1c2330;--soft:#667085;--line:#d9dee7;--paper:#fff;--good:#157f4b;--bad:#b42318;--behind:#8aa4d6;--more:#2563c9;--less:#d9622b;--gap:#e6e8ec}
            @media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#364052;--paper:#141923;--good:#4cc38a;--bad:#ff7a6b;--gap:#29303d}}
            body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1040px;margin:2rem auto;padding:0 1rem}
            h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
            .verdict{font-size:1.25rem;margin:.75rem 0;padding-left:.75rem;border-left:4px solid var(--good)}.verdict.bad{border-color:var(--bad)}
            .soft,figcaption{color:var(--soft);font-size:.9rem}figure{margin:0;overflow-x:auto}svg{display:block;width:100%;min-width:720px;height:auto}
            text{font:12px system-ui,sans-serif;fill:var(--soft)}text.name{fill:var(--ink)}
            table{border-collapse:collapse;width:100%;font-size:.92rem}th{text-align:left;color:var(--soft);font-weight:600}
            td,th{padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}.n{text-align:right;font-variant-numeric:tabular-nums}
            .key i{display:inline-block;width:.8em;height:.8em;margin:0 .35em 0 1em;border-radius:2px}
            """;

    private final Story story;
    private final Instant from;
    private final Instant to;
    private final StringBuilder html = new StringBuilder();

    private DriftPage(Story story) {
        this.story = story;
        this.from = story.looks().get(0).at();
        Instant last = story.lastLook().orElse(from);
        this.to = last.isAfter(from) ? last : from.plusSeconds(1);
    }

    static void write(Path file, Story story) {
        if (!story.looks().isEmpty()) {
            Folder.write(file, new DriftPage(story).render());
        }
    }

    private String render() {
        html.append("<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<meta name=viewport content=\"width=device-width\">\n")
                .append("<title>Stockledger: drift</title>\n<style>\n").append(STYLE).append("</style>\n<h1>The ledger beside the cron job</h1>\n");
        html.append("<p class=\"verdict").append(Report.isBad(story) ? " bad" : "").append("\">")
                .append(escaped(Report.sentence(story))).append("</p>\n");
        html.append("<p class=soft>").append(escaped(facts() + " " + Report.scope(story))).append("</p>\n");
        current();
        counts();
        lanes();
        past();
        return html.append("</html>\n").toString();
    }

    private String facts() {
        Observation.Looked last = story.looks().get(story.looks().size() - 1);
        String source = story.begun().map(begun -> begun.source() + " against the ledger's " + begun.figure() + ", ").orElse("");
        return source + Table.grouped(last.compared()) + " places; looked at from " + Converters.shown(from) + " to " + Converters.shown(last.at())
                + ", " + Durations.shown(story.watchedSince(Instant.MIN)) + " in all"
                + switch (story.gaps().size()) {
                    case 0 -> ".";
                    case 1 -> "; once nobody looked for longer than the lag, which counts for nothing.";
                    default -> "; " + story.gaps().size() + " times nobody looked for longer than the lag, which counts for nothing.";
                };
    }

    private void current() {
        List<Drift> open = story.open().stream().sorted(Comparator.comparing(Drift::began)).toList();
        html.append("<h2>Drifting now</h2>\n");
        if (open.isEmpty()) {
            html.append("<p>Nothing. Each old figure is one that the ledger had within the lag.</p>\n");
            return;
        }
        table(open, true);
    }

    private void past() {
        List<Drift> ended = new ArrayList<>(story.ended());
        ended.sort(Comparator.comparing((Drift drift) -> drift.lasted(to)).reversed());
        if (ended.isEmpty()) {
            return;
        }
        html.append("<h2>Drifts that ended, the longest first</h2>\n");
        table(ended, false);
    }

    private void table(List<Drift> drifts, boolean open) {
        html.append("<table>\n<tr><th>SKU<th>Location<th class=n>Old<th class=n>Ledger<th class=n>Worst difference<th>Since<th>").append(open ? "Lasts" : "Lasted")
                .append("<th></tr>\n");
        drifts.stream().limit(LISTED_MAX).forEach(drift -> html.append("<tr><td>").append(escaped(drift.place().sku())).append("<td>")
                .append(escaped(drift.place().location())).append("<td class=n>").append(Table.grouped(drift.last().old())).append("<td class=n>")
                .append(Table.grouped(drift.last().ledger())).append("<td class=n>").append(signed(drift.worst())).append("<td>")
                .append(Converters.shown(drift.began())).append("<td>").append(Durations.shown(drift.lasted(to))).append("<td>")
                .append(drift.lasted(to).compareTo(story.lag()) > 0 ? "beyond the lag" : "").append("</tr>\n"));
        html.append("</table>\n");
        if (drifts.size() > LISTED_MAX) {
            html.append("<p class=soft>").append(Table.grouped(drifts.size() - LISTED_MAX)).append(" more are in observations.jsonl.</p>\n");
        }
    }

    /** How many places were behind, and how many drifted, over time. */
    private void counts() {
        List<Observation.Looked> looks = story.looks();
        int most = Math.max(1, looks.stream().mapToInt(look -> Math.max(look.behind(), look.drifting())).max().orElse(1));
        html.append("<h2>Places that differ, over time</h2>\n<figure>\n").append(svg(PLOT + 40, "places that differ, over time"));
        gaps(PLOT);
        axis(PLOT);
        text(LABEL - 8, 14, "end", Table.grouped(most));
        text(LABEL - 8, PLOT, "end", "0");
        steps(looks, most, "var(--behind)", true);
        steps(looks, most, "var(--bad)", false);
        html.append("</svg>\n<figcaption class=key><i style=\"background:var(--behind)\"></i>behind, within the lag")
                .append("<i style=\"background:var(--bad)\"></i>drifting<i style=\"background:var(--gap)\"></i>nobody looked</figcaption>\n</figure>\n");
    }

    private void steps(List<Observation.Looked> looks, int most, String colour, boolean behind) {
        // Weeks of looks are more than there are dots across: of those on one dot the highest is drawn.
        Map<Long, Integer> highest = new LinkedHashMap<>();
        looks.forEach(look -> highest.merge(Math.round(x(look.at())), behind ? look.behind() : look.drifting(), Math::max));
        StringBuilder path = new StringBuilder();
        highest.forEach((x, count) -> {
            String y = number(PLOT - (PLOT - 10) * (count / (double) most));
            path.append(path.isEmpty() ? "M" + x + " " + y : "H" + x + "V" + y);
        });
        html.append("<path fill=none stroke-width=2 stroke=\"").append(colour).append("\" d=\"").append(path).append("H").append(number(x(to))).append("\"/>\n");
    }

    /** A lane a place, those that drifted longest first: when, for how long, by how much and which way. */
    private void lanes() {
        Map<OldStock.Place, List<Drift>> byPlace = new LinkedHashMap<>();
        story.ended().forEach(drift -> byPlace.computeIfAbsent(drift.place(), place -> new ArrayList<>()).add(drift));
        story.open().forEach(drift -> byPlace.computeIfAbsent(drift.place(), place -> new ArrayList<>()).add(drift));
        if (byPlace.isEmpty()) {
            return;
        }
        List<Map.Entry<OldStock.Place, List<Drift>>> longest = byPlace.entrySet().stream()
                .sorted(Comparator.comparing((Map.Entry<OldStock.Place, List<Drift>> lane) -> lane.getValue().stream()
                        .map(drift -> drift.lasted(to)).reduce(Duration.ZERO, Duration::plus)).reversed())
                .limit(LANES_MAX).toList();
        int height = longest.size() * ROW + 8;
        html.append("<h2>Drift of each SKU, over time</h2>\n<figure>\n").append(svg(height + 40, "drift of each SKU, over time"));
        gaps(height);
        axis(height);
        int y = 4;
        for (Map.Entry<OldStock.Place, List<Drift>> lane : longest) {
            String name = lane.getKey().toString();
            html.append("<text class=name text-anchor=end x=").append(LABEL - 8).append(" y=").append(y + 14).append(">")
                    .append(escaped(name.length() > 26 ? name.substring(0, 25) + "…" : name)).append("</text>\n");
            long worst = lane.getValue().stream().mapToLong(drift -> Math.abs(drift.worst())).max().orElse(1);
            for (Drift drift : lane.getValue()) {
                bar(drift, y, Math.max(1, worst));
            }
            y += ROW;
        }
        html.append("</svg>\n<figcaption class=key><i style=\"background:var(--more)\"></i>the ledger has more")
                .append("<i style=\"background:var(--less)\"></i>the ledger has less; the higher, the more units; point at a bar for its figures");
        if (byPlace.size() > LANES_MAX) {
            html.append("; the ").append(LANES_MAX).append(" that drifted longest, of ").append(Table.grouped(byPlace.size()));
        }
        html.append("</figcaption>\n</figure>\n");
    }

    private void bar(Drift drift, int y, long worst) {
        html.append("<g><title>").append(escaped(drift.place() + ": from " + Converters.shown(drift.began()) + ", for " + Durations.shown(drift.lasted(to))
                + ", at worst " + signed(drift.worst()) + "; last old " + drift.last().old() + ", ledger " + drift.last().ledger())).append("</title>");
        for (int i = 0; i < drift.points().size(); i++) {
            Drift.Point point = drift.points().get(i);
            Instant until = i + 1 < drift.points().size() ? drift.points().get(i + 1).at() : drift.ended().orElse(to);
            double height = 4 + 12 * (Math.abs(point.difference()) / (double) worst);
            html.append("<rect x=").append(number(x(point.at()))).append(" y=").append(number(y + 17 - height)).append(" width=")
                    .append(number(Math.max(1.5, x(until) - x(point.at())))).append(" height=").append(number(height)).append(" fill=\"var(--")
                    .append(point.difference() > 0 ? "more" : "less").append(")\"/>");
        }
        html.append("</g>\n");
    }

    private void gaps(int height) {
        for (Story.Gap gap : story.gaps()) {
            html.append("<rect fill=\"var(--gap)\" x=").append(number(x(gap.from()))).append(" y=4 width=").append(number(Math.max(1, x(gap.to()) - x(gap.from()))))
                    .append(" height=").append(height - 4).append("><title>nobody looked from ").append(Converters.shown(gap.from())).append(" for ")
                    .append(Durations.shown(Duration.between(gap.from(), gap.to()))).append("</title></rect>\n");
        }
    }

    private void axis(int y) {
        html.append("<path stroke=\"var(--line)\" d=\"M").append(LABEL).append(" ").append(y).append("H").append(WIDTH - 10).append("\"/>\n");
        Optional<String> day = Optional.empty();
        for (int i = 0; i <= TICKS; i++) {
            Instant at = from.plus(Duration.between(from, to).multipliedBy(i).dividedBy(TICKS));
            String[] parts = Converters.shown(at).split("[T.]");
            text((int) x(at), y + 16, i == 0 ? "start" : i == TICKS ? "end" : "middle", parts[1]);
            if (!day.equals(Optional.of(parts[0]))) {
                text((int) x(at), y + 31, i == 0 ? "start" : i == TICKS ? "end" : "middle", parts[0]);
            }
            day = Optional.of(parts[0]);
        }
    }

    private void text(int x, int y, String anchor, String text) {
        html.append("<text x=").append(x).append(" y=").append(y).append(" text-anchor=").append(anchor).append(">").append(text).append("</text>\n");
    }

    private static String svg(int height, String title) {
        return "<svg viewBox=\"0 0 " + WIDTH + " " + height + "\" role=img aria-label=\"" + title + "\">\n";
    }

    private double x(Instant at) {
        double share = Duration.between(from, at).toMillis() / (double) Math.max(1, Duration.between(from, to).toMillis());
        return LABEL + Math.max(0, Math.min(1, share)) * (WIDTH - 10 - LABEL);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static String signed(long difference) {
        return (difference > 0 ? "+" : "") + Table.grouped(difference);
    }

    private static String escaped(String text) {
        return Table.printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
