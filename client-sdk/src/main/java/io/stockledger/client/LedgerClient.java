package io.stockledger.client;

import io.grpc.ConnectivityState;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.BatchGetStockRequest;
import io.stockledger.v1.ChainHead;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetMutationRequest;
import io.stockledger.v1.GetMutationResponse;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.GetStockAtRequest;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.ImportStockResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.ListReservationsRequest;
import io.stockledger.v1.ListReservationsResponse;
import io.stockledger.v1.ListStockRequest;
import io.stockledger.v1.ListStockResponse;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.RebuildProjectionRequest;
import io.stockledger.v1.RebuildProjectionResponse;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A connection to one ledger: mutations, exact reads, and the way to subscriptions. Thread-safe; make one, share it,
 * close it at the end. Making one does not connect: the first call does.
 *
 * <p>Mutations are sent again only where no answer came or the ledger said "not applied, later", always as the same
 * message under the same id, so each is applied once however often it travels. What comes back is an {@link Outcome},
 * or a {@link LedgerException} that says whether the outcome is unknown.
 */
public final class LedgerClient implements AutoCloseable {

    /** Where {@code ./stockledger serve} listens unless told otherwise. */
    public static final int DEFAULT_PORT = 7400;

    /** The contract's bound on SKUs a request, and on chain heads. */
    private static final int SKUS_A_REQUEST_MAX = 1_000;

    private static final int ROWS_A_PAGE = 1_000;

    private final Builder settings;
    private final Link link;
    private final LedgerServiceGrpc.LedgerServiceBlockingStub ledger;
    private final ScheduledThreadPoolExecutor timer;
    private final MutationStream stream;
    private final Set<Subscription> subscriptions = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private LedgerClient(Builder settings) {
        this.settings = settings;
        this.link = openLink();
        this.ledger = LedgerServiceGrpc.newBlockingStub(link.channel());
        this.timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "stockledger-timer");
            thread.setDaemon(true);
            return thread;
        });
        timer.setRemoveOnCancelPolicy(true);
        this.stream = new MutationStream(link, timer, settings.callTimeout, settings.maxInFlight);
    }

    /** A client with the default settings; {@code target} is {@code HOST:PORT} or {@code HOST} (port 7400). */
    public static LedgerClient connect(String target) {
        return builder(target).build();
    }

    /** Settings for a client; {@code target} is {@code HOST:PORT} or {@code HOST} (port 7400). */
    public static Builder builder(String target) {
        return new Builder(target);
    }

    /**
     * Asks for one mutation and waits for its outcome: one call, sent again as the class says, until the mutation's
     * {@code not_after}. Where the caller left them empty, {@code mutation_id} becomes a fresh UUID (with
     * {@code created_at}, which vouches that it is fresh) and {@code not_after} now plus the mutation timeout. A
     * client that has never reached its ledger fails at once where nobody listens: a wrong address is likelier than
     * a restart.
     *
     * @throws LedgerException where no outcome came
     */
    public Outcome apply(Mutation mutation) {
        PendingMutation pending = PendingMutation.prepare(mutation, settings.mutationTimeout);
        ApplyMutationRequest request =
                ApplyMutationRequest.newBuilder().setMutation(pending.mutation()).build();
        while (true) {
            if (closed) {
                throw pending.closed(link.target());
            }
            Failure failure;
            try {
                MutationResult result = ledger.withDeadlineAfter(attemptNanos(pending.left()), TimeUnit.NANOSECONDS)
                        .applyMutation(request)
                        .getResult();
                link.answered();
                Optional<Outcome> outcome = PendingMutation.outcome(result);
                if (outcome.isPresent()) {
                    return outcome.get();
                }
                failure = Failure.of(result.getError());
            } catch (StatusRuntimeException e) {
                failure = failure(e);
            }
            Duration delay = pending.failed(failure);
            if (failure.verdict() == Failure.Verdict.FINAL) {
                throw pending.refusedFinally(failure, link.target());
            }
            link.reconnect();
            if (link.isWrongAddress(failure) || pending.left().compareTo(delay) <= 0) {
                throw pending.givenUp(link.target());
            }
            if (!slept(delay)) {
                throw pending.interrupted(link.target());
            }
        }
    }

    /**
     * Asks for one mutation without waiting; the wire carries batches that form by themselves: what is submitted
     * while a request is under way travels together in the next. Otherwise as {@link #apply}; what it would throw
     * completes the future exceptionally. Mutations of one SKU are decided in the order in which this client
     * submitted them, across reconnects too; only where the ledger itself puts one off (TOO_MANY_WAITING), those of
     * the SKU that had been sent already may be decided before it.
     *
     * <p>Never blocks: with more than {@code maxInFlight} under way the future fails at once with the reason
     * {@code CLIENT_FULL}, not sent. (A submit that waited for room would wait for ever on the thread that makes the
     * room.) The place is free again before the future completes, so a caller who wants to wait takes a semaphore of
     * {@code maxInFlight} and releases it when the future completes.
     *
     * <p>Futures complete on a thread of the connection: what is chained to them must not block.
     */
    public CompletableFuture<Outcome> submit(Mutation mutation) {
        return stream.submit(PendingMutation.prepare(mutation, settings.mutationTimeout));
    }

    /**
     * Waits until the ledger's port answers, at most {@code bound}; trying goes on through refused connections.
     *
     * @throws LedgerException where it does not answer in time
     */
    public void awaitReachable(Duration bound) {
        long deadline = System.nanoTime() + bound.toNanos();
        while (true) {
            requireOpen();
            ConnectivityState state = link.connect();
            if (state == ConnectivityState.READY) {
                link.answered();
                return;
            }
            if (System.nanoTime() - deadline >= 0) {
                throw LedgerException.of(
                        Status.Code.UNAVAILABLE,
                        Status.Code.UNAVAILABLE.name(),
                        Failure.nobodyListens(link.target()),
                        null);
            }
            if (state == ConnectivityState.TRANSIENT_FAILURE) {
                link.reconnect();
            }
            if (!slept(Duration.ofMillis(10))) {
                throw interrupted();
            }
        }
    }

    /** One SKU's stock, exact; available to sell for a channel without an allocation. Sequence 0 where unknown. */
    public Stock stock(String sku) {
        return stock(sku, "");
    }

    /** One SKU's stock, exact; available to sell for {@code channel}. */
    public Stock stock(String sku, String channel) {
        return stock(sku, channel, "");
    }

    /** One SKU's stock at one location, exact; an empty location means all of them. */
    public Stock stock(String sku, String channel, String location) {
        GetStockRequest request = GetStockRequest.newBuilder()
                .setSku(sku)
                .setChannel(channel)
                .setLocation(location)
                .build();
        return read(stub -> stub.getStock(request)).getStock();
    }

    /** One SKU's stock right after its entry of that sequence; 0: before the first. */
    public Stock stockAt(String sku, long sequence) {
        return stockAt(sku, sequence, "", "");
    }

    /** The same, available to sell for {@code channel}; an empty location means all of them. */
    public Stock stockAt(String sku, long sequence, String channel, String location) {
        return stockAt(GetStockAtRequest.newBuilder().setAtSequence(sequence), sku, channel, location);
    }

    /** One SKU's stock after every entry recorded up to a time, which must have passed by the ledger's clock. */
    public Stock stockAt(String sku, Instant time) {
        return stockAt(sku, time, "", "");
    }

    /** The same, available to sell for {@code channel}; an empty location means all of them. */
    public Stock stockAt(String sku, Instant time, String channel, String location) {
        return stockAt(GetStockAtRequest.newBuilder().setAtTime(Times.timestamp(time)), sku, channel, location);
    }

    /** Many SKUs' stock in the order asked, each exact by itself; any number, asked for 1,000 at a time. */
    public List<Stock> stocks(Collection<String> skus, String channel) {
        List<Stock> stocks = new ArrayList<>(skus.size());
        for (List<String> part : parts(skus)) {
            BatchGetStockRequest request = BatchGetStockRequest.newBuilder()
                    .addAllSkus(part)
                    .setChannel(channel)
                    .build();
            stocks.addAll(read(stub -> stub.batchGetStock(request)).getStocksList());
        }
        return stocks;
    }

    /** One SKU's entries from that sequence on (0 or 1: all), in order, fetched page by page as they are consumed. */
    public Stream<Entry> entries(String sku, long fromSequence) {
        ListEntriesRequest first = ListEntriesRequest.newBuilder()
                .setSku(sku)
                .setFromSequence(fromSequence)
                .setPageSize(ROWS_A_PAGE)
                .build();
        return pages(
                        token -> read(stub -> stub.listEntries(
                                first.toBuilder().setPageToken(token).build())),
                        ListEntriesResponse::getNextPageToken)
                .flatMap(page -> page.getEntriesList().stream());
    }

    /** One reservation, open or closed; empty where the SKU knows no such reservation. */
    public Optional<Reservation> reservation(String sku, String reservationId) {
        GetReservationRequest request = GetReservationRequest.newBuilder()
                .setSku(sku)
                .setReservationId(reservationId)
                .build();
        try {
            return Optional.of(read(stub -> stub.getReservation(request)).getReservation());
        } catch (LedgerException e) {
            if (e.reason().equals("RESERVATION_NOT_FOUND")) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /**
     * Stock of many SKUs from the ledger's projection, page by page as they are consumed; each page says how fresh it
     * is. The request's page_token says where to begin, its page_size how much travels at a time (0: 1,000 rows).
     */
    public Stream<ListStockResponse> listStock(ListStockRequest request) {
        ListStockRequest sized = request.getPageSize() > 0 ? request : request.toBuilder().setPageSize(ROWS_A_PAGE).build();
        return pages(
                token -> read(stub -> stub.listStock(
                        token.isEmpty() ? sized : sized.toBuilder().setPageToken(token).build())),
                ListStockResponse::getNextPageToken);
    }

    /** Reservations of many SKUs from the ledger's projection, as {@link #listStock}. */
    public Stream<ListReservationsResponse> listReservations(ListReservationsRequest request) {
        ListReservationsRequest sized = request.getPageSize() > 0 ? request : request.toBuilder().setPageSize(ROWS_A_PAGE).build();
        return pages(
                token -> read(stub -> stub.listReservations(
                        token.isEmpty() ? sized : sized.toBuilder().setPageToken(token).build())),
                ListReservationsResponse::getNextPageToken);
    }

    /** What became of a mutation whose {@code not_after} the caller does not know: applied, or not (yet). */
    public GetMutationResponse mutation(String sku, String mutationId) {
        return mutation(
                GetMutationRequest.newBuilder().setSku(sku).setMutationId(mutationId).build());
    }

    /** What became of a mutation; final once {@code notAfter}, the mutation's own, has passed by the ledger's clock. */
    public GetMutationResponse mutation(String sku, String mutationId, Instant notAfter) {
        return mutation(GetMutationRequest.newBuilder()
                .setSku(sku)
                .setMutationId(mutationId)
                .setNotAfter(Times.timestamp(notAfter))
                .build());
    }

    /**
     * Audits these SKUs, any number: findings and a verdict SKU by SKU, as they come, and a total at the end. What an
     * audit holds against what: see the contract's {@code AdminService.Audit}.
     */
    public Iterator<AuditResponse> audit(Collection<String> skus) {
        return audits(parts(skus).stream()
                .map(part -> AuditRequest.newBuilder().addAllSkus(part).build()));
    }

    /**
     * Audits everything: findings as they come, a verdict only where there are some, once a second how far it is, and a
     * total at the end.
     *
     * @param afterSku where an earlier audit was stopped; empty: from the first SKU on
     * @param chainHeads whether to tell the chain head of each SKU without a finding, to be kept elsewhere
     */
    public Iterator<AuditResponse> auditAll(String afterSku, boolean chainHeads) {
        return audits(Stream.of(
                AuditRequest.newBuilder().setAfterSku(afterSku).setChainHeads(chainHeads).build()));
    }

    /**
     * Audits the SKUs of chain heads that were kept elsewhere, any number and in the order in which they were told, and
     * whether the journal leads to them. Of a SKU's many it takes some: see {@link KeptHeads}.
     */
    public Iterator<AuditResponse> auditHeads(Collection<ChainHead> heads) {
        KeptHeads kept = new KeptHeads();
        heads.forEach(kept::add);
        return auditHeads(kept);
    }

    /** The same of heads that were never in memory all at once. */
    public Iterator<AuditResponse> auditHeads(KeptHeads heads) {
        return audits(heads.parts(SKUS_A_REQUEST_MAX).stream()
                .map(part -> AuditRequest.newBuilder().addAllHeads(part).build()));
    }

    /**
     * Holds each SKU of a view, at the sequence that it reflects, against the ledger's entries up to there: what differs,
     * in the words of an audit. It reads every entry of those SKUs; the view may go on meanwhile.
     */
    public List<AuditFinding> auditView(StockView view) {
        List<AuditFinding> findings = new ArrayList<>();
        for (String sku : List.copyOf(view.skus())) {
            view.stock(sku).ifPresent(stock -> findings.addAll(ViewAudit.of(stock, entries(sku, 1))));
        }
        return findings;
    }

    private Iterator<AuditResponse> audits(Stream<AuditRequest> requests) {
        requireOpen();
        Iterator<AuditResponse> calls = new AuditCalls(requests.iterator(),
                request -> AdminServiceGrpc.newBlockingStub(link.channel()).audit(request));
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return translated(calls::hasNext);
            }

            @Override
            public AuditResponse next() {
                return translated(calls::next);
            }
        };
    }

    /**
     * Has the ledger's projection built anew beside the one that is read: how far it is, about twice a second, until it
     * is done. It goes on by itself where the caller stops listening.
     */
    public Iterator<RebuildProjectionResponse> rebuildProjection() {
        requireOpen();
        Iterator<RebuildProjectionResponse> answers = AdminServiceGrpc.newBlockingStub(link.channel())
                .rebuildProjection(RebuildProjectionRequest.getDefaultInstance());
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return translated(answers::hasNext);
            }

            @Override
            public RebuildProjectionResponse next() {
                return translated(answers::next);
            }
        };
    }

    /**
     * Brings opening stock in, up to 1,000 lines a call, each with a result of its own; see {@code ImportStock} of the
     * contract. Sent again while the mutation timeout lasts: the ledger knows the lines, so none is added twice.
     *
     * @throws LedgerException where no answer came; lines of the call may have been applied all the same, and asking
     *     again tells
     */
    public ImportStockResponse importStock(ImportStockRequest request) {
        return repeatable(
                settings.mutationTimeout,
                left -> AdminServiceGrpc.newBlockingStub(link.channel())
                        .withDeadlineAfter(left, TimeUnit.NANOSECONDS)
                        .importStock(request));
    }

    /**
     * Follows the feed from where the request says, on a connection and a thread of its own, until closed; see
     * {@link Subscription}. Returns at once: where no ledger answers yet, the subscription goes on trying.
     */
    public Subscription subscribe(SubscribeRequest request, EntryListener listener) {
        return subscribe(request, listener, Optional.empty());
    }

    Subscription subscribe(SubscribeRequest request, EntryListener listener, Optional<Subscription.View> view) {
        requireOpen();
        Subscription subscription =
                Subscription.open(openLink(), timer, request, listener, view, subscriptions::remove);
        subscriptions.add(subscription);
        if (closed) {
            subscription.close();
        }
        return subscription;
    }

    /**
     * Applies the entries of a subscription that the ledger remembers, one by one: all SKUs, from the beginning where the
     * name is new. Any number of processes (up to the ledger's slots a name, 16 by default) may do so under one name: they
     * share the SKUs, and follow one that ends within seconds.
     *
     * <p>What the handler is done with is acknowledged by itself, a message at a time; what was not comes again, to
     * whoever has the SKU then. A {@link ParkException} puts the entry aside; any other exception ends the subscription,
     * with its message unacknowledged.
     */
    public Subscription subscribe(String name, EntryHandler handler) {
        return subscribe(SubscribeRequest.newBuilder().setName(name).build(), handler);
    }

    /** The same with a filter, a start, or a consumer's name. */
    public Subscription subscribe(SubscribeRequest request, EntryHandler handler) {
        if (request.getName().isEmpty()) {
            throw new IllegalArgumentException("a handler's subscription needs a name; without one, see EntryListener");
        }
        HandledEntries entries = new HandledEntries(subscriptions(), request.getName(), handler);
        return entries.of(subscribe(request, entries));
    }

    /** To look at named subscriptions and parked entries, and to change them. */
    public NamedSubscriptions subscriptions() {
        return new NamedSubscriptions(this::feedCall);
    }

    /** A local projection of all SKUs, kept fresh by the feed; see {@link StockView}. */
    public StockView stockView() {
        return stockViewBuilder().open();
    }

    /**
     * A local projection of some SKUs: those of the filter (by SKU or prefix) and of the share; the default instance
     * of either means all.
     */
    public StockView stockView(FeedFilter filter, Share share) {
        return stockViewBuilder().filter(filter).share(share).open();
    }

    /** Settings for a local projection: which SKUs, how many, a snapshot on disk, whom to tell what runs low. */
    public StockView.Builder stockViewBuilder() {
        requireOpen();
        return new StockView.Builder(this);
    }

    /** {@code HOST:PORT}. */
    public String target() {
        return link.target();
    }

    /**
     * Ends the client, its subscriptions and its threads. Mutations still under way fail ({@code CLIENT_CLOSED},
     * outcome unknown where they had been sent).
     */
    @Override
    public void close() {
        closed = true;
        subscriptions.forEach(Subscription::close);
        stream.close();
        link.close();
        timer.shutdownNow();
    }

    private Link openLink() {
        return Link.open(settings.host, settings.port, settings.principal);
    }

    private GetMutationResponse mutation(GetMutationRequest request) {
        return read(stub -> stub.getMutation(request));
    }

    private Stock stockAt(GetStockAtRequest.Builder point, String sku, String channel, String location) {
        GetStockAtRequest request =
                point.setSku(sku).setChannel(channel).setLocation(location).build();
        return read(stub -> stub.getStockAt(request)).getStock();
    }

    /** The pages of a listing: the first by an empty token, each after it by the one before, as they are consumed. */
    private static <T> Stream<T> pages(Function<String, T> page, Function<T, String> nextToken) {
        return Stream.iterate(
                        Optional.of(page.apply("")),
                        Optional::isPresent,
                        before -> before.map(nextToken)
                                .filter(token -> !token.isEmpty())
                                .map(page))
                .map(Optional::get);
    }

    /** What changes nothing when it is asked twice is asked again while the call timeout lasts. */
    private <T> T read(Function<LedgerServiceGrpc.LedgerServiceBlockingStub, T> call) {
        return repeatable(left -> call.apply(ledger.withDeadlineAfter(left, TimeUnit.NANOSECONDS)));
    }

    private <T> T feedCall(Function<FeedServiceGrpc.FeedServiceBlockingStub, T> call) {
        return repeatable(left -> call.apply(
                FeedServiceGrpc.newBlockingStub(link.channel()).withDeadlineAfter(left, TimeUnit.NANOSECONDS)));
    }

    private <T> T repeatable(LongFunction<T> call) {
        return repeatable(settings.callTimeout, call);
    }

    /** A call that may be made twice is made again while the time lasts; it is told how long that is. */
    private <T> T repeatable(Duration time, LongFunction<T> call) {
        long deadline = System.nanoTime() + time.toNanos();
        for (int failures = 1; ; failures++) {
            requireOpen();
            Failure failure;
            try {
                T answer = call.apply(Math.max(1, deadline - System.nanoTime()));
                link.answered();
                return answer;
            } catch (StatusRuntimeException e) {
                failure = failure(e);
            }
            link.reconnect();
            Duration delay = Backoff.delay(failures, failure);
            if (failure.verdict() == Failure.Verdict.FINAL
                    || link.isWrongAddress(failure)
                    || deadline - System.nanoTime() <= delay.toNanos()) {
                throw failure.exception(link.target());
            }
            if (!slept(delay)) {
                throw interrupted();
            }
        }
    }

    private Failure failure(StatusRuntimeException thrown) {
        Failure failure = Failure.of(thrown);
        if (failure.ledgerAnswered()) {
            link.answered();
        }
        return failure;
    }

    private <T> T translated(Supplier<T> call) {
        try {
            return call.get();
        } catch (StatusRuntimeException e) {
            throw Failure.of(e).exception(link.target());
        }
    }

    private long attemptNanos(Duration left) {
        return Math.max(1, Math.min(left.toNanos(), settings.callTimeout.toNanos()));
    }

    private void requireOpen() {
        if (closed) {
            throw LedgerException.of(Status.Code.CANCELLED, "CLIENT_CLOSED", "this client is closed", null);
        }
    }

    /** False, with the thread's flag set, where it was interrupted: during the call before, or now. */
    private static boolean slept(Duration delay) {
        try {
            TimeUnit.NANOSECONDS.sleep(delay.toNanos());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static LedgerException interrupted() {
        return LedgerException.of(Status.Code.CANCELLED, "INTERRUPTED", "interrupted while waiting for the ledger", null);
    }

    private static <T> List<List<T>> parts(Collection<T> whole) {
        List<T> all = List.copyOf(whole);
        List<List<T>> parts = new ArrayList<>();
        for (int from = 0; from < all.size(); from += SKUS_A_REQUEST_MAX) {
            parts.add(all.subList(from, Math.min(all.size(), from + SKUS_A_REQUEST_MAX)));
        }
        return parts;
    }

    /** Settings for a {@link LedgerClient}, each with its default. */
    public static final class Builder {

        private final String host;
        private final int port;
        private String principal = "";
        private Duration callTimeout = Duration.ofSeconds(5);
        private Duration mutationTimeout = Duration.ofSeconds(30);
        private int maxInFlight = 8_192;

        private Builder(String target) {
            int colon = target.lastIndexOf(':');
            boolean bareIpv6 = colon > 0 && target.indexOf(':') != colon && !target.startsWith("[");
            boolean hasPort = colon >= 0 && !bareIpv6 && !target.endsWith("]");
            this.host = hasPort ? target.substring(0, colon) : target;
            this.port = hasPort ? port(target, target.substring(colon + 1)) : DEFAULT_PORT;
            if (host.isEmpty() || host.contains("/") || host.contains(" ")) {
                throw notATarget(target);
            }
        }

        /** Who asks, told to the ledger with every call and kept in the entries; printable ASCII; default nobody. */
        public Builder principal(String principal) {
            if (!principal.chars().allMatch(c -> c >= 0x20 && c < 0x7f)) {
                throw new IllegalArgumentException("principal must be printable ASCII: it travels in a header");
            }
            this.principal = principal;
            return this;
        }

        /** How long one attempt, and a read with all its attempts, may take; default 5 seconds. */
        public Builder callTimeout(Duration callTimeout) {
            this.callTimeout = positive("callTimeout", callTimeout);
            return this;
        }

        /** How long a mutation may be sent again: its {@code not_after} is so far ahead; default 30 seconds. */
        public Builder mutationTimeout(Duration mutationTimeout) {
            this.mutationTimeout = positive("mutationTimeout", mutationTimeout);
            return this;
        }

        /** How many submitted mutations may be without an outcome at once; default 8,192. */
        public Builder maxInFlight(int maxInFlight) {
            if (maxInFlight < 1) {
                throw new IllegalArgumentException("maxInFlight must be 1 or more");
            }
            this.maxInFlight = maxInFlight;
            return this;
        }

        /** The client; it connects with its first call. */
        public LedgerClient build() {
            Builder copy = new Builder(target());
            copy.principal = principal;
            copy.callTimeout = callTimeout;
            copy.mutationTimeout = mutationTimeout;
            copy.maxInFlight = maxInFlight;
            return new LedgerClient(copy);
        }

        private String target() {
            return host + ":" + port;
        }

        private static int port(String target, String digits) {
            try {
                int port = Integer.parseInt(digits);
                if (port > 0 && port < 65_536) {
                    return port;
                }
            } catch (NumberFormatException notANumber) {
                // Said below, as for a number out of range.
            }
            throw notATarget(target);
        }

        private static IllegalArgumentException notATarget(String target) {
            return new IllegalArgumentException("'" + target + "' is not a target; use HOST:PORT, as 127.0.0.1:7400");
        }

        static Duration positive(String name, Duration duration) {
            if (duration.isNegative() || duration.isZero() || duration.compareTo(Duration.ofDays(365)) > 0) {
                throw new IllegalArgumentException(name + " must be above zero and at most a year");
            }
            return duration;
        }
    }
}
