package io.stockledger.server.feed;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** How the feed keeps up with the journal, and its subscribers with the feed. */
final class FeedMeasurements {
    private final MeterRegistry registry;
    private final Timer tailLag;
    private final Counter messages;
    private final Counter sentBytes;
    private final Counter fallenBehind;

    FeedMeasurements(MeterRegistry registry) {
        this.registry = registry;
        tailLag = Timer.builder("stockledger.tail.lag")
                .description("From a commit of this node until the tail has read it, once a look of the tail and for the"
                        + " oldest commit in it; only while somebody subscribes")
                .register(registry);
        messages = Counter.builder("stockledger.feed.messages")
                .description("Messages sent to subscribers, heartbeats among them").register(registry);
        sentBytes = Counter.builder("stockledger.feed.sent").baseUnit("bytes")
                .description("Bytes of messages sent to subscribers").register(registry);
        fallenBehind = Counter.builder("stockledger.feed.fallen.behind")
                .description("Times that a live subscriber fell off the newest rows in memory and went back to the journal")
                .register(registry);
    }

    void watch(Feed feed) {
        subscribers("live", feed::liveCount);
        subscribers("catching_up", () -> feed.subscriptionCount() - feed.liveCount());
        Gauge.builder("stockledger.subscribers.limit", feed::subscriptionsMax)
                .description("Subscriptions that may be open").register(registry);
        TimeGauge.builder("stockledger.subscribers.behind.longest", feed::longestBehindNanos, TimeUnit.NANOSECONDS)
                .description("The subscriber that is behind for the longest: since when it has not had all that it asks for")
                .register(registry);
        TimeGauge.builder("stockledger.feed.completeness.age", feed::completenessAgeMs, TimeUnit.MILLISECONDS)
                .description("Everything that was committed until so long ago has been told")
                .register(registry);
        TimeGauge.builder("stockledger.feed.watermark.age", () -> feed.watermarkAge().toNanos(), TimeUnit.NANOSECONDS)
                .description("For how long committed entries have been held back by a transaction that does not end")
                .register(registry);
        Gauge.builder("stockledger.feed.ring", feed.ring()::bytes).baseUnit("bytes")
                .description("The newest rows, kept in memory for all subscribers").register(registry);
    }

    private void subscribers(String state, Supplier<Number> count) {
        Gauge.builder("stockledger.subscribers", count).tag("state", state)
                .description("Open subscriptions: live, or reading the journal to catch up").register(registry);
    }

    void lagged(long nanos) {
        tailLag.record(nanos, TimeUnit.NANOSECONDS);
    }

    void sent(FeedMessage message) {
        messages.increment();
        sentBytes.increment(message.length());
    }

    void fellBehind() {
        fallenBehind.increment();
    }
}
