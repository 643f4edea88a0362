package io.stockledger.client;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.AcknowledgeCursorResponse;
import io.stockledger.v1.Applied;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.BatchGetStockRequest;
import io.stockledger.v1.BatchGetStockResponse;
import io.stockledger.v1.Entry;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.GetReservationResponse;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.GetStockResponse;
import io.stockledger.v1.GetTimeRequest;
import io.stockledger.v1.GetTimeResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.ParkEntryRequest;
import io.stockledger.v1.ParkEntryResponse;
import io.stockledger.v1.Stock;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A ledger's outside on a real port, so that a test can break what a real ledger would not break on demand: answers
 * that are lost after the write, streams cut in their middle, repeats and gaps in the feed. It numbers mutations per
 * SKU and knows ids; it counts no stock.
 */
final class ScriptedLedger implements AutoCloseable {

    /** Every mutation message that arrived, resends included. */
    final List<Mutation> arrived = Collections.synchronizedList(new ArrayList<>());
    /** Sizes of the requests of StreamMutations. */
    final List<Integer> batches = Collections.synchronizedList(new ArrayList<>());
    /** By SKU, the ids applied, in order. */
    final Map<String, List<String>> applied = new HashMap<>();
    /** What subscribers asked, in order. */
    final List<SubscribeRequest> subscribed = new CopyOnWriteArrayList<>();

    /** SKUs whose stock was asked for, in order. */
    final List<String> looked = Collections.synchronizedList(new ArrayList<>());
    /** What GetStock says is available to sell. */
    volatile long available;

    /** What named subscriptions acknowledged and parked, in order. */
    final List<AcknowledgeCursorRequest> acknowledged = new CopyOnWriteArrayList<>();
    final List<ParkEntryRequest> parked = new CopyOnWriteArrayList<>();

    /** What happens to the next mutations or requests, one each; afterwards all goes well. */
    final Queue<Fault> faults = new ConcurrentLinkedQueue<>();
    /** Per mutation of a batch: an error instead of a decision, or null. */
    volatile BiFunction<Mutation, Integer, com.google.rpc.Status> mutationError = (mutation, nth) -> null;
    /** The next subscriptions, one each; the last stays. */
    final Queue<FeedScript> feeds = new ConcurrentLinkedQueue<>();

    volatile boolean hold;
    private final Map<String, Integer> seenInStream = new HashMap<>();
    private final List<Runnable> held = new ArrayList<>();
    private final int port;
    private Server server;

    /** What a feed does with its subscriber. */
    interface FeedScript {
        void run(SubscribeRequest request, ServerCallStreamObserver<SubscribeResponse> subscriber);
    }

    /** A mishap on the way of one request. */
    sealed interface Fault {
        /** It is applied, and the connection breaks before the answer. */
        record AnswerLost() implements Fault {}

        /** It is not applied; the ledger says why. */
        record Refused(StatusRuntimeException status) implements Fault {}

        /** It is not even answered. */
        record Silence() implements Fault {}
    }

    // Held on to, since a logger that nobody holds forgets its level.
    private static final Logger TRANSPORT =
            Logger.getLogger("io.grpc.netty.shaded.io.grpc.netty.NettyServerHandler");

    ScriptedLedger() {
        // It complains of each connection that a test breaks.
        TRANSPORT.setLevel(Level.SEVERE);
        try (ServerSocket probe = new ServerSocket(0)) {
            port = probe.getLocalPort();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        start();
    }

    String target() {
        return "127.0.0.1:" + port;
    }

    void start() {
        try {
            server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", port))
                    .addService(new Ledger())
                    .addService(new Feed())
                    .permitKeepAliveTime(10, TimeUnit.SECONDS)
                    .permitKeepAliveWithoutCalls(true)
                    .build()
                    .start();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** All connections break. */
    void kill() {
        server.shutdownNow();
        try {
            server.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        kill();
    }

    /** Lets held requests go on. */
    synchronized void letGo() {
        hold = false;
        held.forEach(Runnable::run);
        held.clear();
    }

    static com.google.rpc.Status error(Status.Code code, String reason, int retryAfterMs) {
        com.google.rpc.Status.Builder status = com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .setMessage("scripted")
                .addDetails(Any.pack(ErrorInfo.newBuilder()
                        .setDomain("stockledger.io")
                        .setReason(reason)
                        .build()));
        if (retryAfterMs > 0) {
            status.addDetails(Any.pack(RetryInfo.newBuilder()
                    .setRetryDelay(Duration.newBuilder().setNanos(retryAfterMs * 1_000_000))
                    .build()));
        }
        return status.build();
    }

    static Fault refused(Status.Code code, String reason, int retryAfterMs) {
        return new Fault.Refused(StatusProto.toStatusRuntimeException(error(code, reason, retryAfterMs)));
    }

    static Entry entry(String sku, long sequence) {
        return Entry.newBuilder().setSku(sku).setSequence(sequence).build();
    }

    static ByteString cursor(int n) {
        return ByteString.copyFromUtf8("c" + n);
    }

    private synchronized MutationResult decide(Mutation mutation) {
        List<String> ids = applied.computeIfAbsent(mutation.getSku(), sku -> new ArrayList<>());
        int known = ids.indexOf(mutation.getMutationId());
        if (known < 0) {
            ids.add(mutation.getMutationId());
        }
        return MutationResult.newBuilder()
                .setMutationId(mutation.getMutationId())
                .setApplied(Applied.newBuilder()
                        .setSequence(known < 0 ? ids.size() : known + 1)
                        .setReplayed(known >= 0))
                .build();
    }

    private final class Ledger extends LedgerServiceGrpc.LedgerServiceImplBase {

        @Override
        public void applyMutation(ApplyMutationRequest request, StreamObserver<ApplyMutationResponse> answer) {
            arrived.add(request.getMutation());
            Fault fault = faults.poll();
            if (fault instanceof Fault.Refused refused) {
                answer.onError(refused.status());
            } else if (fault instanceof Fault.AnswerLost) {
                decide(request.getMutation());
                answer.onError(Status.UNAVAILABLE.asRuntimeException());
            } else if (!(fault instanceof Fault.Silence)) {
                answer.onNext(ApplyMutationResponse.newBuilder()
                        .setResult(decide(request.getMutation()))
                        .build());
                answer.onCompleted();
            }
        }

        @Override
        public StreamObserver<StreamMutationsRequest> streamMutations(StreamObserver<StreamMutationsResponse> answer) {
            return new StreamObserver<>() {
                private boolean ended;

                @Override
                public void onNext(StreamMutationsRequest request) {
                    batches.add(request.getMutationsCount());
                    arrived.addAll(request.getMutationsList());
                    // Decided under the lock, so that what comes later cannot overtake what was held.
                    synchronized (ScriptedLedger.this) {
                        if (hold) {
                            held.add(() -> decideBatch(request));
                        } else {
                            decideBatch(request);
                        }
                    }
                }

                private void decideBatch(StreamMutationsRequest request) {
                    Fault fault = faults.poll();
                    if (fault instanceof Fault.Silence) {
                        return;
                    }
                    if (fault instanceof Fault.Refused refused) {
                        ended = true;
                        answer.onError(refused.status());
                        return;
                    }
                    StreamMutationsResponse.Builder results = StreamMutationsResponse.newBuilder();
                    for (Mutation mutation : request.getMutationsList()) {
                        int nth;
                        synchronized (ScriptedLedger.this) {
                            nth = seenInStream.merge(mutation.getMutationId(), 1, Integer::sum);
                        }
                        com.google.rpc.Status error = mutationError.apply(mutation, nth);
                        results.addResults(
                                error == null
                                        ? decide(mutation)
                                        : MutationResult.newBuilder()
                                                .setMutationId(mutation.getMutationId())
                                                .setError(error)
                                                .build());
                    }
                    // What was on its way when the stream broke is applied all the same, and nobody hears of it.
                    if (ended) {
                        return;
                    }
                    if (fault instanceof Fault.AnswerLost) {
                        ended = true;
                        answer.onError(Status.UNAVAILABLE.asRuntimeException());
                        return;
                    }
                    answer.onNext(results.build());
                }

                @Override
                public void onError(Throwable broken) {
                    // The client's end of it is what the tests look at.
                }

                @Override
                public void onCompleted() {
                    answer.onCompleted();
                }
            };
        }

        @Override
        public void getTime(GetTimeRequest request, StreamObserver<GetTimeResponse> answer) {
            answer.onNext(GetTimeResponse.newBuilder()
                    .setLedgerTime(Times.timestamp(Instant.now()))
                    .build());
            answer.onCompleted();
        }

        @Override
        public void getStock(GetStockRequest request, StreamObserver<GetStockResponse> answer) {
            looked.add(request.getSku());
            Fault fault = faults.poll();
            if (fault instanceof Fault.Refused refused) {
                answer.onError(refused.status());
                return;
            }
            answer.onNext(GetStockResponse.newBuilder()
                    .setStock(Stock.newBuilder().setSku(request.getSku()).setAvailableToSell(available))
                    .build());
            answer.onCompleted();
        }

        @Override
        public void batchGetStock(BatchGetStockRequest request, StreamObserver<BatchGetStockResponse> answer) {
            batches.add(request.getSkusCount());
            BatchGetStockResponse.Builder stocks = BatchGetStockResponse.newBuilder();
            request.getSkusList().forEach(sku -> stocks.addStocks(Stock.newBuilder().setSku(sku)));
            answer.onNext(stocks.build());
            answer.onCompleted();
        }

        @Override
        public void listEntries(ListEntriesRequest request, StreamObserver<ListEntriesResponse> answer) {
            batches.add(request.getPageSize());
            long first = request.getPageToken().isEmpty()
                    ? Math.max(1, request.getFromSequence())
                    : Long.parseLong(request.getPageToken());
            ListEntriesResponse.Builder page = ListEntriesResponse.newBuilder();
            long end = Math.min(2_500, first + request.getPageSize() - 1);
            for (long sequence = first; sequence <= end; sequence++) {
                page.addEntries(entry(request.getSku(), sequence));
            }
            if (end < 2_500) {
                page.setNextPageToken(Long.toString(end + 1));
            }
            answer.onNext(page.build());
            answer.onCompleted();
        }

        @Override
        public void getReservation(GetReservationRequest request, StreamObserver<GetReservationResponse> answer) {
            answer.onError(StatusProto.toStatusRuntimeException(
                    error(Status.Code.NOT_FOUND, "RESERVATION_NOT_FOUND", 0)));
        }
    }

    private final class Feed extends FeedServiceGrpc.FeedServiceImplBase {
        @Override
        public void subscribe(SubscribeRequest request, StreamObserver<SubscribeResponse> answer) {
            subscribed.add(request);
            FeedScript script = feeds.size() > 1 ? feeds.poll() : feeds.peek();
            ServerCallStreamObserver<SubscribeResponse> subscriber =
                    (ServerCallStreamObserver<SubscribeResponse>) answer;
            subscriber.setOnCancelHandler(() -> {});
            if (script != null) {
                script.run(request, subscriber);
            }
        }

        @Override
        public void acknowledgeCursor(AcknowledgeCursorRequest request, StreamObserver<AcknowledgeCursorResponse> answer) {
            acknowledged.add(request);
            answer.onNext(AcknowledgeCursorResponse.getDefaultInstance());
            answer.onCompleted();
        }

        @Override
        public void parkEntry(ParkEntryRequest request, StreamObserver<ParkEntryResponse> answer) {
            parked.add(request);
            answer.onNext(ParkEntryResponse.getDefaultInstance());
            answer.onCompleted();
        }
    }
}
