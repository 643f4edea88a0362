package io.stockledger.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.feed.NamedSubscriptions;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.LedgerIdentity;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.SubscriptionStore;
import io.stockledger.server.journal.TestJournalWriter;
import io.stockledger.server.journal.TestPostgresql;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.Share;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FeedApiTest {
    private Database database;
    private Feed feed;
    private NamedSubscriptions streams;
    private Reads names;
    private Server server;
    private ManagedChannel channel;
    private FeedServiceGrpc.FeedServiceBlockingStub stub;
    private final TestJournalWriter writer = new TestJournalWriter();

    @BeforeEach
    void open() throws Exception {
        database = TestPostgresql.database();
        JournalReader journal = new JournalReader(database, TestPostgresql.JOURNAL);
        feed = Feed.start(database, journal, TestPostgresql.JOURNAL,
                ConfigFactory.parseString("subscriptions-max = 3").withFallback(TestPostgresql.FEED), Clock.systemUTC(), new Pace(1),
                new CompositeMeterRegistry());
        Config settings = ConfigFactory.load().getConfig("stockledger.subscriptions");
        streams = NamedSubscriptions.start(feed, database, settings);
        names = new Reads("subscription", 1, 10, Optional.empty());
        Filters filters = new Filters(10_000);
        SubscriptionApi named = new SubscriptionApi(new SubscriptionStore(database, feed.identity(), 16, 10, 10), streams, feed,
                journal, filters, names, names, Clock.systemUTC());
        server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0)).directExecutor()
                .addService(new FeedApi(feed, filters, named).bind()).build().start();
        channel = NettyChannelBuilder.forAddress("127.0.0.1", server.getPort()).usePlaintext().build();
        stub = FeedServiceGrpc.newBlockingStub(channel).withDeadlineAfter(20, TimeUnit.SECONDS);
    }

    @AfterEach
    void close() throws Exception {
        channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        feed.close();
        streams.close();
        names.close();
        database.close();
    }

    @Test
    void storedEntriesArriveAsTheyWereWritten() throws Exception {
        writer.write(database, "A|B c", TestJournalWriter.receipts(3, "main"));
        Iterator<SubscribeResponse> messages = stub.subscribe(SubscribeRequest.newBuilder().setFromBeginning(true).build());
        List<Entry> entries = new ArrayList<>();
        SubscribeResponse message;
        do {
            message = messages.next();
            entries.addAll(message.getEntriesList());
        } while (!message.getCaughtUp());
        assertEquals(List.of(1L, 2L, 3L), entries.stream().map(Entry::getSequence).toList());
        assertEquals("A|B c-2", entries.get(1).getMutationId());
        writer.write(database, "A|B c", TestJournalWriter.receipts(1, "main"));
        feed.committed();
        SubscribeResponse next = messages.next();
        while (next.getEntriesCount() == 0) {
            next = messages.next();
        }
        assertEquals(4, next.getEntries(0).getSequence());
        Iterator<SubscribeResponse> resumed = stub.subscribe(SubscribeRequest.newBuilder().setAfterCursor(message.getCursor()).build());
        assertEquals(4, resumed.next().getEntries(0).getSequence());
    }

    @Test
    void badRequestsAreNamedByField() {
        SubscribeRequest.Builder request = SubscribeRequest.newBuilder();
        assertField("filter", request.clone().setFilter(FeedFilter.newBuilder().addAllSkus(java.util.Collections.nCopies(10_001, "A"))));
        assertField("filter.skus[0]", request.clone().setFilter(FeedFilter.newBuilder().addSkus("")));
        assertField("filter.skus[1]", request.clone().setFilter(FeedFilter.newBuilder().addSkus("A").addSkus("x".repeat(129))));
        assertField("filter.sku_prefix", request.clone().setFilter(FeedFilter.newBuilder().setSkuPrefix("a\nb")));
        assertField("filter.kinds[0]", request.clone().setFilter(FeedFilter.newBuilder().addKindsValue(999)));
        assertField("filter.kinds[0]", request.clone().setFilter(FeedFilter.newBuilder().addKinds(EntryKind.ENTRY_KIND_UNSPECIFIED)));
        assertField("share.count", request.clone().setShare(Share.newBuilder().setCount(0)));
        assertField("share.count", request.clone().setShare(Share.newBuilder().setCount(1025)));
        assertField("share.index", request.clone().setShare(Share.newBuilder().setIndex(3).setCount(3)));
        assertField("share.index", request.clone().setShare(Share.newBuilder().setIndex(-1).setCount(3)));
        assertField("heartbeat_interval_ms", request.clone().setHeartbeatIntervalMs(99));
        assertField("heartbeat_interval_ms", request.clone().setHeartbeatIntervalMs(60_001));
        assertField("from_now", request.clone().setFromNow(false));
        assertField("initial_stock", request.clone().setFromBeginning(true).setInitialStock(true));
        assertEquals(0, feed.subscriptionCount());
    }

    @Test
    void cursorThatIsNotOursIsInvalidAndOneOfAnEarlierEpochExpired() throws Exception {
        LedgerIdentity identity = LedgerIdentity.read(database);
        assertReason(Status.Code.INVALID_ARGUMENT, "INVALID_CURSOR", SubscribeRequest.newBuilder().setAfterCursor(ByteString.copyFromUtf8("garbage")));
        assertReason(Status.Code.INVALID_ARGUMENT, "INVALID_CURSOR", SubscribeRequest.newBuilder().setAfterCursor(ByteString.EMPTY));
        byte[] early = io.stockledger.server.journal.Cursor.START.toBytes(new LedgerIdentity(identity.ledgerId(), identity.feedEpoch() - 1));
        assertReason(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED", SubscribeRequest.newBuilder().setAfterCursor(ByteString.copyFrom(early)));
        byte[] unheldRow = io.stockledger.server.journal.Cursor.after(new io.stockledger.server.journal.Position(1, 1)).toBytes(identity);
        assertReason(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED", SubscribeRequest.newBuilder().setAfterCursor(ByteString.copyFrom(unheldRow)));
    }

    @Test
    void oneSubscriptionTooManyIsRefusedAndTheOthersGoOn() throws Exception {
        List<Iterator<SubscribeResponse>> open = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            open.add(stub.subscribe(SubscribeRequest.newBuilder().setFromNow(true).build()));
            assertTrue(open.get(i).hasNext());
        }
        assertReason(Status.Code.RESOURCE_EXHAUSTED, "TOO_MANY_SUBSCRIPTIONS", SubscribeRequest.newBuilder().setFromNow(true));
        assertFalse(open.get(0).next() == null);
    }

    @Test
    void clientThatTakesNothingIsSentABoundedAmountAndStillGetsAllLater() throws Exception {
        int rows = 400;
        try (Connection connection = TestPostgresql.connect(database)) {
            connection.setAutoCommit(false);
            for (int i = 0; i < rows; i++) {
                writer.write(connection, "A" + i % 7, TestJournalWriter.receipts(1000, "main"));
            }
            connection.commit();
        }
        AtomicLong entries = new AtomicLong();
        AtomicLong messages = new AtomicLong();
        List<ClientCallStreamObserver<SubscribeRequest>> call = new ArrayList<>();
        FeedServiceGrpc.newStub(channel).subscribe(SubscribeRequest.newBuilder().setFromBeginning(true).build(),
                new ClientResponseObserver<SubscribeRequest, SubscribeResponse>() {
                    @Override
                    public void beforeStart(ClientCallStreamObserver<SubscribeRequest> requests) {
                        call.add(requests);
                        requests.disableAutoRequestWithInitial(1);
                    }

                    @Override
                    public void onNext(SubscribeResponse message) {
                        entries.addAndGet(message.getEntriesCount());
                        messages.incrementAndGet();
                    }

                    @Override
                    public void onError(Throwable failure) {}

                    @Override
                    public void onCompleted() {}
                });
        await("the first message", () -> messages.get() == 1);
        // Another client is served in full while this one takes nothing.
        AtomicLong other = new AtomicLong();
        Iterator<SubscribeResponse> brisk = stub.subscribe(SubscribeRequest.newBuilder().setFromBeginning(true).build());
        SubscribeResponse message;
        do {
            message = brisk.next();
            other.addAndGet(message.getEntriesCount());
        } while (!message.getCaughtUp());
        assertEquals(rows * 1000L, other.get());
        assertEquals(1, messages.get());
        call.get(0).request(Integer.MAX_VALUE);
        await("all of it", () -> entries.get() == rows * 1000L);
    }

    private void assertField(String field, SubscribeRequest.Builder request) {
        com.google.rpc.Status status = assertReason(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", request);
        BadRequest detail = detail(status, BadRequest.class);
        assertEquals(field, detail.getFieldViolations(0).getField());
    }

    private com.google.rpc.Status assertReason(Status.Code code, String reason, SubscribeRequest.Builder request) {
        StatusRuntimeException refused = assertThrows(StatusRuntimeException.class, () -> stub.subscribe(request.build()).next());
        assertEquals(code, refused.getStatus().getCode());
        com.google.rpc.Status status = StatusProto.fromThrowable(refused);
        ErrorInfo info = detail(status, ErrorInfo.class);
        assertEquals(reason, info.getReason());
        assertEquals("stockledger.io", info.getDomain());
        return status;
    }

    private static <T extends com.google.protobuf.Message> T detail(com.google.rpc.Status status, Class<T> type) {
        return status.getDetailsList().stream().filter(any -> any.is(type)).findFirst().map(any -> {
            try {
                return any.unpack(type);
            } catch (com.google.protobuf.InvalidProtocolBufferException e) {
                throw new AssertionError(e);
            }
        }).orElseThrow();
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertFalse(System.nanoTime() > end, "not within 20 s: " + what);
            TimeUnit.MILLISECONDS.sleep(2);
        }
    }
}
