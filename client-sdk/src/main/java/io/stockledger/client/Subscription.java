package io.stockledger.client;

import com.google.protobuf.ByteString;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetTimeRequest;
import io.stockledger.v1.GetTimeResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A place in the feed that outlives its connections. Whatever breaks (the network, the ledger, three heartbeats in a
 * row that do not come), it comes back by itself after the cursor of the last message that its listener was done
 * with, with a jittered wait of at most a second between attempts, for as long as it is open.
 *
 * <p>To its listener, per SKU: in order, nothing skipped, nothing twice. The checks behind that hold for the 100,000
 * SKUs touched last; a gap where there may be none (the filter is by SKU, prefix or share only) ends the subscription
 * with the reason {@code FEED_GAP} rather than being passed over.
 *
 * <p>With a name the ledger keeps the cursor, and shares the SKUs among the consumers of the name; what the listener is
 * done with is acknowledged by itself. What another consumer had, or this one before it came back, may come again where
 * it was not acknowledged: repeats are dropped by sequence as far as this object has seen them. Where SKUs come and go a
 * gap can't be told. A clean {@link #close()} leaves nothing unacknowledged.
 *
 * <p>Where it starts is the request's: the beginning, now, after a cursor, or initial stock. A break in the middle of
 * initial stock begins it again, told by {@link EntryListener#onStockBegins}. "Now" is settled by the first message:
 * {@link EntryListener#onCaughtUp} says when.
 */
public final class Subscription implements AutoCloseable {

    /** Where a subscription stands. */
    public enum State {
        /** No answer yet on the present connection: the first is under way, or one broke and the next is tried. */
        CONNECTING,
        /** Connected; the ledger holds more than has been delivered. */
        CATCHING_UP,
        /** Everything committed has been delivered. */
        CAUGHT_UP,
        /** Ended for good by an error; {@link EntryListener#onFailed} has told which. */
        FAILED,
        /** Closed by its owner. */
        CLOSED
    }

    private static final Logger LOG = LoggerFactory.getLogger(Subscription.class);

    /** The cursor is of before a restore, or of another ledger that stood at this address. */
    private static final Set<String> CURSOR_UNKNOWN = Set.of("CURSOR_EXPIRED", "INVALID_CURSOR");

    private static final int HEARTBEATS_MISSED_MAX = 3;
    private static final int HEARTBEAT_INTERVAL_MS_DEFAULT = 1_000;
    /** A pause of this process must not look like a dead ledger, however short the heartbeats are. */
    private static final long SILENCE_MS_MIN = 1_000;
    /** The first message of a connection may take longer: a connection to make, a cursor to find. */
    private static final long FIRST_SILENCE_MS_MIN = 10_000;

    private static final long CLOSE_WAIT_SECONDS = 5;
    private static final Duration ACKNOWLEDGE_AT_CLOSE = Duration.ofSeconds(1);

    /** So often a stock view's clock is held against the ledger's: two drift apart by milliseconds meanwhile. */
    private static final long ASK_TIME_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Link link;
    private final ScheduledThreadPoolExecutor timer;
    private final SubscribeRequest request;
    private final EntryListener listener;
    private final Consumer<Subscription> onEnd;
    private final Optional<FeedClock> clock;
    private final EntryOrder order;
    /** Empty where the subscription has no name. */
    private final Optional<Acknowledger> acknowledger;
    private final ThreadPoolExecutor thread;
    private final long silenceNanosMax;
    private final long firstSilenceNanosMax;
    private final ScheduledFuture<?> watch;

    private volatile State state = State.CONNECTING;
    /** Known before the state is FAILED. */
    private volatile Optional<LedgerException> failure = Optional.empty();
    private volatile Optional<ByteString> cursor;
    private volatile Feed current;
    private volatile Thread runner;

    // Touched on the subscription's own thread only.
    private int failures;
    private boolean caughtUpOnce;
    private long rewinds = -1;
    private long timeAskedNanos;

    /**
     * What a stock view brings along.
     *
     * @param clock kept right by what this connection tells
     * @param held where an earlier process of it was: goes on there, and only begins with initial stock where the
     *     ledger does not know that place
     */
    record View(FeedClock clock, Optional<ViewFile.Held> held) {}

    private Subscription(
            Link link,
            ScheduledThreadPoolExecutor timer,
            SubscribeRequest request,
            EntryListener listener,
            Optional<View> view,
            Consumer<Subscription> onEnd) {
        this.link = link;
        this.timer = timer;
        this.request = withConsumer(request);
        this.listener = listener;
        this.acknowledger = request.getName().isEmpty()
                ? Optional.empty()
                : Optional.of(new Acknowledger(link, timer, AcknowledgeCursorRequest.newBuilder()
                        .setName(request.getName())
                        .setConsumer(this.request.getConsumer())
                        .build()));
        this.onEnd = onEnd;
        this.cursor = request.hasAfterCursor() ? Optional.of(request.getAfterCursor()) : Optional.empty();
        FeedFilter filter = request.getFilter();
        boolean everyEntry = acknowledger.isEmpty()
                && filter.getLocationsCount() == 0 && filter.getChannelsCount() == 0 && filter.getKindsCount() == 0;
        boolean fromBeginning = acknowledger.isEmpty() && !request.hasFromNow()
                && !request.hasAfterCursor() && !request.getInitialStock();
        this.clock = view.map(View::clock);
        this.order = new EntryOrder(everyEntry, fromBeginning);
        view.flatMap(View::held).ifPresent(held -> {
            cursor = Optional.of(held.cursor());
            order.stockBegins();
            held.stocks().forEach((sku, stock) -> order.stock(sku, stock.sequence()));
            order.stockComplete();
        });
        this.thread = new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
            Thread made = new Thread(task, "stockledger-subscription");
            made.setDaemon(true);
            runner = made;
            return made;
        });
        // What gRPC still wants to say after the end concerns nobody.
        thread.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
        long interval = request.getHeartbeatIntervalMs() > 0
                ? request.getHeartbeatIntervalMs()
                : HEARTBEAT_INTERVAL_MS_DEFAULT;
        long silence = Math.max(SILENCE_MS_MIN, HEARTBEATS_MISSED_MAX * interval);
        this.silenceNanosMax = TimeUnit.MILLISECONDS.toNanos(silence);
        this.firstSilenceNanosMax = TimeUnit.MILLISECONDS.toNanos(Math.max(FIRST_SILENCE_MS_MIN, silence));
        long period = Math.max(50, silence / 10);
        this.watch = timer.scheduleWithFixedDelay(this::lookForSilence, period, period, TimeUnit.MILLISECONDS);
    }

    static Subscription open(
            Link link,
            ScheduledThreadPoolExecutor timer,
            SubscribeRequest request,
            EntryListener listener,
            Optional<View> view,
            Consumer<Subscription> onEnd) {
        Subscription subscription = new Subscription(link, timer, request, listener, view, onEnd);
        subscription.thread.execute(subscription::connect);
        return subscription;
    }

    /** A consumer that has no name gets one for life, so that a new connection takes the place of the one that broke. */
    private static SubscribeRequest withConsumer(SubscribeRequest request) {
        if (request.getName().isEmpty() || !request.getConsumer().isEmpty()) {
            return request;
        }
        String made = "pid-" + ProcessHandle.current().pid() + "-"
                + Integer.toHexString(ThreadLocalRandom.current().nextInt());
        return request.toBuilder().setConsumer(made).build();
    }

    /**
     * The cursor after the last message that the listener was done with: where another subscription with the same
     * filter and share would go on. Empty before there is one.
     */
    public Optional<ByteString> cursor() {
        return cursor;
    }

    /** Where it stands now. */
    public State state() {
        return state;
    }

    /** Why it ended for good; empty while it goes on, and after its owner has closed it. */
    public Optional<LedgerException> failure() {
        return failure;
    }

    /**
     * Ends it, for good. Once this returns the listener is called no more; where a call of it is under way it is
     * waited for, at most 5 seconds, unless this is that call.
     */
    @Override
    public void close() {
        if (!become(State.CLOSED)) {
            // An error or somebody else is about to end it; its listener may be told of that just now.
            await(() -> thread.awaitTermination(CLOSE_WAIT_SECONDS, TimeUnit.SECONDS));
            return;
        }
        if (acknowledger.isEmpty()) {
            cancelled();
        }
        CountDownLatch quiet = new CountDownLatch(1);
        thread.execute(quiet::countDown);
        await(() -> quiet.await(CLOSE_WAIT_SECONDS, TimeUnit.SECONDS));
        // On the stream while it is open: with its end it has lost its say.
        acknowledger.ifPresent(it -> it.flush(ACKNOWLEDGE_AT_CLOSE));
        cancelled();
        end();
    }

    private interface Wait {
        boolean run() throws InterruptedException;
    }

    /** Waits for the listener's thread, unless this is it. */
    private void await(Wait wait) {
        if (Thread.currentThread() != runner) {
            try {
                wait.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void cancelled() {
        Feed feed = current;
        if (feed != null) {
            feed.cancel("subscription closed");
        }
    }

    private boolean isOver() {
        return state == State.CLOSED || state == State.FAILED;
    }

    /** Changes the state unless it is over. */
    private synchronized boolean become(State next) {
        if (isOver()) {
            return false;
        }
        state = next;
        return true;
    }

    private void connect() {
        if (isOver()) {
            return;
        }
        if (failures > 0) {
            link.reconnect();
        }
        SubscribeRequest.Builder next = request.toBuilder();
        if (acknowledger.isEmpty()) {
            // The request's own may have expired.
            cursor.ifPresentOrElse(
                    after -> next.setAfterCursor(after).setInitialStock(false), () -> clearCursor(next));
        }
        Feed feed = new Feed(cursor.isEmpty() && request.getInitialStock());
        current = feed;
        feed.start(next.build());
        if (isOver()) {
            // close() may have looked before there was a feed to cancel.
            feed.cancel("subscription closed");
        }
    }

    private static void clearCursor(SubscribeRequest.Builder request) {
        if (request.hasAfterCursor()) {
            request.clearStart();
        }
    }

    private void received(Feed feed, SubscribeResponse message) throws EntryOrder.GapException {
        if (feed.isFirst()) {
            failures = 0;
            link.answered();
            become(State.CATCHING_UP);
            timeAskedNanos = feed.startedNanos - ASK_TIME_NANOS;
            clock.ifPresent(it -> it.connected(feed.startedNanos, Times.instant(message.getLedgerTime())));
            if (feed.inStock) {
                order.stockBegins();
                listener.onStockBegins();
            }
        }
        clock.ifPresent(this::askTime);
        FeedProgress progress = new FeedProgress(
                message.getCursor(),
                Times.instant(message.getLedgerTime()),
                message.hasCompleteTime() ? Optional.of(Times.instant(message.getCompleteTime())) : Optional.empty());

        if (state == State.CAUGHT_UP && progress.completeTime().isEmpty() && !message.getCaughtUp()) {
            become(State.CATCHING_UP);
            listener.onFallenBehind();
        }
        if (message.getStocksCount() > 0) {
            message.getStocksList().forEach(stock -> order.stock(stock.getSku(), stock.getSequence()));
            listener.onStock(message.getStocksList());
        }
        if (message.getStockComplete() && feed.inStock) {
            feed.inStock = false;
            order.stockComplete();
            listener.onStockComplete(progress);
        }
        if (message.getRewinds() > rewinds) {
            if (rewinds >= 0) {
                order.forget();
                listener.onRewound();
            }
            rewinds = message.getRewinds();
        }
        List<Entry> entries = order.admit(message.getEntriesList());
        if (!entries.isEmpty()) {
            listener.onEntries(entries, progress);
        }
        if (message.getChainHeadsCount() > 0) {
            listener.onChainHeads(message.getChainHeadsList(), progress);
        }
        if (message.getRetriedEntriesCount() > 0) {
            listener.onRetried(message.getRetriedEntriesList(), progress);
        }
        // Of what it did not tell us the ledger keeps track by itself.
        if (message.getEntriesCount() + message.getRetriedEntriesCount() > 0) {
            acknowledger.ifPresent(it -> it.acknowledge(message.getAcknowledgement()));
        }
        // A time up to which all is complete says as much as the word itself, once it has been said.
        boolean caughtUp = message.getCaughtUp() || (caughtUpOnce && progress.completeTime().isPresent());
        if (caughtUp && state != State.CAUGHT_UP && become(State.CAUGHT_UP)) {
            caughtUpOnce = true;
            listener.onCaughtUp(progress);
        } else if (!feed.inStock && entries.isEmpty() && message.getRetriedEntriesCount() == 0 && !message.getStockComplete()) {
            listener.onHeartbeat(progress);
        }
        // Only now: a message that was not applied to its end must come again. Within initial stock a cursor would
        // leave out the stock that is still to come.
        if (!feed.inStock && !message.getCursor().isEmpty()) {
            cursor = Optional.of(message.getCursor());
        }
    }

    /** On this connection, so that it is the clock of whoever makes its messages. */
    private void askTime(FeedClock clock) {
        long now = System.nanoTime();
        if (now - timeAskedNanos < ASK_TIME_NANOS) {
            return;
        }
        timeAskedNanos = now;
        LedgerServiceGrpc.newStub(link.channel())
                .withExecutor(thread)
                .withDeadlineAfter(ASK_TIME_NANOS, TimeUnit.NANOSECONDS)
                .getTime(GetTimeRequest.getDefaultInstance(), new StreamObserver<>() {
                    @Override
                    public void onNext(GetTimeResponse told) {
                        clock.exchanged(now, Times.instant(told.getLedgerTime()));
                    }

                    @Override
                    public void onError(Throwable unanswered) {
                        // What is known already holds, and loses a little; the next question follows.
                    }

                    @Override
                    public void onCompleted() {}
                });
    }

    private void broken(Feed feed, Failure failure) {
        if (feed != current || isOver()) {
            return;
        }
        boolean wasCaughtUp = state == State.CAUGHT_UP;
        if (CURSOR_UNKNOWN.contains(failure.reason()) && request.getInitialStock() && cursor.isPresent()) {
            LOG.warn("{} no longer knows the cursor; beginning again with initial stock", link.target());
            cursor = Optional.empty();
        } else if (!comesBack(failure)) {
            fail(failure.exception(link.target()));
            return;
        }
        if (!become(State.CONNECTING)) {
            return;
        }
        if (failures == 0) {
            LOG.info("the feed broke off, resuming: {}", failure.line(link.target()));
        }
        failures++;
        Duration delay = Backoff.delay(failures, failure);
        try {
            timer.schedule(() -> thread.execute(this::connect), delay.toNanos(), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException clientClosed) {
            return;
        }
        if (wasCaughtUp) {
            tell(listener::onFallenBehind);
        }
    }

    /** Whether another attempt may fare better. Reading twice harms nobody, so only a plain no is taken as one. */
    private boolean comesBack(Failure failure) {
        return switch (failure.code()) {
            case OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, ABORTED, INTERNAL, UNAVAILABLE -> true;
            // After a break the ledger may not have noticed yet that the place of the last connection is free.
            case RESOURCE_EXHAUSTED -> failure.retryAfter().isPresent() || cursor.isPresent();
            case INVALID_ARGUMENT,
                    NOT_FOUND,
                    ALREADY_EXISTS,
                    PERMISSION_DENIED,
                    FAILED_PRECONDITION,
                    OUT_OF_RANGE,
                    UNIMPLEMENTED,
                    DATA_LOSS,
                    UNAUTHENTICATED -> false;
        };
    }

    private void fail(LedgerException error) {
        synchronized (this) {
            if (isOver()) {
                return;
            }
            failure = Optional.of(error);
            state = State.FAILED;
        }
        LOG.error("the subscription ended: {}", error.getMessage(), error.getCause());
        Feed feed = current;
        if (feed != null) {
            feed.cancel("subscription failed");
        }
        try {
            listener.onFailed(error);
        } catch (RuntimeException e) {
            LOG.error("the listener threw while it was told of the end", e);
        } finally {
            end();
        }
    }

    private void tell(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException e) {
            listenerFailed(e);
        }
    }

    private void listenerFailed(Throwable thrown) {
        fail(
                thrown instanceof StockView.FullException full
                        ? full.error()
                        : LedgerException.of(
                                Status.Code.ABORTED,
                                "LISTENER_FAILED",
                                "the subscription's listener threw " + thrown
                                        + "; it ended at the cursor before the message",
                                thrown));
    }

    private void end() {
        watch.cancel(false);
        acknowledger.ifPresent(Acknowledger::close);
        thread.shutdown();
        link.close();
        onEnd.accept(this);
    }

    /** Runs on the timer's thread. */
    private void lookForSilence() {
        Feed feed = current;
        if (feed != null && feed.isSilent()) {
            feed.cancel(HEARTBEATS_MISSED_MAX + " heartbeats did not come");
        }
    }

    /** One connection's stream. All callbacks run on the subscription's own thread. */
    private final class Feed extends ClientCall.Listener<SubscribeResponse> {
        private final ClientCall<SubscribeRequest, SubscribeResponse> call = link.channel()
                .newCall(FeedServiceGrpc.getSubscribeMethod(), CallOptions.DEFAULT.withExecutor(thread));
        /** Initial stock was asked for and is not complete. */
        private boolean inStock;

        private boolean first = true;
        /** When it was asked for. */
        private long startedNanos;
        /** When the next message was asked for; the listener's own time does not count as silence. */
        private volatile long askedNanos;

        private volatile boolean waiting;
        private volatile boolean heard;

        private Feed(boolean inStock) {
            this.inStock = inStock;
        }

        private void start(SubscribeRequest request) {
            startedNanos = System.nanoTime();
            call.start(this, new Metadata());
            ask();
            call.sendMessage(request);
            call.halfClose();
        }

        /** Asks for one message only: what the listener has not taken stays with the ledger. */
        private void ask() {
            askedNanos = System.nanoTime();
            waiting = true;
            call.request(1);
        }

        private boolean isFirst() {
            boolean is = first;
            first = false;
            return is;
        }

        private boolean isSilent() {
            long limit = heard ? silenceNanosMax : firstSilenceNanosMax;
            return waiting && System.nanoTime() - askedNanos > limit;
        }

        private void cancel(String why) {
            call.cancel(why, null);
        }

        @Override
        public void onMessage(SubscribeResponse message) {
            waiting = false;
            heard = true;
            if (isOver()) {
                return;
            }
            try {
                received(this, message);
            } catch (EntryOrder.GapException gap) {
                fail(LedgerException.of(Status.Code.DATA_LOSS, "FEED_GAP", gap.getMessage(), gap));
                return;
            } catch (RuntimeException | Error thrown) {
                listenerFailed(thrown);
                return;
            }
            if (!isOver()) {
                ask();
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            waiting = false;
            broken(this, Failure.of(status, trailers));
        }
    }
}
