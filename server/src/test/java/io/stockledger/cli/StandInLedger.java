package io.stockledger.cli;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.Applied;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditProgress;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import io.stockledger.v1.AuditVerdict;
import io.stockledger.v1.BatchGetStockRequest;
import io.stockledger.v1.BatchGetStockResponse;
import io.stockledger.v1.Bucket;
import io.stockledger.v1.ChainHead;
import io.stockledger.v1.Consumer;
import io.stockledger.v1.DeleteSubscriptionRequest;
import io.stockledger.v1.DeleteSubscriptionResponse;
import io.stockledger.v1.DropParkedEntryRequest;
import io.stockledger.v1.DropParkedEntryResponse;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetMutationRequest;
import io.stockledger.v1.GetMutationResponse;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.GetReservationResponse;
import io.stockledger.v1.GetStockAtRequest;
import io.stockledger.v1.GetStockAtResponse;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.GetStockResponse;
import io.stockledger.v1.GetSubscriptionRequest;
import io.stockledger.v1.GetSubscriptionResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.ListParkedEntriesRequest;
import io.stockledger.v1.ListParkedEntriesResponse;
import io.stockledger.v1.ListSubscriptionsRequest;
import io.stockledger.v1.ListSubscriptionsResponse;
import io.stockledger.v1.ListStockRequest;
import io.stockledger.v1.ListStockResponse;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Movement;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.NamedSubscription;
import io.stockledger.v1.ParkedEntry;
import io.stockledger.v1.ProjectedStock;
import io.stockledger.v1.ProjectionFreshness;
import io.stockledger.v1.RebuildProjectionRequest;
import io.stockledger.v1.RebuildProjectionResponse;
import io.stockledger.v1.Refusal;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.ReservationState;
import io.stockledger.v1.RetryParkedEntryRequest;
import io.stockledger.v1.RetryParkedEntryResponse;
import io.stockledger.v1.RewindSubscriptionRequest;
import io.stockledger.v1.RewindSubscriptionResponse;
import io.stockledger.v1.Stock;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Enough of a ledger, in memory, for the command line to speak to in
 * milliseconds: one location, quantities, no expiry. It holds the mutations that
 * it was asked for.
 */
final class StandInLedger implements AutoCloseable {
    private final List<Message> operated = new CopyOnWriteArrayList<>();
    private final Map<String, LocationBalance> balances = new HashMap<>();
    private final Map<String, Long> sequences = new HashMap<>();
    private final List<Entry> entries = new ArrayList<>();
    private final List<Mutation> asked = new ArrayList<>();
    private final List<StreamObserver<SubscribeResponse>> subscribers = new ArrayList<>();
    private final Server server;

    StandInLedger() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                .permitKeepAliveTime(1, java.util.concurrent.TimeUnit.SECONDS).permitKeepAliveWithoutCalls(true)
                .addService(new LedgerCalls()).addService(new FeedCalls()).addService(new AdminCalls()).build().start();
    }

    String target() {
        return "127.0.0.1:" + server.getPort();
    }

    synchronized Mutation lastAsked() {
        return asked.get(asked.size() - 1);
    }

    synchronized int entryCount() {
        return entries.size();
    }

    @Override
    public void close() {
        server.shutdownNow();
    }

    /** What an operator asked of named subscriptions, in order. */
    List<Message> operated() {
        return List.copyOf(operated);
    }

    private synchronized MutationResult decide(Mutation mutation) {
        asked.add(mutation);
        MutationResult.Builder result = MutationResult.newBuilder().setMutationId(mutation.getMutationId());
        String sku = mutation.getSku();
        for (Entry entry : entries) {
            if (entry.getMutationId().equals(mutation.getMutationId()) && entry.getSku().equals(sku)) {
                return result.setApplied(applied(entry).setReplayed(true)).build();
            }
        }
        LocationBalance.Builder balance = balances.getOrDefault(sku, LocationBalance.newBuilder().setLocation("main").build()).toBuilder();
        long sequence = sequences.getOrDefault(sku, 0L);
        if (mutation.hasExpectedSequence() && mutation.getExpectedSequence() != sequence) {
            return result.setRefusal(Refusal.newBuilder().setReason(RefusalReason.REFUSAL_REASON_SEQUENCE_MISMATCH).setSequence(sequence)).build();
        }
        EntryKind kind = EntryKind.valueOf("ENTRY_KIND_" + mutation.getOperationCase().name());
        Movement.Builder movement = Movement.newBuilder().setLocation("main");
        switch (mutation.getOperationCase()) {
            case RECEIVE -> movement.setFrom(Bucket.BUCKET_SUPPLIER).setTo(Bucket.BUCKET_AVAILABLE).setQuantity(mutation.getReceive().getQuantity());
            case RETURN -> movement.setFrom(Bucket.BUCKET_CUSTOMER).setTo(Bucket.BUCKET_AVAILABLE).setQuantity(mutation.getReturn().getQuantity());
            case SELL -> movement.setFrom(Bucket.BUCKET_AVAILABLE).setTo(Bucket.BUCKET_CUSTOMER).setQuantity(mutation.getSell().getQuantity());
            case RESERVE -> movement.setFrom(Bucket.BUCKET_AVAILABLE).setTo(Bucket.BUCKET_RESERVED).setQuantity(mutation.getReserve().getQuantity());
            case COMMIT -> movement.setFrom(Bucket.BUCKET_RESERVED).setTo(Bucket.BUCKET_COMMITTED).setQuantity(1);
            default -> {
            }
        }
        long quantity = movement.getQuantity();
        if (movement.getFrom() == Bucket.BUCKET_AVAILABLE && quantity > balance.getAvailable()) {
            return result.setRefusal(Refusal.newBuilder().setReason(RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK)
                    .setAvailable(balance.getAvailable()).setSequence(sequence)).build();
        }
        move(balance, movement.getFrom(), -quantity);
        move(balance, movement.getTo(), quantity);
        Entry.Builder entry = Entry.newBuilder().setSku(sku).setSequence(sequence + 1).setKind(kind).setMutationId(mutation.getMutationId())
                .setChannel(mutation.getChannel()).setReference(mutation.getReference()).setLocation("main").setRecordedAt(now()).addBalances(balance);
        if (quantity > 0) {
            entry.addMovements(movement);
        }
        balances.put(sku, balance.build());
        sequences.put(sku, sequence + 1);
        entries.add(entry.build());
        subscribers.forEach(subscriber -> subscriber.onNext(message().addEntries(entry).setCompleteTime(now()).build()));
        return result.setApplied(applied(entry.build())).build();
    }

    private static void move(LocationBalance.Builder balance, Bucket bucket, long delta) {
        switch (bucket) {
            case BUCKET_AVAILABLE -> balance.setAvailable(balance.getAvailable() + delta);
            case BUCKET_RESERVED -> balance.setReserved(balance.getReserved() + delta);
            case BUCKET_COMMITTED -> balance.setCommitted(balance.getCommitted() + delta);
            default -> {
            }
        }
    }

    private static Applied.Builder applied(Entry entry) {
        return Applied.newBuilder().setSequence(entry.getSequence()).setRecordedAt(entry.getRecordedAt()).addAllBalances(entry.getBalancesList());
    }

    private synchronized Stock stock(String sku) {
        Stock.Builder stock = Stock.newBuilder().setSku(sku).setSequence(sequences.getOrDefault(sku, 0L)).setAsOfTime(now());
        if (balances.containsKey(sku)) {
            LocationBalance balance = balances.get(sku);
            stock.addBalances(balance).setAvailableToSell(balance.getAvailable())
                    .setOnHand(balance.getAvailable() + balance.getReserved() + balance.getCommitted());
        }
        return stock.build();
    }

    /** A page of its SKUs; the token is the last one's name. */
    private synchronized ListStockResponse listed(ListStockRequest request) {
        List<String> names = balances.keySet().stream().filter(sku -> sku.startsWith(request.getSkuPrefix()))
                .filter(sku -> sku.compareTo(request.getPageToken()) > 0)
                .filter(sku -> !request.hasAvailableBelow() || balances.get(sku).getAvailable() < request.getAvailableBelow()).sorted().toList();
        ListStockResponse.Builder page = ListStockResponse.newBuilder().setFreshness(ProjectionFreshness.newBuilder().setAsOfTime(now())
                .setAge(Durations.fromMillis(1_234)));
        names.stream().limit(request.getPageSize()).forEach(sku -> page.addStocks(ProjectedStock.newBuilder().setSku(sku)
                .setBalance(balances.get(sku)).setAvailableToSell(balances.get(sku).getAvailable())
                .setOnHand(balances.get(sku).getAvailable() + balances.get(sku).getReserved()).setSequence(sequences.get(sku))));
        return page.setNextPageToken(names.size() > request.getPageSize() ? names.get(request.getPageSize() - 1) : "").build();
    }

    private SubscribeResponse.Builder message() {
        return SubscribeResponse.newBuilder().setCursor(ByteString.copyFromUtf8("cursor-" + entries.size())).setLedgerTime(now());
    }

    private static Timestamp now() {
        Instant now = Instant.now();
        return Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()).build();
    }

    private static <T> void answer(StreamObserver<T> reply, T message) {
        reply.onNext(message);
        reply.onCompleted();
    }

    private final class LedgerCalls extends LedgerServiceGrpc.LedgerServiceImplBase {
        @Override
        public void applyMutation(ApplyMutationRequest request, StreamObserver<ApplyMutationResponse> reply) {
            answer(reply, ApplyMutationResponse.newBuilder().setResult(decide(request.getMutation())).build());
        }

        @Override
        public void listStock(ListStockRequest request, StreamObserver<ListStockResponse> reply) {
            answer(reply, listed(request));
        }

        @Override
        public StreamObserver<StreamMutationsRequest> streamMutations(StreamObserver<StreamMutationsResponse> reply) {
            return new StreamObserver<>() {
                @Override
                public void onNext(StreamMutationsRequest request) {
                    StreamMutationsResponse.Builder response = StreamMutationsResponse.newBuilder();
                    request.getMutationsList().forEach(mutation -> response.addResults(decide(mutation)));
                    reply.onNext(response.build());
                }

                @Override
                public void onError(Throwable gone) {
                }

                @Override
                public void onCompleted() {
                    reply.onCompleted();
                }
            };
        }

        @Override
        public void getStock(GetStockRequest request, StreamObserver<GetStockResponse> reply) {
            answer(reply, GetStockResponse.newBuilder().setStock(stock(request.getSku())).build());
        }

        @Override
        public void getStockAt(GetStockAtRequest request, StreamObserver<GetStockAtResponse> reply) {
            Stock.Builder stock = Stock.newBuilder().setSku(request.getSku());
            synchronized (StandInLedger.this) {
                entries.stream().filter(entry -> entry.getSku().equals(request.getSku()))
                        .filter(entry -> request.hasAtSequence() ? entry.getSequence() <= request.getAtSequence()
                                : Timestamps.compare(entry.getRecordedAt(), request.getAtTime()) <= 0)
                        .forEach(entry -> stock.setSequence(entry.getSequence()).clearBalances().addAllBalances(entry.getBalancesList())
                                .setOnHand(entry.getBalances(0).getAvailable()).setAvailableToSell(entry.getBalances(0).getAvailable())
                                .setAsOfTime(entry.getRecordedAt()));
            }
            answer(reply, GetStockAtResponse.newBuilder().setStock(stock).build());
        }

        @Override
        public void batchGetStock(BatchGetStockRequest request, StreamObserver<BatchGetStockResponse> reply) {
            answer(reply, BatchGetStockResponse.newBuilder().addAllStocks(request.getSkusList().stream().map(StandInLedger.this::stock).toList()).build());
        }

        @Override
        public void getMutation(GetMutationRequest request, StreamObserver<GetMutationResponse> reply) {
            answer(reply, GetMutationResponse.newBuilder().setState(MutationState.MUTATION_STATE_NOT_APPLIED).setAsOfTime(now()).build());
        }

        @Override
        public void getReservation(GetReservationRequest request, StreamObserver<GetReservationResponse> reply) {
            answer(reply, GetReservationResponse.newBuilder().setReservation(Reservation.newBuilder().setSku(request.getSku())
                    .setReservationId(request.getReservationId()).setState(ReservationState.RESERVATION_STATE_CLOSED).setLocation("main")
                    .setQuantity(2).setReleased(2).setSequence(1)).build());
        }

        @Override
        public void listEntries(ListEntriesRequest request, StreamObserver<ListEntriesResponse> reply) {
            synchronized (StandInLedger.this) {
                answer(reply, ListEntriesResponse.newBuilder().addAllEntries(entries.stream()
                        .filter(entry -> entry.getSku().equals(request.getSku()) && entry.getSequence() >= request.getFromSequence()).toList()).build());
            }
        }
    }

    private static final NamedSubscription ERP = NamedSubscription.newBuilder().setName("erp").setSlots(16).setLagEntries(12_345)
            .setLagIsAtLeast(true).setLag(com.google.protobuf.Duration.newBuilder().setSeconds(2).setNanos(340_000_000)).setParkedEntries(1)
            .setCreateTime(Timestamp.newBuilder().setSeconds(1_700_000_000)).setCursor(com.google.protobuf.ByteString.copyFromUtf8("c"))
            .addConsumers(Consumer.newBuilder().setConsumer("erp-1").setSlots(16).setConnectTime(Timestamp.newBuilder().setSeconds(1_700_000_000)))
            .build();

    private final class FeedCalls extends FeedServiceGrpc.FeedServiceImplBase {
        @Override
        public void subscribe(SubscribeRequest request, StreamObserver<SubscribeResponse> reply) {
            ((ServerCallStreamObserver<SubscribeResponse>) reply).setOnCancelHandler(() -> {
                synchronized (StandInLedger.this) {
                    subscribers.remove(reply);
                }
            });
            synchronized (StandInLedger.this) {
                if (request.getInitialStock()) {
                    request.getFilter().getSkusList().forEach(sku -> {
                        if (balances.containsKey(sku)) {
                            reply.onNext(SubscribeResponse.newBuilder().addStocks(stock(sku)).setLedgerTime(now()).build());
                        }
                    });
                    reply.onNext(message().setStockComplete(true).build());
                } else if (!request.getFromNow() && !entries.isEmpty()) {
                    SubscribeResponse.Builder told = message().addAllEntries(entries);
                    if (request.getChainHeads()) {
                        told.addChainHeads(ChainHead.newBuilder().setSku("MUG").setRow(2).setSequence(3).setDigest(ByteString.copyFrom(new byte[32])));
                    }
                    reply.onNext(told.build());
                }
                reply.onNext(message().setCaughtUp(true).setCompleteTime(now()).build());
                subscribers.add(reply);
            }
        }

        @Override
        public void listSubscriptions(ListSubscriptionsRequest request, StreamObserver<ListSubscriptionsResponse> reply) {
            answer(reply, ListSubscriptionsResponse.newBuilder().addSubscriptions(ERP).build());
        }

        @Override
        public void getSubscription(GetSubscriptionRequest request, StreamObserver<GetSubscriptionResponse> reply) {
            answer(reply, GetSubscriptionResponse.newBuilder().setSubscription(ERP).build());
        }

        @Override
        public void rewindSubscription(RewindSubscriptionRequest request, StreamObserver<RewindSubscriptionResponse> reply) {
            operated.add(request);
            boolean beginning = request.getBeginning() || request.hasTime() && request.getTime().getSeconds() < 0;
            answer(reply, RewindSubscriptionResponse.newBuilder().setBeginning(beginning).build());
        }

        @Override
        public void deleteSubscription(DeleteSubscriptionRequest request, StreamObserver<DeleteSubscriptionResponse> reply) {
            operated.add(request);
            answer(reply, DeleteSubscriptionResponse.getDefaultInstance());
        }

        @Override
        public void listParkedEntries(ListParkedEntriesRequest request, StreamObserver<ListParkedEntriesResponse> reply) {
            answer(reply, ListParkedEntriesResponse.newBuilder().addEntries(ParkedEntry.newBuilder().setSku("MUG").setSequence(17)
                    .setReason("no article").setTimes(2).setParkTime(Timestamp.newBuilder().setSeconds(1_700_000_000))).build());
        }

        @Override
        public void retryParkedEntry(RetryParkedEntryRequest request, StreamObserver<RetryParkedEntryResponse> reply) {
            operated.add(request);
            answer(reply, RetryParkedEntryResponse.getDefaultInstance());
        }

        @Override
        public void dropParkedEntry(DropParkedEntryRequest request, StreamObserver<DropParkedEntryResponse> reply) {
            operated.add(request);
            answer(reply, DropParkedEntryResponse.getDefaultInstance());
        }

        private <T> void answer(StreamObserver<T> reply, T message) {
            reply.onNext(message);
            reply.onCompleted();
        }
    }

    private static final class AdminCalls extends AdminServiceGrpc.AdminServiceImplBase {
        @Override
        public void rebuildProjection(RebuildProjectionRequest request, StreamObserver<RebuildProjectionResponse> reply) {
            reply.onNext(RebuildProjectionResponse.newBuilder().setEntries(1_500).setEntriesExpected(3_000).build());
            answer(reply, RebuildProjectionResponse.newBuilder().setEntries(3_001).setEntriesExpected(3_001).setDone(true).build());
        }

        @Override
        public void audit(AuditRequest request, StreamObserver<AuditResponse> reply) {
            List<String> skus = new ArrayList<>(request.getSkusList());
            request.getHeadsList().forEach(head -> skus.add(head.getSku()));
            boolean everything = skus.isEmpty();
            if (everything) {
                reply.onNext(AuditResponse.newBuilder().setProgress(
                        AuditProgress.newBuilder().setSku("MUG").setSkus(1).setRows(2).setEntries(3)).build());
                skus.addAll(List.of("MUG", "PEN, \"BLACK\""));
                skus.removeIf(sku -> sku.compareTo(request.getAfterSku()) <= 0);
            }
            AuditTotal.Builder total = AuditTotal.newBuilder().setClean(true);
            for (String sku : skus) {
                boolean clean = !sku.equals("TAMPERED");
                if (!clean) {
                    reply.onNext(AuditResponse.newBuilder().setFinding(AuditFinding.newBuilder().setSku(sku)
                            .setKind(AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED).setSequence(3).setExpected("a").setFound("b").setAdvice("Look.")).build());
                    total.setFindings(total.getFindings() + 1).setClean(false);
                }
                if (!everything) {
                    reply.onNext(AuditResponse.newBuilder().setVerdict(AuditVerdict.newBuilder().setSku(sku).setEntries(3).setRows(2).setClean(clean)).build());
                } else if (request.getChainHeads()) {
                    reply.onNext(AuditResponse.newBuilder().setChainHead(ChainHead.newBuilder().setSku(sku).setRow(2).setSequence(3)
                            .setDigest(ByteString.copyFrom(new byte[32]))).build());
                }
                total.setSkus(total.getSkus() + 1).setEntries(total.getEntries() + 3).setRows(total.getRows() + 2);
            }
            reply.onNext(AuditResponse.newBuilder().setTotal(total).build());
            reply.onCompleted();
        }
    }
}
