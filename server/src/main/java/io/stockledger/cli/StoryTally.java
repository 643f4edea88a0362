package io.stockledger.cli;

import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.Movement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What a run of entries comes to: entries and units by what was done and where it was sold. Its size is bounded. */
final class StoryTally {
    private static final int WAYS_MAX = 24;
    private static final String OTHER_CHANNELS = "other channels";

    private final Map<Way, Sum> sums = new LinkedHashMap<>();

    private record Way(EntryKind kind, String channel) {
    }

    private record Sum(long entries, long units) {
        private Sum plus(Sum other) {
            return new Sum(entries + other.entries, units + other.units);
        }
    }

    void add(Entry entry) {
        // Only of a sale it is told where: of holds their channel is that of the sale to come.
        String channel = entry.getKind() == EntryKind.ENTRY_KIND_SELL ? entry.getChannel() : "";
        add(new Way(entry.getKind(), channel), new Sum(1, units(entry)));
    }

    void add(StoryTally other) {
        other.sums.forEach(this::add);
    }

    private void add(Way way, Sum sum) {
        boolean room = sums.containsKey(way) || sums.size() < WAYS_MAX;
        sums.merge(room ? way : new Way(way.kind, OTHER_CHANNELS), sum, Sum::plus);
    }

    static long units(Entry entry) {
        return entry.getMovementsList().stream().mapToLong(Movement::getQuantity).sum();
    }

    @Override
    public String toString() {
        return sums.entrySet().stream().map(way -> text(way.getKey(), way.getValue())).collect(Collectors.joining(", "));
    }

    private static String text(Way way, Sum sum) {
        String units = Table.grouped(sum.units);
        String on = way.channel.isEmpty() ? "" : " on " + way.channel;
        return switch (way.kind) {
            case ENTRY_KIND_EXPECT -> units + " expected";
            case ENTRY_KIND_CANCEL_EXPECTED -> units + " no longer expected";
            case ENTRY_KIND_RECEIVE -> units + " arrived";
            case ENTRY_KIND_RESERVE -> units + " held" + times(sum, "hold");
            case ENTRY_KIND_EXTEND -> times("hold", sum.entries) + " extended";
            case ENTRY_KIND_RELEASE -> units + " let go";
            case ENTRY_KIND_COMMIT -> units + " of holds paid";
            case ENTRY_KIND_FULFILL -> units + " of holds left";
            case ENTRY_KIND_CANCEL_COMMITTED -> units + " of paid ones cancelled";
            case ENTRY_KIND_SELL -> units + " sold" + on + times(sum, "sale");
            case ENTRY_KIND_RETURN -> units + " came back";
            case ENTRY_KIND_SET_ASIDE -> units + " set aside";
            case ENTRY_KIND_PUT_BACK -> units + " put back";
            case ENTRY_KIND_SHIP_TRANSFER -> units + " sent to another location";
            case ENTRY_KIND_RECEIVE_TRANSFER -> units + " arrived from another location";
            case ENTRY_KIND_ADJUST -> times("adjustment", sum.entries) + " of " + units;
            case ENTRY_KIND_COUNT -> times("count", sum.entries) + (sum.units == 0 ? "" : " that moved " + units);
            case ENTRY_KIND_SET_SAFETY_STOCK -> "safety stock set";
            case ENTRY_KIND_SET_CHANNEL_ALLOCATION -> "allocation set";
            case ENTRY_KIND_EXPIRE -> units + " not paid in time";
            case ENTRY_KIND_UNSPECIFIED, UNRECOGNIZED -> times("entry", sum.entries) + " of other kinds";
        };
    }

    private static String times(Sum sum, String what) {
        return sum.entries == sum.units ? "" : " in " + times(what, sum.entries);
    }

    private static String times(String what, long count) {
        return count == 1 ? "1 " + what : Table.grouped(count) + " " + (what.equals("entry") ? "entries" : what + "s");
    }
}
