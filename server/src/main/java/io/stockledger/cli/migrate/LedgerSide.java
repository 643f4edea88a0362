package io.stockledger.cli.migrate;

import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerException;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Stock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * The ledger's figures as the feed tells them, each with those that stood in its place during the last while. A stock
 * view would know the present alone; but a copy that a job made ten minutes ago is right when it is what the ledger
 * said ten minutes ago. Written by the subscription's thread, read by another.
 */
final class LedgerSide implements EntryListener {
    /** Heartbeats come each second: a feed that is silent for longer is not to be compared with. */
    private static final Duration SILENT_MAX = Duration.ofSeconds(5);

    private final Figure figure;
    private final long memoryNanos;
    private final LongSupplier nanoTime;
    private final Map<OldStock.Place, Track> tracks = new HashMap<>();
    private Map<OldStock.Place, Long> gathering = new HashMap<>();
    private boolean caughtUp;
    private long heardNanos;
    private Optional<LedgerException> failure = Optional.empty();

    /** A figure that stood until then. */
    private record Past(long value, long untilNanos) {
    }

    /** What is known of one place. */
    private static final class Track {
        private long value;
        private final Deque<Past> before = new ArrayDeque<>();

        Track(long value) {
            this.value = value;
        }

        void set(long now, long next, long memoryNanos) {
            if (next != value) {
                before.addLast(new Past(value, now));
                value = next;
            }
            while (!before.isEmpty() && now - before.peekFirst().untilNanos() > memoryNanos) {
                before.removeFirst();
            }
        }

        boolean said(long asked, long now, long memoryNanos) {
            return before.stream().anyMatch(past -> past.value() == asked && now - past.untilNanos() <= memoryNanos);
        }
    }

    /** @param memory how long a figure is remembered after another took its place */
    LedgerSide(Figure figure, Duration memory, LongSupplier nanoTime) {
        this.figure = figure;
        this.memoryNanos = memory.toNanos();
        this.nanoTime = nanoTime;
    }

    @Override
    public synchronized void onStockBegins() {
        gathering = new HashMap<>();
    }

    @Override
    public synchronized void onStock(List<Stock> stocks) {
        stocks.forEach(stock -> stock.getBalancesList().forEach(balance ->
                gathering.put(new OldStock.Place(stock.getSku(), balance.getLocation()), figure.of(balance))));
    }

    @Override
    public synchronized void onStockComplete(FeedProgress progress) {
        if (tracks.isEmpty()) {
            // What the ledger had before is not known: nothing, least of all no stock, may pass for a figure of its past.
            gathering.forEach((place, value) -> tracks.put(place, new Track(value)));
        } else {
            gathering.forEach(this::set);
        }
        gathering = new HashMap<>();
        heard();
    }

    @Override
    public synchronized void onEntries(List<Entry> entries, FeedProgress progress) {
        for (Entry entry : entries) {
            for (LocationBalance balance : entry.getBalancesList()) {
                set(new OldStock.Place(entry.getSku(), balance.getLocation()), figure.of(balance));
            }
        }
        heard();
    }

    @Override
    public synchronized void onCaughtUp(FeedProgress progress) {
        caughtUp = true;
        heard();
    }

    @Override
    public synchronized void onFallenBehind() {
        caughtUp = false;
    }

    @Override
    public synchronized void onHeartbeat(FeedProgress progress) {
        heard();
    }

    @Override
    public synchronized void onFailed(LedgerException error) {
        failure = Optional.of(error);
    }

    private void heard() {
        heardNanos = nanoTime.getAsLong();
    }

    private void set(OldStock.Place place, long value) {
        tracks.computeIfAbsent(place, key -> new Track(0)).set(nanoTime.getAsLong(), value, memoryNanos);
    }

    /** Whether what it says is the ledger's present; throws what ended the feed for good. */
    synchronized boolean isFresh() {
        failure.ifPresent(error -> {
            throw error;
        });
        return caughtUp && nanoTime.getAsLong() - heardNanos <= SILENT_MAX.toNanos();
    }

    /** The ledger's figure; 0 of a place that it has never heard of. */
    synchronized long value(OldStock.Place place) {
        Track track = tracks.get(place);
        return track == null ? 0 : track.value;
    }

    /** Where the ledger has units, or too few. */
    synchronized List<OldStock.Place> places() {
        return tracks.entrySet().stream().filter(entry -> entry.getValue().value != 0).map(Map.Entry::getKey).toList();
    }

    /** Whether the ledger said so within its memory, though it says something else now. */
    synchronized boolean said(OldStock.Place place, long value) {
        Track track = tracks.get(place);
        return track != null && track.said(value, nanoTime.getAsLong(), memoryNanos);
    }
}
