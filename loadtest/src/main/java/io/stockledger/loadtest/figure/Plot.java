package io.stockledger.loadtest.figure;

/** A plot of the report: figures that share it are its points. */
public record Plot(String title, String xTitle, String yTitle, boolean xLogarithmic, boolean yLogarithmic) {

    /** Where a figure stands on its plot. */
    public record Point(Plot plot, String series, double x) {}

    public Point at(String series, double x) {
        return new Point(this, series, x);
    }
}
