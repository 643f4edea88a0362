package io.stockledger.loadtest.report;

/** The report as one page. */
public final class Html {
    private Html() {}

    public static String of(Report report) {
        return "<pre>" + Json.of(report).replace("<", "&lt;") + "</pre>";
    }
}
