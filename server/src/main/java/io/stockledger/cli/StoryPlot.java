package io.stockledger.cli;

import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How many units of a SKU were available, reserved and committed over time, as steps in an SVG. Of a long history each
 * pixel's lowest, highest and last are kept, so no dip is lost, and its size is bounded.
 */
final class StoryPlot {
    /** What is drawn, the later over the earlier. */
    enum Series {
        COMMITTED, RESERVED, AVAILABLE;

        private long of(LocationBalance balance) {
            return switch (this) {
                case AVAILABLE -> balance.getAvailable();
                case RESERVED -> balance.getReserved();
                case COMMITTED -> balance.getCommitted();
            };
        }

        String words() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final int EXACT_MAX = 2_000;
    private static final int WIDTH = 1_000;
    private static final int HEIGHT = 320;
    private static final int LEFT = 64;
    private static final int RIGHT = 12;
    private static final int TOP = 12;
    private static final int BOTTOM = 30;
    private static final int TIMES = 6;
    private static final int VALUES = 5;

    private final long startMs;
    private final long endMs;
    /** Entries within so long share a point; 1: no two, but those of the same millisecond. */
    private final long pointMs;
    private final Map<String, LocationBalance> balances = new HashMap<>();
    private final long[] now = new long[Series.values().length];
    private final List<Point> points = new ArrayList<>();

    private static final class Point {
        private final long atMs;
        private final long[] low;
        private final long[] high;
        private final long[] last;

        private Point(long atMs, long[] values) {
            this.atMs = atMs;
            this.low = values.clone();
            this.high = values.clone();
            this.last = values.clone();
        }

        private void take(long[] values) {
            for (int i = 0; i < values.length; i++) {
                low[i] = Math.min(low[i], values[i]);
                high[i] = Math.max(high[i], values[i]);
                last[i] = values[i];
            }
        }
    }

    /** For so many entries, recorded between these times. */
    StoryPlot(Instant first, Instant last, long entries) {
        this.startMs = first.toEpochMilli();
        // A second from tick to tick at least: they are labelled with seconds.
        this.endMs = Math.max(last.toEpochMilli(), startMs + TIMES * 1_000L);
        this.pointMs = entries <= EXACT_MAX ? 1 : Math.max(1, (endMs - startMs) / (WIDTH - LEFT - RIGHT));
    }

    void add(Entry entry) {
        for (LocationBalance balance : entry.getBalancesList()) {
            LocationBalance before = balances.put(balance.getLocation(), balance);
            for (Series series : Series.values()) {
                now[series.ordinal()] += series.of(balance) - (before == null ? 0 : series.of(before));
            }
        }
        long at = Converters.instant(entry.getRecordedAt()).toEpochMilli();
        long point = startMs + (at - startMs) / pointMs * pointMs;
        if (points.isEmpty() || points.get(points.size() - 1).atMs != point) {
            points.add(new Point(point, now));
        } else {
            points.get(points.size() - 1).take(now);
        }
    }

    String svg(ZoneId zone) {
        long low = 0;
        long high = 1;
        for (Point point : points) {
            for (Series series : Series.values()) {
                low = Math.min(low, point.low[series.ordinal()]);
                high = Math.max(high, point.high[series.ordinal()]);
            }
        }
        long step = step(low, high);
        Scale scale = new Scale(Math.floorDiv(low, step) * step, Math.floorDiv(high + step - 1, step) * step);
        StringBuilder svg = new StringBuilder("<svg viewBox=\"0 0 " + WIDTH + " " + HEIGHT
                + "\" role=\"img\" aria-label=\"Units available, reserved and committed over time\">\n");
        if (scale.low < 0) {
            svg.append("<rect class=\"under\" x=\"" + LEFT + "\" y=\"").append(y(scale, 0)).append("\" width=\"" + (WIDTH - LEFT - RIGHT)
                    + "\" height=\"").append(number(HEIGHT - BOTTOM - scale.y(0))).append("\"/>\n");
        }
        for (long value = scale.low; value <= scale.high; value += step) {
            svg.append("<path class=\"").append(value == 0 ? "zero" : "grid").append("\" d=\"M" + LEFT + " ").append(y(scale, value))
                    .append("H" + (WIDTH - RIGHT) + "\"/><text x=\"" + (LEFT - 8) + "\" y=\"").append(number(scale.y(value) + 4))
                    .append("\" text-anchor=\"end\">").append(Table.grouped(value)).append("</text>\n");
        }
        DateTimeFormatter times = times().withZone(zone);
        for (int i = 0; i <= TIMES; i++) {
            long at = startMs + (endMs - startMs) * i / TIMES;
            svg.append("<text x=\"").append(number(x(at))).append("\" y=\"" + (HEIGHT - 8) + "\" text-anchor=\"")
                    .append(i == 0 ? "start" : i == TIMES ? "end" : "middle").append("\">")
                    .append(times.format(Instant.ofEpochMilli(at))).append("</text>\n");
        }
        for (Series series : Series.values()) {
            svg.append("<path class=\"line ").append(series.words()).append("\" d=\"").append(path(series, scale)).append("\"/>\n");
        }
        return svg.append("</svg>").toString();
    }

    /** Steps: a value stands until the next one comes. */
    private String path(Series series, Scale scale) {
        int i = series.ordinal();
        StringBuilder path = new StringBuilder("M" + LEFT + " ").append(y(scale, 0));
        for (Point point : points) {
            path.append("H").append(number(x(point.atMs)));
            if (point.low[i] != point.high[i]) {
                path.append("V").append(y(scale, point.low[i])).append("V").append(y(scale, point.high[i]));
            }
            path.append("V").append(y(scale, point.last[i]));
        }
        return path.append("H" + (WIDTH - RIGHT)).toString();
    }

    private record Scale(long low, long high) {
        private double y(long value) {
            return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (double) (high - low));
        }
    }

    private double x(long atMs) {
        return LEFT + (WIDTH - LEFT - RIGHT) * ((atMs - startMs) / (double) (endMs - startMs));
    }

    private static String y(Scale scale, long value) {
        return number(scale.y(value));
    }

    /** A round distance of about a fifth of what is shown: 1, 2 or 5 of a power of ten. */
    private static long step(long low, long high) {
        double rough = Math.max(1, (high - low) / (double) VALUES);
        long power = (long) Math.pow(10, Math.floor(Math.log10(rough)));
        double leading = rough / power;
        return power * (leading <= 1 ? 1 : leading <= 2 ? 2 : leading <= 5 ? 5 : 10);
    }

    private DateTimeFormatter times() {
        Duration shown = Duration.ofMillis(endMs - startMs);
        String pattern = shown.toMinutes() < 5 ? "HH:mm:ss" : shown.toHours() < 20 ? "HH:mm" : shown.toDays() < 5 ? "d MMM HH:mm" : "d MMM uuuu";
        return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH);
    }

    private static String number(double value) {
        String text = String.format(Locale.ROOT, "%.1f", value);
        return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
    }
}
