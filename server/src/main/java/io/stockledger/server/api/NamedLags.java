package io.stockledger.server.api;

import com.typesafe.config.Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import io.stockledger.server.feed.Lag;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.StartupException;
import io.stockledger.server.journal.SubscriptionStore;
import io.stockledger.server.journal.SubscriptionStore.Named;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures how far each named subscription is behind, also one that has no consumer left who could tell. Each node
 * measures all of them; a look begins so long after the last has ended, and rests while mutations come in.
 */
final class NamedLags implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NamedLags.class);
    private static final int NAMES_A_PAGE = 50;
    private static final int PAGE_BYTES = 1 << 20;
    /** Rows in which the first entry of a name is looked for that was not acknowledged. */
    private static final int ROWS_MAX = 1_000;

    private record Seen(double behindSeconds, int consumers, long parked) {
        private static final Seen NOTHING = new Seen(0, 0, 0);
    }

    private final SubscriptionStore store;
    private final JournalReader journal;
    private final InstantSource clock;
    private final Pace pace;
    private final MultiGauge behind;
    private final MultiGauge consumers;
    private final MultiGauge parked;
    /** By name, as of the last look. */
    private volatile Map<String, Seen> seen = Map.of();
    /** Touched by the thread alone. */
    private boolean failing;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread made = new Thread(task, "subscription-lags");
        made.setDaemon(true);
        return made;
    });

    private NamedLags(SubscriptionStore store, JournalReader journal, InstantSource clock, Pace pace, MeterRegistry registry) {
        this.store = store;
        this.journal = journal;
        this.clock = clock;
        this.pace = pace;
        this.behind = MultiGauge.builder("stockledger.subscription.behind").baseUnit("seconds")
                .description("Since when a named subscription's first entry that was not acknowledged has been there").register(registry);
        this.consumers = MultiGauge.builder("stockledger.subscription.consumers")
                .description("Consumers of a named subscription, on all nodes").register(registry);
        this.parked = MultiGauge.builder("stockledger.subscription.parked")
                .description("Entries that a named subscription has parked").register(registry);
    }

    /** {@code config}: stockledger.subscriptions. */
    static NamedLags start(SubscriptionStore store, JournalReader journal, InstantSource clock, Pace pace, Config config,
            MeterRegistry registry) {
        NamedLags lags = new NamedLags(store, journal, clock, pace, registry);
        long everyMs = config.getDuration("measure-interval").toMillis();
        if (everyMs < 1) {
            throw new StartupException("stockledger.subscriptions.measure-interval is " + everyMs + " ms: set it above 0.");
        }
        lags.thread.scheduleWithFixedDelay(lags::look, everyMs, everyMs, TimeUnit.MILLISECONDS);
        return lags;
    }

    private void look() {
        try {
            measure();
            failing = false;
        } catch (SQLException | RuntimeException e) {
            // Once a time that it fails, not at each look.
            if (!failing && !thread.isShutdown()) {
                LOG.warn("Named subscriptions can't be measured now, their metrics stand still: {}", e.toString());
            }
            failing = true;
        }
    }

    private void measure() throws SQLException {
        Map<String, Seen> now = new LinkedHashMap<>();
        Optional<String> after = Optional.of("");
        while (after.isPresent()) {
            SubscriptionStore.Page page = store.after(after.get(), NAMES_A_PAGE, PAGE_BYTES);
            for (Named named : page.names()) {
                long begun = System.nanoTime();
                Lag lag = Lag.of(journal, named, SubscriptionApi.selection(named), ROWS_MAX);
                now.put(named.name(), new Seen(lag.ageMs(clock.millis()) / 1e3, named.consumers().size(), named.parked()));
                pace.rest(System.nanoTime() - begun);
            }
            after = page.next();
        }
        seen = now;
        behind.register(rows(Seen::behindSeconds));
        consumers.register(rows(Seen::consumers));
        parked.register(rows(Seen::parked));
    }

    /** A row reads what was seen last: one that is registered already stays as it is, so no scrape misses it. */
    private List<Row<?>> rows(ToDoubleFunction<Seen> figure) {
        return seen.keySet().stream().<Row<?>>map(name -> Row.of(Tags.of("name", name), this,
                lags -> figure.applyAsDouble(lags.seen.getOrDefault(name, Seen.NOTHING)))).toList();
    }

    @Override
    public void close() {
        thread.shutdownNow();
    }
}
