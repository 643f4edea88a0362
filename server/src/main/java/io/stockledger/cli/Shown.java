package io.stockledger.cli;

import io.stockledger.client.Outcome;
import io.stockledger.v1.ChannelAllocation;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.Stock;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;

/** The contract's messages as people read them. */
final class Shown {
    private Shown() {
    }

    static void outcome(PrintWriter out, String verb, String sku, Outcome outcome) {
        if (outcome instanceof Outcome.Applied applied) {
            out.println("applied: " + verb + " " + Table.printable(sku) + ", sequence " + applied.sequence()
                    + ", id " + Table.printable(applied.mutationId())
                    + applied.expiresAt().map(time -> ", expires " + Converters.shown(time)).orElse("")
                    + (applied.replayed() ? " (was applied before; nothing is written now)" : ""));
            balances(out, applied.balances());
        } else if (outcome instanceof Outcome.Refused refused) {
            out.println("refused: " + verb + " " + Table.printable(sku) + ": " + why(refused));
        }
    }

    static String why(Outcome.Refused refused) {
        RefusalReason reason = refused.reason();
        String name = Converters.shown(reason, "REFUSAL_REASON_").toUpperCase(java.util.Locale.ROOT).replace('-', '_');
        return name + switch (reason) {
            case REFUSAL_REASON_INSUFFICIENT_STOCK -> ", " + Table.grouped(refused.available()) + " available";
            case REFUSAL_REASON_EXCEEDS_RESERVATION -> ", it has " + Table.grouped(refused.available());
            case REFUSAL_REASON_SEQUENCE_MISMATCH, REFUSAL_REASON_RESERVATION_NOT_FOUND, REFUSAL_REASON_RESERVATION_CLOSED,
                    REFUSAL_REASON_BALANCE_LIMIT, REFUSAL_REASON_UNSPECIFIED, UNRECOGNIZED -> "";
        } + ", the SKU stands at sequence " + refused.sequence();
    }

    static void stock(PrintWriter out, Stock stock, String channel) {
        String sku = Table.printable(stock.getSku());
        if (stock.getSequence() == 0) {
            out.println(sku + ": the ledger holds no entry of it");
            return;
        }
        out.println(sku + ": " + Table.grouped(stock.getOnHand()) + " on hand, " + Table.grouped(stock.getAvailableToSell())
                + " available to sell" + (channel.isEmpty() ? "" : " on " + Table.printable(channel))
                + " (sequence " + stock.getSequence() + ", " + Converters.shown(stock.hasAsOfTime(), stock.getAsOfTime()) + ")");
        balances(out, stock.getBalancesList());
    }

    static void balances(PrintWriter out, List<LocationBalance> balances) {
        if (balances.isEmpty()) {
            return;
        }
        Table table = new Table().text("LOCATION").number("AVAILABLE").number("RESERVED").number("COMMITTED")
                .number("UNAVAILABLE").number("ON_HAND").number("INCOMING").number("SAFETY_STOCK");
        for (LocationBalance b : balances) {
            table.row(b.getLocation(), b.getAvailable(), b.getReserved(), b.getCommitted(), b.getUnavailable(),
                    b.getAvailable() + b.getReserved() + b.getCommitted() + b.getUnavailable(), b.getIncoming(), b.getSafetyStock());
        }
        table.print(out);
        if (balances.stream().anyMatch(b -> b.getAllocationsCount() > 0)) {
            Table shares = new Table().text("LOCATION").text("CHANNEL").number("GUARANTEED").number("MAXIMUM").number("USED");
            for (LocationBalance b : balances) {
                for (ChannelAllocation a : b.getAllocationsList()) {
                    shares.row(b.getLocation(), a.getChannel(), a.getGuaranteed(),
                            a.hasMaximum() ? Table.grouped(a.getMaximum()) : "unbounded", a.getUsed());
                }
            }
            out.println();
            shares.print(out);
        }
    }

    static Table entries() {
        return new Table().number("SEQUENCE").text("RECORDED_AT").text("KIND").text("MOVED").text("LOCATION").text("CHANNEL")
                .text("REFERENCE").text("MUTATION");
    }

    static void entry(Table table, Entry entry) {
        table.row(Long.toString(entry.getSequence()), Converters.shown(entry.hasRecordedAt(), entry.getRecordedAt()), kind(entry),
                moved(entry), entry.getLocation(), entry.getChannel(), entry.getReference(), mutation(entry));
    }

    /** One entry of a feed, which has no end to align columns by. */
    static String feedLine(Entry entry) {
        String channel = entry.getChannel().isEmpty() ? "" : " channel=" + entry.getChannel();
        String reference = entry.getReference().isEmpty() ? "" : " reference=" + entry.getReference();
        String balances = entry.getBalancesList().stream()
                .map(b -> b.getLocation() + ": " + b.getAvailable() + " available, " + b.getReserved() + " reserved, " + b.getCommitted() + " committed")
                .collect(Collectors.joining("; "));
        return Table.printable(Converters.shown(entry.hasRecordedAt(), entry.getRecordedAt()) + " " + entry.getSku() + " #"
                + entry.getSequence() + " " + kind(entry) + " " + moved(entry) + channel + reference + " (" + balances + ")");
    }

    static void reservation(PrintWriter out, Reservation r, long sequence) {
        out.println(Table.printable(r.getSku()) + " reservation " + Table.printable(r.getReservationId()) + ": "
                + Converters.shown(r.getState(), "RESERVATION_STATE_") + ", at " + Table.printable(r.getLocation())
                + (r.getChannel().isEmpty() ? "" : ", channel " + Table.printable(r.getChannel()))
                + (r.getReference().isEmpty() ? "" : ", reference " + Table.printable(r.getReference()))
                + (r.getHeld() > 0 ? ", expires " + Converters.shown(r.hasExpiresAt(), r.getExpiresAt()) : "")
                + " (sequence " + sequence + ")");
        new Table().number("QUANTITY").number("HELD").number("COMMITTED").number("RELEASED").number("EXPIRED").number("FULFILLED")
                .number("CANCELLED")
                .row(r.getQuantity(), r.getHeld(), r.getCommitted(), r.getReleased(), r.getExpired(), r.getFulfilled(), r.getCancelled())
                .print(out);
    }

    static String kind(Entry entry) {
        // A kind that this version does not know still moves what it moves.
        return entry.getKind() == io.stockledger.v1.EntryKind.UNRECOGNIZED
                ? "kind-" + entry.getKindValue()
                : Converters.shown(entry.getKind(), "ENTRY_KIND_");
    }

    static String moved(Entry entry) {
        if (entry.getMovementsCount() == 0) {
            return "-";
        }
        return entry.getMovementsList().stream().map(Shown::moved).collect(Collectors.joining(", "));
    }

    private static String moved(Movement movement) {
        return movement.getQuantity() + " " + Converters.shown(movement.getFrom(), "BUCKET_") + ">" + Converters.shown(movement.getTo(), "BUCKET_")
                + (movement.getToLocation().isEmpty() ? "" : "@" + movement.getToLocation());
    }

    private static String mutation(Entry entry) {
        return entry.getMutationId().isEmpty() ? "(the ledger: " + entry.getReservationId() + ")" : entry.getMutationId();
    }
}
