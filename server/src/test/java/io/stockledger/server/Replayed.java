package io.stockledger.server;

import io.stockledger.server.domain.Reservation;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.SnapshotCodec;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What a SKU's entries make of it, told afresh from all of them: the plain words that the projection is held against. */
record Replayed(Map<String, String> stock, Map<String, io.stockledger.v1.Reservation> reservations, Map<String, Long> movements) {

    static Replayed of(List<Entry> entries) {
        Replayed replayed = new Replayed(new TreeMap<>(), new TreeMap<>(), new TreeMap<>());
        Map<String, Reservation> reservations = new TreeMap<>();
        for (Entry entry : entries) {
            for (LocationBalance balance : entry.getBalancesList()) {
                replayed.stock.put(balance.getLocation(), stock(balance, entry.getSequence(), EntryCodec.millis(entry.getRecordedAt())));
            }
            for (Movement movement : entry.getMovementsList()) {
                String to = movement.getToLocation().isEmpty() ? movement.getLocation() : movement.getToLocation();
                replayed.movements.merge(movement(Instant.ofEpochMilli(EntryCodec.millis(entry.getRecordedAt())).atZone(ZoneOffset.UTC)
                        .toLocalDate().toString(), movement.getLocation(), to, movement.getFrom().name(), movement.getTo().name(),
                        entry.getKind().name(), entry.getChannel()), movement.getQuantity(), Long::sum);
            }
            if (entry.getKind() == EntryKind.ENTRY_KIND_RESERVE) {
                reservations.put(entry.getReservationId(), Reservation.from(List.of(EntryCodec.toDomain(entry))));
            } else if (!entry.getReservationId().isEmpty()) {
                reservations.computeIfPresent(entry.getReservationId(), (id, before) -> before.after(EntryCodec.toDomain(entry)));
            }
        }
        reservations.forEach((id, it) -> replayed.reservations.put(id, SnapshotCodec.toContract(entries.get(0).getSku(), it)));
        return replayed;
    }

    static String stock(LocationBalance balance, long sequence, long recordedAtMs) {
        return "at " + sequence + ", " + recordedAtMs + ": " + balance;
    }

    static String movement(String day, String location, String toLocation, String from, String to, String kind, String channel) {
        return String.join("\t", day, location, toLocation, from.replace("BUCKET_", "").toLowerCase(),
                to.replace("BUCKET_", "").toLowerCase(), kind.replace("ENTRY_KIND_", "").toLowerCase(), channel);
    }
}
