package io.stockledger.server;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** What the time of a start went into: its parts, one after the other. */
public final class StartTimes {
    private final List<String> parts = new ArrayList<>();
    private long sinceNanos = System.nanoTime();

    StartTimes() {}

    /** This part has just ended; it took all the time since the one before it. */
    void took(String part) {
        long now = System.nanoTime();
        parts.add(String.format(Locale.ROOT, "%s %d ms", part, TimeUnit.NANOSECONDS.toMillis(now - sinceNanos)));
        sinceNanos = now;
    }

    /** In one line, as {@code postgresql 812 ms, schema 163 ms}. */
    @Override
    public String toString() {
        return String.join(", ", parts);
    }
}
