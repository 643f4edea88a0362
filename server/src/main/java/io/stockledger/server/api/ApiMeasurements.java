package io.stockledger.server.api;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.stockledger.server.entity.Outcome;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What comes in at the door, what is turned away there, and how much is inside. */
final class ApiMeasurements {
    private final MeterRegistry registry;
    private final Counter malformed;
    private final Counter turnedAway;
    private final Timer streamRequests;

    ApiMeasurements(MeterRegistry registry) {
        this.registry = registry;
        malformed = mutations("invalid", "none");
        // The same reason as where a single SKU is full: callers are told the same.
        turnedAway = mutations("failed", Outcome.Failure.TOO_MANY_WAITING.name());
        streamRequests = calls("StreamMutations");
    }

    private Counter mutations(String outcome, String reason) {
        return Counter.builder("stockledger.mutations").tag("outcome", outcome).tag("reason", reason)
                .description("Mutations by what came of them").register(registry);
    }

    /** How long calls of a method take. */
    Timer calls(String method) {
        return Timer.builder("stockledger.calls").tag("call", method)
                .description("From a call's arrival until its answer; of a stream, from a request's arrival until it is answered")
                .register(registry);
    }

    /** Calls of a method that ended with a status other than OK. */
    Counter errors(String method, String code) {
        return Counter.builder("stockledger.call.errors").tag("call", method).tag("code", code)
                .description("Calls that ended with an error, by gRPC status").register(registry);
    }

    void watch(Admission admission) {
        bounded("stockledger.waiting", "Mutations and looks taken in and not answered yet", admission::waiting, admission.max());
    }

    void watch(Reads reads, int waitingMax) {
        bounded("stockledger.reads.waiting", "Reads of the journal that wait for a thread", reads::waiting, waitingMax);
    }

    void watchStreams(Supplier<Number> open, int max) {
        bounded("stockledger.streams.open", "Mutation streams that are open", open, max);
    }

    private void bounded(String name, String what, Supplier<Number> now, int max) {
        Gauge.builder(name, now).description(what).register(registry);
        Gauge.builder(name + ".limit", () -> max).description(what + ": at most").register(registry);
    }

    void malformed() {
        malformed.increment();
    }

    void turnedAway(int mutations) {
        turnedAway.increment(mutations);
    }

    void streamRequestAnswered(long sinceNanos) {
        streamRequests.record(System.nanoTime() - sinceNanos, TimeUnit.NANOSECONDS);
    }
}
