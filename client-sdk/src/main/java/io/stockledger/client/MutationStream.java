package io.stockledger.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Puts single mutations into batches without a timer: with nothing under way a mutation leaves at once, alone; what
 * comes while requests are under way gathers and leaves together when an answer makes room. So a lone caller never
 * waits for company, and a crowd pays one request for up to 1,000.
 *
 * <p>When the stream breaks, what was unanswered is sent again on the next one, in the order of submission and before
 * anything newer. Where the ledger puts one mutation off, the later ones of its SKU wait behind it.
 *
 * <p>All state is guarded by {@code lock}, which is never held while gRPC sends or a continuation runs; sending is
 * done by one thread at a time, the one that holds {@code sending}.
 */
final class MutationStream {

    /** The contract's bound on mutations a request. */
    private static final int BATCH_MUTATIONS_MAX = 1_000;

    /** Below the usual 1 MiB bound on a request, headers included. */
    private static final int BATCH_BYTES_MAX = 1_000_000;

    /** No mutation within the contract's limits comes near; a larger one would take its batch's company down. */
    private static final int MUTATION_BYTES_MAX = 65_536;

    /** One request being decided, one that is there when it is done; more partial ones would only be smaller. */
    private static final int PARTIAL_REQUESTS_IN_FLIGHT_MAX = 2;

    /** So many are worth a second request; of a smaller crowd all had better be in one group. */
    private static final int SECOND_REQUEST_MUTATIONS_MIN = 128;

    /** Full requests gain nothing by waiting, so more of them may be under way. */
    private static final int REQUESTS_IN_FLIGHT_MAX = 8;

    /** How long what continuations submit may wait for the next of them to run. */
    private static final long GATHER_NANOS_MAX = TimeUnit.MICROSECONDS.toNanos(200);

    private final Link link;
    private final ScheduledThreadPoolExecutor timer;
    private final Duration callTimeout;
    private final int underWayMax;

    /** Set on a thread that runs continuations: the first one's mutation would leave alone, and the others wait for it. */
    private final ThreadLocal<Boolean> continuing = new ThreadLocal<>();

    private final Object lock = new Object();
    /** Never sent yet, in the order of submission. */
    private final ArrayDeque<Item> fresh = new ArrayDeque<>();
    /** To be sent again; every one was submitted before any that is fresh. */
    private final PriorityQueue<Item> again = new PriorityQueue<>(Item.BY_ORDINAL);
    /** By SKU: what the ledger put off, and what waits behind it. */
    private final Map<String, PriorityQueue<Item>> putOff = new HashMap<>();
    /** Sent on the present stream, unanswered. */
    private final ArrayDeque<Batch> inFlight = new ArrayDeque<>();

    private int underWay;
    private long nextOrdinal;
    private int failures;
    private boolean sending;
    private boolean backingOff;
    private boolean closed;
    /** The present stream; null where there is none. */
    private Call current;
    /** Looks for what waited too long; null until the first mutation. */
    private ScheduledFuture<?> watch;

    MutationStream(Link link, ScheduledThreadPoolExecutor timer, Duration callTimeout, int underWayMax) {
        this.link = link;
        this.timer = timer;
        this.callTimeout = callTimeout;
        this.underWayMax = underWayMax;
    }

    CompletableFuture<Outcome> submit(PendingMutation pending) {
        String id = pending.mutation().getMutationId();
        int bytes = pending.mutation().getSerializedSize();
        if (bytes > MUTATION_BYTES_MAX) {
            return CompletableFuture.failedFuture(new LedgerException(
                    Status.Code.INVALID_ARGUMENT,
                    "REQUEST_TOO_LARGE",
                    false,
                    id,
                    "a mutation of " + bytes + " bytes is beyond every limit of the contract; at most "
                            + MUTATION_BYTES_MAX + " are sent",
                    null));
        }
        Item item;
        synchronized (lock) {
            if (closed) {
                return CompletableFuture.failedFuture(pending.closed(link.target()));
            }
            if (underWay >= underWayMax) {
                return CompletableFuture.failedFuture(new LedgerException(
                        Status.Code.RESOURCE_EXHAUSTED,
                        "CLIENT_FULL",
                        false,
                        id,
                        underWayMax + " mutations are under way, the most that this client allows; not sent: wait for"
                                + " one of them",
                        null));
            }
            underWay++;
            item = new Item(pending, nextOrdinal++, bytes);
            fresh.add(item);
            if (watch == null) {
                long period = Math.max(10, Math.min(250, callTimeout.toMillis() / 10));
                watch = timer.scheduleWithFixedDelay(this::lookForOverdue, period, period, TimeUnit.MILLISECONDS);
            }
        }
        if (continuing.get() == null) {
            pump();
        }
        return item.future;
    }

    void close() {
        List<Item> left = new ArrayList<>();
        Call call;
        synchronized (lock) {
            closed = true;
            for (Batch batch : inFlight) {
                batch.items.forEach(item -> item.pending.abandonedUnderWay());
                left.addAll(batch.items);
            }
            left.addAll(waiting());
            inFlight.clear();
            fresh.clear();
            again.clear();
            putOff.clear();
            call = current;
            current = null;
            if (watch != null) {
                watch.cancel(false);
            }
        }
        if (call != null) {
            call.cancel("client closed");
        }
        Completions completions = new Completions();
        left.forEach(item -> completions.fail(item, item.pending.closed(link.target())));
        completions.run();
    }

    /** Sends what may be sent now. Whoever changed something that could allow a send calls it. */
    private void pump() {
        while (true) {
            Call call;
            Batch batch;
            synchronized (lock) {
                if (sending || closed || backingOff || !hasRoom()) {
                    return;
                }
                batch = nextBatch();
                if (batch.items.isEmpty()) {
                    return;
                }
                sending = true;
                if (current == null) {
                    current = new Call();
                }
                call = current;
                inFlight.add(batch);
            }
            try {
                call.send(batch.request());
            } finally {
                synchronized (lock) {
                    sending = false;
                }
            }
        }
    }

    /** Whether a request may join those under way. */
    private boolean hasRoom() {
        int waiting = fresh.size() + again.size();
        int inFlightMax = waiting >= BATCH_MUTATIONS_MAX
                ? REQUESTS_IN_FLIGHT_MAX
                : waiting >= SECOND_REQUEST_MUTATIONS_MIN ? PARTIAL_REQUESTS_IN_FLIGHT_MAX : 1;
        return inFlight.size() < inFlightMax;
    }

    private Batch nextBatch() {
        List<Item> items = new ArrayList<>();
        int bytes = 0;
        while (items.size() < BATCH_MUTATIONS_MAX) {
            boolean isAgain = !again.isEmpty();
            Item next = isAgain ? again.peek() : fresh.peek();
            if (next == null) {
                break;
            }
            PriorityQueue<Item> held = putOff.get(next.pending.sku());
            if (held == null && bytes + next.bytes > BATCH_BYTES_MAX) {
                break;
            }
            if (isAgain) {
                again.poll();
            } else {
                fresh.poll();
            }
            if (next.done) {
                continue;
            }
            if (held != null) {
                held.add(next);
                continue;
            }
            items.add(next);
            // A few bytes of field header a mutation.
            bytes += next.bytes + 8;
        }
        return new Batch(items, System.nanoTime());
    }

    private void answered(Call call, StreamMutationsResponse response) {
        Completions completions = new Completions();
        synchronized (lock) {
            if (call != current) {
                return;
            }
            Batch batch = inFlight.poll();
            if (batch == null || batch.items.size() != response.getResultsCount()) {
                // Results are matched by their place: what follows on this stream can mean nothing.
                if (batch != null) {
                    inFlight.addFirst(batch);
                }
                completions.then(() -> broken(
                        call,
                        Failure.of(
                                Status.INTERNAL.withDescription("the ledger's results do not match the mutations sent"),
                                new Metadata())));
            } else {
                failures = 0;
                for (int i = 0; i < batch.items.size(); i++) {
                    settle(batch.items.get(i), response.getResults(i), completions);
                }
            }
        }
        link.answered();
        completions.run();
    }

    private void settle(Item item, MutationResult result, Completions completions) {
        if (item.done) {
            return;
        }
        PendingMutation.outcome(result).ifPresentOrElse(outcome -> completions.complete(item, outcome), () -> {
            Failure failure = Failure.of(result.getError());
            Duration delay = item.pending.failed(failure);
            if (failure.verdict() == Failure.Verdict.FINAL) {
                completions.fail(item, item.pending.refusedFinally(failure, link.target()));
            } else if (item.pending.left().compareTo(delay) <= 0) {
                completions.fail(item, item.pending.givenUp(link.target()));
            } else {
                putOff(item, delay);
            }
        });
    }

    private void putOff(Item item, Duration delay) {
        String sku = item.pending.sku();
        PriorityQueue<Item> held = putOff.get(sku);
        if (held == null) {
            held = new PriorityQueue<>(Item.BY_ORDINAL);
            putOff.put(sku, held);
            later(delay, () -> {
                synchronized (lock) {
                    PriorityQueue<Item> due = putOff.remove(sku);
                    if (due != null) {
                        again.addAll(due);
                    }
                }
                pump();
            });
        }
        held.add(item);
    }

    /** The stream ended, by the ledger, the network or our own impatience: what it left unanswered goes again. */
    private void broken(Call call, Failure failure) {
        Completions completions = new Completions();
        synchronized (lock) {
            if (call != current) {
                return;
            }
            current = null;
            boolean wrongAddress = link.isWrongAddress(failure);
            List<Item> unanswered = new ArrayList<>();
            inFlight.forEach(batch -> unanswered.addAll(batch.items));
            inFlight.clear();
            if (wrongAddress) {
                // Waiting would bring each of them here in turn.
                unanswered.addAll(waiting());
                fresh.clear();
                again.clear();
                putOff.clear();
            }
            for (Item item : unanswered) {
                if (item.done) {
                    continue;
                }
                item.pending.failed(failure);
                if (failure.verdict() == Failure.Verdict.FINAL) {
                    completions.fail(item, item.pending.refusedFinally(failure, link.target()));
                } else if (wrongAddress || item.pending.left().isNegative()) {
                    completions.fail(item, item.pending.givenUp(link.target()));
                } else {
                    again.add(item);
                }
            }
            if (!wrongAddress && !closed) {
                backingOff = true;
                failures++;
                later(Backoff.delay(failures, failure), () -> {
                    link.reconnect();
                    synchronized (lock) {
                        backingOff = false;
                    }
                    pump();
                });
            }
        }
        call.cancel("broken");
        link.reconnect();
        if (failure.ledgerAnswered()) {
            link.answered();
        }
        completions.run();
    }

    /** Breaks off a stream that has not answered in time, and ends mutations whose not_after has passed. */
    private void lookForOverdue() {
        Completions completions = new Completions();
        Call silent = null;
        synchronized (lock) {
            Batch oldest = inFlight.peek();
            if (oldest != null && System.nanoTime() - oldest.sentNanos > callTimeout.toNanos()) {
                silent = current;
            }
            for (Batch batch : inFlight) {
                for (Item item : batch.items) {
                    if (!item.done && item.pending.left().isNegative()) {
                        item.pending.abandonedUnderWay();
                        completions.fail(item, item.pending.givenUp(link.target()));
                    }
                }
            }
            for (Item item : waiting()) {
                if (!item.done && item.pending.left().isNegative()) {
                    completions.fail(item, item.pending.givenUp(link.target()));
                }
            }
            // Their places are free again, so new ones may come: while the stream is down nothing else drops them.
            fresh.removeIf(item -> item.done);
            again.removeIf(item -> item.done);
            putOff.values().forEach(held -> held.removeIf(item -> item.done));
        }
        completions.run();
        if (silent != null) {
            broken(silent, Failure.of(Status.DEADLINE_EXCEEDED, new Metadata()));
        }
    }

    private List<Item> waiting() {
        List<Item> waiting = new ArrayList<>(again);
        putOff.values().forEach(waiting::addAll);
        waiting.addAll(fresh);
        return waiting;
    }

    private void later(Duration delay, Runnable task) {
        try {
            timer.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException closing) {
            // close() has failed, or is about to fail, everything that the task would have served.
        }
    }

    /** A mutation and who waits for it. */
    private static final class Item {
        private static final Comparator<Item> BY_ORDINAL = Comparator.comparingLong(item -> item.ordinal);

        private final PendingMutation pending;
        private final CompletableFuture<Outcome> future = new CompletableFuture<>();
        private final long ordinal;
        private final int bytes;
        private boolean done;

        private Item(PendingMutation pending, long ordinal, int bytes) {
            this.pending = pending;
            this.ordinal = ordinal;
            this.bytes = bytes;
        }
    }

    private record Batch(List<Item> items, long sentNanos) {
        private StreamMutationsRequest request() {
            List<Mutation> mutations = new ArrayList<>(items.size());
            items.forEach(item -> mutations.add(item.pending.mutation()));
            return StreamMutationsRequest.newBuilder().addAllMutations(mutations).build();
        }
    }

    /** Futures to complete once the lock is free; a mutation's place is free before its future completes. */
    private final class Completions {
        private final List<Runnable> runs = new ArrayList<>();

        private void complete(Item item, Outcome outcome) {
            end(item, () -> item.future.complete(outcome));
        }

        private void fail(Item item, LedgerException error) {
            end(item, () -> item.future.completeExceptionally(error));
        }

        private void then(Runnable run) {
            runs.add(run);
        }

        /** What continuations submit gathers meanwhile, and leaves when all have run, or some took long. */
        private void run() {
            continuing.set(true);
            try {
                long sinceNanos = System.nanoTime();
                for (Runnable run : runs) {
                    run.run();
                    if (System.nanoTime() - sinceNanos > GATHER_NANOS_MAX) {
                        pump();
                        sinceNanos = System.nanoTime();
                    }
                }
            } finally {
                continuing.remove();
            }
            pump();
        }

        private void end(Item item, Runnable run) {
            synchronized (lock) {
                if (item.done) {
                    return;
                }
                item.done = true;
                underWay--;
            }
            runs.add(run);
        }
    }

    /** One gRPC call of StreamMutations. */
    private final class Call extends ClientCall.Listener<StreamMutationsResponse> {
        private final ClientCall<StreamMutationsRequest, StreamMutationsResponse> call =
                link.channel().newCall(LedgerServiceGrpc.getStreamMutationsMethod(), CallOptions.DEFAULT);
        /** Touched only by the thread that is sending. */
        private boolean started;

        private void send(StreamMutationsRequest request) {
            try {
                if (!started) {
                    started = true;
                    call.start(this, new Metadata());
                    call.request(REQUESTS_IN_FLIGHT_MAX);
                }
                call.sendMessage(request);
            } catch (IllegalStateException cancelledMeanwhile) {
                // Its batch was taken back by whoever cancelled; if nobody did, it is now.
                broken(this, Failure.of(Status.CANCELLED.withCause(cancelledMeanwhile), new Metadata()));
            }
        }

        private void cancel(String why) {
            call.cancel(why, null);
        }

        @Override
        public void onMessage(StreamMutationsResponse response) {
            answered(this, response);
            call.request(1);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            // A ledger that ends the stream in good order has still not answered what is in flight.
            Status ended = status.isOk() ? Status.UNAVAILABLE.withDescription("the ledger ended the stream") : status;
            broken(this, Failure.of(ended, trailers));
        }
    }
}
