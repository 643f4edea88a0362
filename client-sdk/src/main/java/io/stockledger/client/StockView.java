package io.stockledger.client;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stock as this process knows it: a local projection that begins with initial stock, or with its own snapshot on disk,
 * and follows the feed. Reads are memory look-ups and never wait; each is of one SKU at one sequence. It may be behind
 * the ledger, and says by how much at most ({@link #stalenessMillis()}): show it to shoppers, and let the ledger decide
 * ({@code Reserve}, {@code Sell}). Where few are left, {@link LastUnits} asks the ledger.
 *
 * <p>It resumes by itself after any break, during which the last values stay readable and grow stale. Where initial
 * stock must be read again, the old values stay until the new are complete; for that time it takes twice its memory.
 */
public final class StockView implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(StockView.class);

    private static final int HEARTBEAT_INTERVAL_MS = 250;
    private static final long SNAPSHOT_WAIT_SECONDS = 30;

    private final Builder settings;
    private final FeedClock clock = new FeedClock(System::nanoTime);
    private final CountDownLatch caughtUp = new CountDownLatch(1);
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Optional<Snapshots> snapshots;
    private final Optional<String> coldStart;
    private volatile Map<String, SkuStock> stocks = new ConcurrentHashMap<>();
    /** Its entries up to here are in {@link #stocks}, and maybe more; empty before there is one. */
    private volatile ByteString cursor = ByteString.EMPTY;

    private final Subscription subscription;

    /** A view would hold more than it may. */
    static final class FullException extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final LedgerException error;

        private FullException(int balancesMax) {
            super("the view is full");
            this.error = LedgerException.of(
                    Status.Code.RESOURCE_EXHAUSTED,
                    "VIEW_FULL",
                    "the stock of its SKUs is more than the " + balancesMax + " balances that this view may hold (one a"
                            + " SKU and location); give it a larger balancesMax, or fewer SKUs by a filter or a share",
                    null);
        }

        LedgerException error() {
            return error;
        }
    }

    private StockView(Builder settings) {
        this.settings = settings;
        Optional<ViewFile> file =
                settings.snapshot.map(path -> new ViewFile(path, settings.filter, settings.share));
        Optional<ViewFile.Held> held = Optional.empty();
        Optional<String> unusable = Optional.empty();
        try {
            held = file.isPresent() ? file.get().read(settings.balancesMax) : Optional.empty();
        } catch (ViewFile.UnusableException e) {
            LOG.warn("{}; beginning with initial stock", e.getMessage());
            unusable = Optional.of(e.getMessage());
        }
        this.coldStart = unusable;
        this.snapshots = file.map(Snapshots::new);
        Projector projector = new Projector();
        held.ifPresent(it -> {
            stocks = new ConcurrentHashMap<>(it.stocks());
            projector.balances = balances(it.stocks());
            cursor = it.cursor();
            clock.complete(it.completeTime());
        });
        SubscribeRequest.Builder request = SubscribeRequest.newBuilder()
                .setFromNow(true)
                .setInitialStock(true)
                .setHeartbeatIntervalMs(HEARTBEAT_INTERVAL_MS)
                .setFilter(settings.filter);
        if (settings.share.getCount() > 0) {
            request.setShare(settings.share);
        }
        this.subscription =
                settings.client.subscribe(request.build(), projector, Optional.of(new Subscription.View(clock, held)));
    }

    /**
     * Units that may be sold on the channel, over all locations: what {@code Reserve} and {@code Sell} would have gone
     * by at this view's sequence. 0 for a SKU that it does not know.
     */
    public long availableToSell(String sku, String channel) {
        return skuStock(sku).availableToSell(channel);
    }

    /** Units that may be sold on the channel at one location. */
    public long availableToSell(String sku, String channel, String location) {
        return skuStock(sku)
                .balance(location)
                .map(balance -> AvailableToSell.at(balance, channel))
                .orElse(0L);
    }

    /** Units on the shelves of all locations: available, reserved, committed and unavailable. */
    public long onHand(String sku) {
        return skuStock(sku).onHand();
    }

    /** The sequence of the last entry of the SKU that the view reflects; 0 where it has none. */
    public long sequence(String sku) {
        return skuStock(sku).sequence();
    }

    /** All that the view knows of a SKU, available to sell as for a channel without an allocation; empty if nothing. */
    public Optional<Stock> stock(String sku) {
        return stock(sku, "");
    }

    /** All that the view knows of a SKU, available to sell as for {@code channel}; empty if nothing. */
    public Optional<Stock> stock(String sku, String channel) {
        return find(sku).map(known -> {
            Stock.Builder stock = Stock.newBuilder()
                    .setSku(sku)
                    .setSequence(known.sequence())
                    .addAllBalances(known.balances())
                    .setAvailableToSell(known.availableToSell(channel))
                    .setOnHand(known.onHand());
            clock.completeTime().ifPresent(time -> stock.setAsOfTime(Times.timestamp(time)));
            return stock.build();
        });
    }

    /** The SKUs that the view knows; follows the view. */
    public Set<String> skus() {
        return Collections.unmodifiableSet(stocks.keySet());
    }

    /**
     * How old the view may be at most, in milliseconds: everything that the ledger committed longer ago than that is in
     * it. Grows while the connection is down or the view catches up; {@link Long#MAX_VALUE} while there is no bound:
     * before it first caught up, and after a start from a snapshot until the ledger's first message.
     *
     * <p>It trusts no wall clock of this machine. Each message tells up to which of the ledger's times everything is in
     * it; what that is by this process's steady clock, the view learns by asking the ledger's time every 5 seconds on
     * the same connection. So the figure is above the true age by what the question took on its way, a millisecond of
     * rounding, and up to 5 ms for clocks that drift apart; never below it, as long as two steady clocks drift apart by
     * less than a thousandth, but for the moment between the ledger's clock being set forward and the next question.
     */
    public long stalenessMillis() {
        return clock.stalenessMillis();
    }

    /**
     * How far this machine's wall clock is ahead of the ledger's, below zero where it is behind; too low by what the
     * last question for the ledger's time took. Nothing here depends on it. Empty before the ledger's first message.
     */
    public Optional<Duration> clockAheadOfLedger() {
        return clock.aheadOfLedger(Instant.now());
    }

    /** True where the view may be older than {@code bound}. */
    public boolean isStale(Duration bound) {
        return stalenessMillis() > bound.toMillis();
    }

    /**
     * Waits until the view has caught up for the first time.
     *
     * @return false where it has not within {@code bound}
     * @throws LedgerException where its subscription ended for good
     */
    public boolean awaitCaughtUp(Duration bound) {
        try {
            boolean done = caughtUp.await(bound.toNanos(), TimeUnit.NANOSECONDS);
            subscription.failure().ifPresent(error -> {
                throw error;
            });
            return done;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Holds what the view knows of a SKU against the ledger: what the SKU's entries come to, at the sequence that the
     * view reflects. Empty where the two are equal, or the view does not know the SKU. A call of {@code GetStockAt},
     * which the ledger answers as it finds time: for an audit now and then.
     *
     * @throws LedgerException where it does not answer
     */
    public Optional<Drift> drift(String sku) {
        return find(sku).flatMap(known -> {
            Stock entries = settings.client.stockAt(sku, known.sequence());
            return known.balances().equals(entries.getBalancesList())
                    ? Optional.empty()
                    : Optional.of(new Drift(sku, known.sequence(), entries.getBalancesList(), known.balances()));
        });
    }

    /**
     * A SKU of which the view holds something else than its entries come to.
     *
     * @param expected by the entries up to the sequence, by location
     * @param found in the view
     */
    public record Drift(String sku, long sequence, List<LocationBalance> expected, List<LocationBalance> found) {}

    /** Where its subscription stands: FAILED means that it will not come back. */
    public Subscription.State state() {
        return subscription.state();
    }

    /** Why it could not begin with the snapshot that it was given; empty where it did, or there was none. */
    public Optional<String> coldStart() {
        return coldStart;
    }

    /**
     * Ends its subscription, and writes a last snapshot where it was given a place for one and did not fail; the last
     * values stay readable and grow stale.
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            boolean failed = subscription.state() == Subscription.State.FAILED;
            subscription.close();
            snapshots.ifPresent(it -> it.close(failed));
        }
    }

    private SkuStock skuStock(String sku) {
        return find(sku).orElse(SkuStock.NONE);
    }

    /** The ledger knows SKUs in Unicode NFC, which most callers' already are: so only a miss is normalised. */
    private Optional<SkuStock> find(String sku) {
        SkuStock known = stocks.get(sku);
        return Optional.ofNullable(known != null ? known : stocks.get(Normalizer.normalize(sku, Normalizer.Form.NFC)));
    }

    private static long balances(Map<String, SkuStock> stocks) {
        return stocks.values().stream()
                .mapToLong(stock -> stock.balances().size())
                .sum();
    }

    /** Applies the feed; called on the subscription's thread alone, so only the readers' side needs care. */
    private final class Projector implements EntryListener {
        /** Of {@link #stocks}. */
        private long balances;
        /** Initial stock that is not complete yet. */
        private Map<String, SkuStock> gathering = new ConcurrentHashMap<>();

        private long gatheringBalances;

        @Override
        public void onStockBegins() {
            gathering = new ConcurrentHashMap<>();
            gatheringBalances = 0;
        }

        @Override
        public void onStock(List<Stock> told) {
            for (Stock stock : told) {
                SkuStock next = SkuStock.of(stock);
                gatheringBalances += next.balances().size();
                requireRoom(gatheringBalances);
                gathering.merge(stock.getSku(), next, SkuStock::and);
            }
        }

        @Override
        public void onStockComplete(FeedProgress progress) {
            Map<String, SkuStock> before = stocks;
            stocks = gathering;
            balances = gatheringBalances;
            gathering = new ConcurrentHashMap<>();
            if (!settings.thresholds.isEmpty()) {
                stocks.forEach((sku, stock) -> compare(sku, before.getOrDefault(sku, SkuStock.NONE), stock));
            }
            clock.told(progress);
            applied(progress);
        }

        @Override
        public void onEntries(List<Entry> entries, FeedProgress progress) {
            Map<String, SkuStock> current = stocks;
            for (Entry entry : entries) {
                SkuStock before = current.getOrDefault(entry.getSku(), SkuStock.NONE);
                SkuStock after = before.after(entry);
                if (after != before) {
                    balances += after.balances().size() - before.balances().size();
                    requireRoom(balances);
                    current.put(entry.getSku(), after);
                    compare(entry.getSku(), before, after);
                }
            }
            clock.told(progress);
            applied(progress);
        }

        @Override
        public void onCaughtUp(FeedProgress progress) {
            clock.caughtUp(progress);
            caughtUp.countDown();
            applied(progress);
        }

        @Override
        public void onHeartbeat(FeedProgress progress) {
            clock.told(progress);
            applied(progress);
        }

        @Override
        public void onFailed(LedgerException error) {
            gathering = new ConcurrentHashMap<>();
            caughtUp.countDown();
        }

        private void requireRoom(long balances) {
            if (balances > settings.balancesMax) {
                throw new FullException(settings.balancesMax);
            }
        }

        private void compare(String sku, SkuStock before, SkuStock after) {
            for (Threshold threshold : settings.thresholds) {
                threshold.compare(sku, before, after);
            }
        }

        /** Only now: a snapshot must not claim a message that was not applied to its end. */
        private void applied(FeedProgress progress) {
            if (!progress.cursor().isEmpty()) {
                cursor = progress.cursor();
                snapshots.ifPresent(Snapshots::writeIfDue);
            }
        }
    }

    /** Writes the view to disk, off the subscription's thread, which only copies what is to be written. */
    private final class Snapshots {
        private final ViewFile file;
        private final AtomicBoolean writing = new AtomicBoolean();
        private final ExecutorService writer = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "stockledger-view-snapshot");
            thread.setDaemon(true);
            return thread;
        });
        private long begunNanos = System.nanoTime();

        private Snapshots(ViewFile file) {
            this.file = file;
        }

        private void writeIfDue() {
            boolean due = System.nanoTime() - begunNanos >= settings.snapshotIntervalNanos;
            if (due && writing.compareAndSet(false, true)) {
                begunNanos = System.nanoTime();
                Optional<ViewFile.Held> held = held();
                writer.execute(() -> {
                    held.ifPresent(this::write);
                    writing.set(false);
                });
            }
        }

        /** A failed view writes none: what its listener was not done with must be told to the next one. */
        private void close(boolean failed) {
            if (!failed) {
                writer.execute(() -> held().ifPresent(this::write));
            }
            writer.shutdown();
            try {
                if (!writer.awaitTermination(SNAPSHOT_WAIT_SECONDS, TimeUnit.SECONDS)) {
                    LOG.warn("{} was not written within {} s; the one before stands", file.path(), SNAPSHOT_WAIT_SECONDS);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** Stock of the cursor or later: a SKU's own sequence says which entries behind the cursor it has already. */
        private Optional<ViewFile.Held> held() {
            ByteString reached = cursor;
            return reached.isEmpty()
                    ? Optional.empty()
                    : clock.completeTime().map(time -> new ViewFile.Held(reached, time, new HashMap<>(stocks)));
        }

        private void write(ViewFile.Held held) {
            try {
                file.write(held);
            } catch (IOException | RuntimeException e) {
                LOG.warn("{} can't be written, the view goes on without: {}", file.path(), e.toString());
            }
        }
    }

    /**
     * Units available to sell below which somebody wants to know. It keeps nothing of its own: what stood before an
     * entry says whether the SKU was below already, also after a start from a snapshot.
     */
    private record Threshold(long units, String channel, String location, LowStockListener listener) {

        private void compare(String sku, SkuStock before, SkuStock after) {
            OptionalLong units = availableToSell(after);
            boolean was = isBelow(availableToSell(before));
            boolean is = isBelow(units);
            if (is && !was) {
                listener.onBelow(sku, units.getAsLong());
            } else if (was && !is) {
                listener.onRisen(sku, units.orElse(0));
            }
        }

        private boolean isBelow(OptionalLong units) {
            return units.isPresent() && units.getAsLong() < this.units;
        }

        /** Empty where the SKU has never been there. */
        private OptionalLong availableToSell(SkuStock stock) {
            if (location.isEmpty()) {
                return stock.sequence() == 0 ? OptionalLong.empty() : OptionalLong.of(stock.availableToSell(channel));
            }
            return stock.balance(location).stream()
                    .mapToLong(balance -> AvailableToSell.at(balance, channel))
                    .findFirst();
        }
    }

    /** Settings for a {@link StockView}, each with its default. */
    public static final class Builder {

        private final LedgerClient client;
        private FeedFilter filter = FeedFilter.getDefaultInstance();
        private Share share = Share.getDefaultInstance();
        private int balancesMax = 1_000_000;
        private Optional<Path> snapshot = Optional.empty();
        private long snapshotIntervalNanos = Duration.ofMinutes(1).toNanos();
        private List<Threshold> thresholds = List.of();

        Builder(LedgerClient client) {
            this.client = client;
        }

        /** Only these SKUs, by name or prefix; default all. */
        public Builder filter(FeedFilter filter) {
            if (filter.getLocationsCount() + filter.getChannelsCount() + filter.getKindsCount() > 0) {
                throw new IllegalArgumentException(
                        "a stock view takes SKUs, a prefix or a share; without every entry of a SKU its balances would"
                                + " be wrong");
            }
            this.filter = filter;
            return this;
        }

        /** Only the SKUs of this share; default all. */
        public Builder share(Share share) {
            this.share = share;
            return this;
        }

        /**
         * How many balances (one a SKU and location) it may hold; default 1,000,000. Each takes about 250 bytes of
         * memory, and its channels' allocations more. A view that would hold more ends with the reason
         * {@code VIEW_FULL}: one with holes would show nothing where there is something.
         */
        public Builder balancesMax(int balancesMax) {
            if (balancesMax < 1) {
                throw new IllegalArgumentException("balancesMax must be 1 or more");
            }
            this.balancesMax = balancesMax;
            return this;
        }

        /**
         * A file that it is written to, and that it begins with where there is one; one a view, in a folder that
         * exists. Default: none. A file that is damaged, of another layout, or of another filter or share is not used
         * ({@link StockView#coldStart}); with one from before a restore of the ledger, or of another ledger, the view
         * begins with initial stock.
         */
        public Builder snapshot(Path file) {
            Path folder = file.toAbsolutePath().getParent();
            if (folder == null || !Files.isDirectory(folder)) {
                throw new IllegalArgumentException("there is no folder for the snapshot " + file);
            }
            this.snapshot = Optional.of(file);
            return this;
        }

        /** How often the snapshot is written, besides at the end; default every minute. */
        public Builder snapshotInterval(Duration interval) {
            this.snapshotIntervalNanos = LedgerClient.Builder.positive("snapshotInterval", interval).toNanos();
            return this;
        }

        /** Tells of each SKU that falls below so many units available to sell over all locations, without a channel. */
        public Builder onBelow(long units, LowStockListener listener) {
            return onBelow(units, "", "", listener);
        }

        /**
         * Tells of each SKU that falls below so many units available to sell.
         *
         * @param channel as it may sell; empty: as one without an allocation
         * @param location at this one alone, for SKUs that have been there; empty: over all of them
         */
        public Builder onBelow(long units, String channel, String location, LowStockListener listener) {
            List<Threshold> more = new ArrayList<>(thresholds);
            more.add(new Threshold(units, channel, location, listener));
            this.thresholds = List.copyOf(more);
            return this;
        }

        /**
         * The view, which begins to follow at once; the snapshot, if any, is read before this returns. A builder opens
         * one view.
         */
        public StockView open() {
            return new StockView(this);
        }
    }
}
