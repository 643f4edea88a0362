package io.stockledger.cli;

import io.stockledger.client.AvailableToSell;
import io.stockledger.v1.Bucket;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import io.stockledger.v1.Stock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A SKU's story, told from its entries one after the other. It stays within a number of lines, and so within a bound
 * of memory: once it would need more, what is ordinary (sales, holds) is told together by the minute, the hour, the
 * day, and where that is not enough, everything by the day, the month, the year.
 */
final class Story {
    private static final int FATES_MAX = 6;
    private static final int EPISODES_MAX = 10;
    private static final DateTimeFormatter MINUTE = DateTimeFormatter.ofPattern("d MMM uuuu HH:mm", Locale.ENGLISH);
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm", Locale.ENGLISH);
    private static final DateTimeFormatter DAY = DateTimeFormatter.ofPattern("d MMM uuuu", Locale.ENGLISH);
    private static final DateTimeFormatter MONTH = DateTimeFormatter.ofPattern("MMM uuuu", Locale.ENGLISH);
    private static final DateTimeFormatter YEAR = DateTimeFormatter.ofPattern("uuuu", Locale.ENGLISH);

    /** How much is told in one line. */
    private enum Grain { ENTRY, ORDINARY_MINUTE, ORDINARY_HOUR, ORDINARY_DAY, DAY, MONTH, YEAR, ALL }

    private final int linesMax;
    private final ZoneId zone;
    private final Map<String, LocationBalance> balances = new HashMap<>();
    /** Holds whose own line still stands, by id: what became of them is told there. */
    private final Map<String, Line> holds = new HashMap<>();
    private final List<Episode> episodes = new ArrayList<>();
    /** Units available at the locations that stand below zero. */
    private final Map<String, Long> belowZero = new HashMap<>();
    private List<Line> lines = new ArrayList<>();
    private Grain grain = Grain.ENTRY;
    private long toSell;
    private long episodeCount;
    private boolean below;
    private Instant first = Instant.EPOCH;

    /** A time during which a location stood below zero. */
    private record Episode(long fromSequence, long toSequence, Instant from, Optional<Instant> until, long lowest, String location) {
    }

    /** One entry, or a run of them. */
    static final class Line {
        private final boolean ordinary;
        private final String reservation;
        private final String text;
        private final List<String> fates = new ArrayList<>();
        private final StoryTally tally = new StoryTally();
        private final Instant from;
        private Instant to;
        private long toSell;
        private Optional<String> belowZero;
        private boolean isRun;

        private Line(Entry entry, String text, boolean ordinary, String reservation, long toSell, Optional<String> belowZero) {
            this.text = text;
            this.ordinary = ordinary;
            this.reservation = reservation;
            this.from = Converters.instant(entry.getRecordedAt());
            this.to = from;
            this.toSell = toSell;
            this.belowZero = belowZero;
            tally.add(entry);
        }

        private void take(Line next) {
            isRun = true;
            to = next.to;
            toSell = next.toSell;
            belowZero = belowZero.or(() -> next.belowZero);
            tally.add(next.tally);
        }

        /** Units that could be sold after it, over all locations, on a channel without an allocation. */
        long toSell() {
            return toSell;
        }

        /** Where the shelf stood below zero after it, and by how much. */
        Optional<String> belowZero() {
            return belowZero;
        }
    }

    Story(int linesMax, ZoneId zone) {
        this.linesMax = linesMax;
        this.zone = zone;
    }

    /** The SKU's next entry. */
    void add(Entry entry) {
        Instant at = Converters.instant(entry.getRecordedAt());
        if (balances.isEmpty()) {
            first = at;
        }
        entry.getBalancesList().forEach(this::put);
        Optional<String> warning = warning(entry, at);
        Line hold = holds.get(entry.getReservationId());
        if (hold != null) {
            fate(hold, entry, at);
            if (isToldAtItsHold(entry) && warning.isEmpty()) {
                hold.tally.add(entry);
                return;
            }
        }
        boolean reserves = entry.getKind() == EntryKind.ENTRY_KIND_RESERVE;
        Line line = new Line(entry, text(entry, at), isOrdinary(entry) && warning.isEmpty(), reserves ? entry.getReservationId() : "",
                toSell, warning);
        if (reserves) {
            holds.put(line.reservation, line);
        }
        append(lines, line);
        while (lines.size() > linesMax && grain != Grain.ALL) {
            grain = Grain.values()[grain.ordinal() + 1];
            List<Line> coarser = new ArrayList<>();
            lines.forEach(finer -> append(coarser, finer));
            lines = coarser;
        }
    }

    List<Line> lines() {
        return lines;
    }

    String summary(Stock stock) {
        return entries(stock.getSequence()) + " since " + MINUTE.format(first.atZone(zone)) + " (" + zone.getId() + "); now "
                + Table.grouped(stock.getOnHand()) + " on hand, " + Table.grouped(stock.getAvailableToSell()) + " to sell";
    }

    static String entries(long count) {
        return count == 1 ? "1 entry" : Table.grouped(count) + " entries";
    }

    String when(Line line) {
        ZonedDateTime from = line.from.atZone(zone);
        if (!line.isRun) {
            return MINUTE.format(from);
        }
        return switch (grain) {
            case ENTRY, ORDINARY_MINUTE -> MINUTE.format(from);
            case ORDINARY_HOUR -> MINUTE.format(from) + " to " + TIME.format(line.to.atZone(zone));
            case ORDINARY_DAY, DAY -> DAY.format(from);
            case MONTH -> MONTH.format(from);
            case YEAR -> YEAR.format(from);
            case ALL -> DAY.format(from) + " to " + DAY.format(line.to.atZone(zone));
        };
    }

    String what(Line line) {
        if (line.isRun) {
            return line.tally.toString();
        }
        return line.text + (line.fates.isEmpty() ? "" : "; " + String.join(", ", line.fates));
    }

    /** Each time that a location stood below zero: the first few, and how many there were. */
    List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        for (Episode episode : episodes) {
            warnings.add("Below zero at " + episode.location + " from " + MINUTE.format(episode.from.atZone(zone))
                    + episode.until.map(until -> " to " + MINUTE.format(until.atZone(zone))).orElse(" on, and still")
                    + ": at worst " + Table.grouped(episode.lowest) + (episode.fromSequence == episode.toSequence
                            ? " (entry " + episode.fromSequence + ")" : " (entries " + episode.fromSequence + " to " + episode.toSequence + ")"));
        }
        if (episodeCount > episodes.size()) {
            warnings.add("and below zero " + Table.grouped(episodeCount - episodes.size()) + " times more");
        }
        return warnings;
    }

    // ---- Lines ----

    private void append(List<Line> to, Line line) {
        Line last = to.isEmpty() ? null : to.get(to.size() - 1);
        if (last == null || !together(last, line)) {
            to.add(line);
            return;
        }
        holds.remove(last.reservation, last);
        holds.remove(line.reservation, line);
        last.take(line);
    }

    private boolean together(Line last, Line next) {
        ZonedDateTime a = last.from.atZone(zone);
        ZonedDateTime b = next.from.atZone(zone);
        return switch (grain) {
            case ENTRY -> false;
            case ORDINARY_MINUTE -> last.ordinary && next.ordinary && same(ChronoUnit.MINUTES, a, b);
            case ORDINARY_HOUR -> last.ordinary && next.ordinary && same(ChronoUnit.HOURS, a, b);
            case ORDINARY_DAY -> last.ordinary && next.ordinary && same(ChronoUnit.DAYS, a, b);
            case DAY -> same(ChronoUnit.DAYS, a, b);
            case MONTH -> a.getYear() == b.getYear() && a.getMonth() == b.getMonth();
            case YEAR -> a.getYear() == b.getYear();
            case ALL -> true;
        };
    }

    private static boolean same(ChronoUnit unit, ZonedDateTime a, ZonedDateTime b) {
        return a.truncatedTo(unit).equals(b.truncatedTo(unit));
    }

    /** What a shop does all day. */
    private static boolean isOrdinary(Entry entry) {
        return switch (entry.getKind()) {
            case ENTRY_KIND_RESERVE, ENTRY_KIND_EXTEND, ENTRY_KIND_RELEASE, ENTRY_KIND_COMMIT, ENTRY_KIND_FULFILL,
                    ENTRY_KIND_CANCEL_COMMITTED, ENTRY_KIND_SELL, ENTRY_KIND_RETURN, ENTRY_KIND_EXPIRE -> true;
            case ENTRY_KIND_EXPECT, ENTRY_KIND_CANCEL_EXPECTED, ENTRY_KIND_RECEIVE, ENTRY_KIND_SET_ASIDE, ENTRY_KIND_PUT_BACK,
                    ENTRY_KIND_SHIP_TRANSFER, ENTRY_KIND_RECEIVE_TRANSFER, ENTRY_KIND_ADJUST, ENTRY_KIND_COUNT,
                    ENTRY_KIND_SET_SAFETY_STOCK, ENTRY_KIND_SET_CHANNEL_ALLOCATION, ENTRY_KIND_UNSPECIFIED, UNRECOGNIZED -> false;
        };
    }

    /** Nothing that could be sold changed by it, so the hold's own line says enough. */
    private static boolean isToldAtItsHold(Entry entry) {
        return switch (entry.getKind()) {
            case ENTRY_KIND_COMMIT, ENTRY_KIND_FULFILL, ENTRY_KIND_EXTEND -> true;
            default -> false;
        };
    }

    private void fate(Line hold, Entry entry, Instant at) {
        String what = switch (entry.getKind()) {
            case ENTRY_KIND_EXTEND -> "extended to " + time(Converters.instant(entry.getExpiresAt()), hold.from) + " at";
            case ENTRY_KIND_COMMIT -> "paid";
            case ENTRY_KIND_FULFILL -> "left";
            case ENTRY_KIND_RELEASE -> "let go";
            case ENTRY_KIND_EXPIRE -> "ran out";
            case ENTRY_KIND_CANCEL_COMMITTED -> "cancelled";
            default -> Shown.kind(entry);
        };
        if (hold.fates.size() < FATES_MAX) {
            hold.fates.add(what + " " + time(at, hold.from) + reference(entry));
        } else if (hold.fates.size() == FATES_MAX) {
            hold.fates.add("and more");
        }
    }

    // ---- Below zero ----

    private Optional<String> warning(Entry entry, Instant at) {
        Optional<Map.Entry<String, Long>> lowest = belowZero.entrySet().stream().min(Map.Entry.comparingByValue());
        int last = episodes.size() - 1;
        boolean told = below && last >= 0 && episodes.get(last).until.isEmpty();
        if (lowest.isEmpty()) {
            if (told) {
                Episode open = episodes.get(last);
                episodes.set(last, new Episode(open.fromSequence, open.toSequence, open.from, Optional.of(at), open.lowest, open.location));
            }
            below = false;
            return Optional.empty();
        }
        String location = lowest.get().getKey();
        long units = lowest.get().getValue();
        if (!below) {
            episodeCount++;
            if (episodes.size() < EPISODES_MAX) {
                episodes.add(new Episode(entry.getSequence(), entry.getSequence(), at, Optional.empty(), units, location));
            }
        } else if (told) {
            Episode open = episodes.get(last);
            boolean lower = units < open.lowest;
            episodes.set(last, new Episode(open.fromSequence, entry.getSequence(), open.from, Optional.empty(),
                    lower ? units : open.lowest, lower ? location : open.location));
        }
        below = true;
        return Optional.of(Table.grouped(units) + (balances.size() > 1 ? " at " + location : ""));
    }

    /** Sums move with the balance that changed: a SKU may have thousands. */
    private void put(LocationBalance balance) {
        LocationBalance before = balances.put(balance.getLocation(), balance);
        toSell += AvailableToSell.at(balance, "") - (before == null ? 0 : AvailableToSell.at(before, ""));
        if (balance.getAvailable() < 0) {
            belowZero.put(balance.getLocation(), balance.getAvailable());
        } else {
            belowZero.remove(balance.getLocation());
        }
    }

    // ---- Words ----

    private String text(Entry entry, Instant at) {
        String units = Table.grouped(StoryTally.units(entry));
        String hold = entry.getReservationId();
        String there = balances.size() > 1 ? " at " + entry.getLocation() : "";
        String channel = entry.getChannel().isEmpty() ? "" : " on " + entry.getChannel();
        Movement moved = entry.getMovementsCount() == 0 ? Movement.getDefaultInstance() : entry.getMovements(0);
        boolean fromOutside = moved.getFrom() == Bucket.BUCKET_SHRINKAGE;
        String text = switch (entry.getKind()) {
            case ENTRY_KIND_EXPECT -> units + " expected from the supplier" + there;
            case ENTRY_KIND_CANCEL_EXPECTED -> units + " no longer expected" + there;
            case ENTRY_KIND_RECEIVE -> units + (moved.getFrom() == Bucket.BUCKET_INCOMING
                    ? " that were expected arrived" : " arrived from the supplier") + there;
            case ENTRY_KIND_RESERVE -> units + " held for " + hold + channel + there + " until " + time(Converters.instant(entry.getExpiresAt()), at);
            case ENTRY_KIND_EXTEND -> hold + " is held until " + time(Converters.instant(entry.getExpiresAt()), at);
            case ENTRY_KIND_RELEASE -> hold + " let go of " + units + there;
            case ENTRY_KIND_COMMIT -> hold + " paid for " + units + there;
            case ENTRY_KIND_FULFILL -> units + " of " + hold + " left to the customer" + there;
            case ENTRY_KIND_CANCEL_COMMITTED -> "order of " + hold + " cancelled: " + units + " back to sell" + there;
            case ENTRY_KIND_SELL -> units + " sold" + channel + there;
            case ENTRY_KIND_RETURN -> units + " came back" + channel + there + (moved.getTo() == Bucket.BUCKET_UNAVAILABLE
                    ? ", not to be sold (" + reason(entry) + ")" : "");
            case ENTRY_KIND_SET_ASIDE -> units + " set aside" + there + " (" + reason(entry) + ")";
            case ENTRY_KIND_PUT_BACK -> units + " put back to sell" + there + " (" + reason(entry) + ")";
            case ENTRY_KIND_SHIP_TRANSFER -> units + " sent from " + entry.getLocation() + " to " + moved.getToLocation();
            case ENTRY_KIND_RECEIVE_TRANSFER -> units + " sent from another location arrived" + there;
            case ENTRY_KIND_ADJUST -> (fromOutside ? units + " more" : units + " fewer") + there + ": adjusted ("
                    + Converters.shown(entry.getAdjustReason(), "ADJUST_REASON_") + ")";
            case ENTRY_KIND_COUNT -> entry.getMovementsCount() == 0 ? "counted" + there + ": as the ledger had it"
                    : "counted" + there + ": " + units + (fromOutside ? " more than the ledger had" : " missing");
            case ENTRY_KIND_SET_SAFETY_STOCK -> "safety stock" + there + " is now " + Table.grouped(balance(entry).getSafetyStock());
            case ENTRY_KIND_SET_CHANNEL_ALLOCATION -> "channel " + entry.getChannel() + there + allocation(entry);
            case ENTRY_KIND_EXPIRE -> hold + " was not paid in time: " + units + " back to sell" + there;
            case ENTRY_KIND_UNSPECIFIED, UNRECOGNIZED -> Shown.kind(entry) + " " + Shown.moved(entry) + there;
        };
        return text + reference(entry);
    }

    private static LocationBalance balance(Entry entry) {
        return entry.getBalancesCount() == 0 ? LocationBalance.getDefaultInstance() : entry.getBalances(0);
    }

    private static String allocation(Entry entry) {
        return balance(entry).getAllocationsList().stream().filter(it -> it.getChannel().equals(entry.getChannel())).findFirst()
                .map(it -> " is guaranteed " + Table.grouped(it.getGuaranteed())
                        + (it.hasMaximum() ? ", and may take " + Table.grouped(it.getMaximum()) + " at most" : ""))
                .orElse(" has no allocation any more");
    }

    private static String reason(Entry entry) {
        return Converters.shown(entry.getUnavailableReason(), "UNAVAILABLE_REASON_").replace('-', ' ');
    }

    private static String reference(Entry entry) {
        return entry.getReference().isEmpty() ? "" : " (" + entry.getReference() + ")";
    }

    /** The day only where it is another one. */
    private String time(Instant at, Instant beside) {
        ZonedDateTime time = at.atZone(zone);
        return (time.toLocalDate().equals(beside.atZone(zone).toLocalDate()) ? TIME : MINUTE).format(time);
    }
}
