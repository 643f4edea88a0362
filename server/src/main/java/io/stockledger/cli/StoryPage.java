package io.stockledger.cli;

import io.stockledger.v1.Stock;
import java.time.ZoneId;

/** A SKU's story as one page that needs nothing else: no script, no file beside it, nothing from the network. */
final class StoryPage {
    private static final String STYLE = """
            :root { color-scheme: light dark; --ink: #1d2733; --soft: #5d6b7a; --line: #dbe1e8; --page: #fff;
              --available: #12734a; --reserved: #b86e00; --committed: #0b5fff; --bad: #b3261e; }
            @media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa7b4; --line: #333d48; --page: #14191f;
              --available: #4cc38a; --reserved: #e6a23c; --committed: #6ea8fe; --bad: #ff8a80; } }
            body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2rem auto; max-width: 68rem; padding: 0 1rem; }
            h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } p { color: var(--soft); margin: .2rem 0 1.2rem; }
            svg { width: 100%; height: auto; display: block; } svg text { font-size: 12px; fill: var(--soft); }
            .grid { stroke: var(--line); fill: none; } .zero { stroke: var(--soft); fill: none; } .under { fill: var(--bad); opacity: .12; }
            .line { fill: none; stroke-width: 2; stroke-linejoin: round; } .line.committed { stroke: var(--committed); }
            .line.reserved { stroke: var(--reserved); } .line.available { stroke: var(--available); }
            .key { display: flex; gap: 1.4rem; margin: .4rem 0 1.6rem 4rem; color: var(--soft); font-size: .88rem; }
            .key i { display: inline-block; width: 1.2rem; height: 3px; vertical-align: middle; margin-right: .4rem; }
            table { border-collapse: collapse; width: 100%; font-size: .92rem; }
            th { text-align: left; color: var(--soft); font-weight: 600; }
            th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
            td:first-child { white-space: nowrap; color: var(--soft); } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
            .bad { color: var(--bad); font-weight: 600; }
            """;

    private StoryPage() {
    }

    static String of(Stock stock, Story story, StoryPlot plot, ZoneId zone) {
        String sku = escaped(stock.getSku());
        StringBuilder page = new StringBuilder("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>").append(sku)
                .append(": its story</title>\n<style>\n").append(STYLE).append("</style>\n</head>\n<body>\n<h1><bdi>").append(sku)
                .append("</bdi></h1>\n<p>").append(escaped(story.summary(stock))).append("</p>\n");
        for (String warning : story.warnings()) {
            page.append("<p class=\"bad\"><bdi>").append(escaped(warning)).append("</bdi></p>\n");
        }
        page.append(plot.svg(zone)).append("\n<div class=\"key\">");
        for (StoryPlot.Series series : StoryPlot.Series.values()) {
            page.append("<span><i style=\"background:var(--").append(series.words()).append(")\"></i>").append(series.words()).append("</span>");
        }
        page.append("</div>\n<table>\n<tr><th>When</th><th class=\"n\">To sell</th><th>What</th></tr>\n");
        for (Story.Line line : story.lines()) {
            page.append("<tr><td>").append(escaped(story.when(line))).append("</td><td class=\"n\">").append(Table.grouped(line.toSell())).append("</td><td>");
            line.belowZero().ifPresent(warning -> page.append("<span class=\"bad\">below zero: <bdi>").append(escaped(warning)).append("</bdi></span> "));
            page.append("<bdi>").append(escaped(story.what(line))).append("</bdi></td></tr>\n");
        }
        return page.append("</table>\n</body>\n</html>\n").toString();
    }

    /** Names come from anybody: a SKU may look like a tag. */
    private static String escaped(String text) {
        return Table.printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
