package io.stockledger.server.audit;

import io.stockledger.server.audit.AuditedProjection.Flow;
import io.stockledger.server.audit.AuditedProjection.Moved;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.domain.Stock.Incoming;
import java.time.Instant;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** What an audit expected and found, as whoever runs the ledger reads it. */
final class InWords {
    private InWords() {}

    /** Milliseconds since 1970 as an ISO time; 0 is none. */
    static String time(long ms) {
        return ms == 0 ? "no time" : Instant.ofEpochMilli(ms).toString();
    }

    static String openReservation(String id, Optional<Reservation> open) {
        return open.map(InWords::reservation).orElse("no open reservation " + id);
    }

    static String reservation(String id, Optional<Reservation> known) {
        return known.map(InWords::reservation).orElse("no reservation " + id);
    }

    private static String reservation(Reservation it) {
        StringBuilder words = new StringBuilder((it.open() ? "open" : "closed") + " reservation " + it.id() + " of " + it.quantity() + " at " + it.location());
        if (!it.channel().isEmpty()) {
            words.append(", channel ").append(it.channel());
        }
        if (!it.reference().isEmpty()) {
            words.append(", reference ").append(it.reference());
        }
        words.append(", made by entry ").append(it.sequence()).append(": ").append(it.held()).append(" held until ").append(time(it.expiresAtMs()))
                .append(", ").append(it.committed()).append(" committed");
        part(words, it.released(), "released");
        part(words, it.expired(), "expired");
        part(words, it.fulfilled(), "fulfilled");
        part(words, it.cancelled(), "cancelled");
        return words.toString();
    }

    private static void part(StringBuilder words, long units, String became) {
        if (units != 0) {
            words.append(", ").append(units).append(' ').append(became);
        }
    }

    static String moved(Flow flow, Moved moved) {
        return moved.units() + " units in " + moved.entries() + (moved.entries() == 1 ? " entry" : " entries") + " of " + flow.kind()
                + " from " + flow.from() + " to " + flow.to() + " at " + flow.location()
                + (flow.toLocation().equals(flow.location()) ? "" : " to " + flow.toLocation())
                + (flow.channel().isEmpty() ? "" : ", channel " + flow.channel()) + ", on " + flow.day();
    }

    /** Units on their way, by location and reference. */
    static String incoming(Map<Incoming, Long> incoming) {
        return incoming.isEmpty() ? "nothing incoming under any reference" : incoming.entrySet().stream()
                .sorted(Map.Entry.comparingByKey(Comparator.comparing(Incoming::location).thenComparing(Incoming::reference)))
                .map(units -> units.getValue() + " incoming at " + units.getKey().location()
                        + (units.getKey().reference().isEmpty() ? " without a reference" : " under reference " + units.getKey().reference()))
                .collect(Collectors.joining(", "));
    }
}
