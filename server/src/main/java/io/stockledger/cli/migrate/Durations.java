package io.stockledger.cli.migrate;

import java.time.Duration;
import java.util.Locale;

/** Lengths of time as people say them: the two largest parts. */
final class Durations {
    private Durations() {
    }

    static String shown(Duration length) {
        if (length.toDays() > 0) {
            return length.toDays() + " d " + length.toHoursPart() + " h";
        }
        if (length.toHours() > 0) {
            return length.toHours() + " h " + length.toMinutesPart() + " min";
        }
        if (length.toMinutes() > 0) {
            return length.toMinutes() + " min " + length.toSecondsPart() + " s";
        }
        boolean whole = length.toSeconds() >= 10 || length.toMillisPart() == 0;
        return whole ? length.toSeconds() + " s" : String.format(Locale.ROOT, "%.1f s", length.toMillis() / 1e3);
    }
}
