package io.stockledger.server;

import static io.stockledger.server.RunningLedger.problem;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status.Code;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.stockledger.client.Mutations;
import io.stockledger.server.RunningLedger.Problem;
import io.stockledger.v1.AdjustReason;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.BatchGetStockRequest;
import io.stockledger.v1.ChainHead;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.Expect;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.GetMutationRequest;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Reserve;
import io.stockledger.v1.SetAside;
import io.stockledger.v1.SetChannelAllocation;
import io.stockledger.v1.SetSafetyStock;
import io.stockledger.v1.Share;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whatever comes in: a status of the contract with its reason, and a ledger that has not changed. */
class BadInputTest {
    private static final long TOO_MANY_UNITS = 1_000_000_000_001L;
    private static final String FIELD = "INVALID_ARGUMENT/INVALID_FIELD";

    private static RunningLedger ledger;
    private long rowsBefore;

    @BeforeAll
    static void start() {
        ledger = RunningLedger.start("");
        ledger.applied(Mutations.receive("good", 10));
        ledger.applied(Mutations.reserve("good", 3, java.time.Duration.ofDays(1)).setMutationId("cart"));
        ledger.applied(Mutations.reserve("good", 1, java.time.Duration.ofDays(1)).setMutationId("released"));
        ledger.applied(Mutations.release("good", "released"));
    }

    @AfterAll
    static void stop() {
        ledger.close();
    }

    @BeforeEach
    void countRows() throws Exception {
        rowsBefore = ledger.count("SELECT count(*) FROM event_journal");
    }

    @AfterEach
    void theLedgerIsUnchanged() throws Exception {
        assertEquals(rowsBefore, ledger.count("SELECT count(*) FROM event_journal"));
        Stock stock = ledger.stock("good");
        assertEquals(4, stock.getSequence());
        assertEquals(10, stock.getOnHand());
    }

    /** Inputs by name, each with the status and reason that it must get. */
    private static final class Table {
        private final Map<String, Runnable> checks = new LinkedHashMap<>();

        void expect(String status, String name, Supplier<?> call) {
            checks.put(name, () -> {
                Problem problem = problem(call);
                assertEquals(status, problem.name(), () -> name + ": " + problem);
                assertReadable(problem);
            });
        }

        void expect(String status, String name, Mutation.Builder mutation) {
            expect(status, name, () -> ledger.apply(mutation));
            checks.put(name + ", streamed", () -> {
                StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
                stream.send(mutation, Mutations.sell("good", 999));
                var results = stream.results();
                assertEquals(status, Problem.of(results.get(0).getError()).name(), name);
                assertReadable(Problem.of(results.get(0).getError()));
                assertTrue(results.get(1).hasRefusal(), "the one beside it is decided");
                stream.complete();
                stream.awaitCompletion();
            });
        }

        void check() {
            org.junit.jupiter.api.Assertions.assertAll(checks.values().stream().map(check -> check::run));
        }
    }

    private static void assertReadable(Problem problem) {
        assertFalse(problem.message().isBlank(), problem::toString);
        assertFalse(problem.message().contains("Exception") || problem.message().contains("\tat ")
                || problem.message().contains("io.stockledger"), problem::toString);
        assertTrue(problem.message().length() < 500, () -> "long: " + problem.message().length());
        assertEquals(1, problem.message().lines().count());
    }

    private static Timestamp seconds(long seconds) {
        return Timestamp.newBuilder().setSeconds(seconds).build();
    }

    private static Mutation.Builder reserve(Duration timeToLive) {
        return Mutation.newBuilder().setSku("good").setMutationId("ttl")
                .setReserve(Reserve.newBuilder().setQuantity(1).setTimeToLive(timeToLive));
    }

    @Test
    void aMalformedMutationIsRefusedWithTheFieldThatIsWrong() {
        Table table = new Table();
        table.expect(FIELD, "empty SKU", Mutations.receive("", 1));
        table.expect(FIELD, "SKU of spaces alone", Mutations.receive(" ", 1));
        table.expect(FIELD, "SKU of 129 characters", Mutations.receive("x".repeat(129), 1));
        table.expect(FIELD, "SKU of 129 code points", Mutations.receive("\ud83d\udc55".repeat(129), 1));
        table.expect(FIELD, "NUL in the SKU", Mutations.receive("a\u0000b", 1));
        table.expect(FIELD, "newline in the SKU", Mutations.receive("a\nb", 1));
        table.expect(FIELD, "C1 control in the SKU", Mutations.receive("a\u0085b", 1));
        table.expect(FIELD, "a SKU of a million characters", Mutations.receive("x".repeat(1_000_000), 1));
        table.expect(FIELD, "mutation id of 65 characters", Mutations.receive("good", 1).setMutationId("x".repeat(65)));
        table.expect(FIELD, "newline in the mutation id", Mutations.receive("good", 1).setMutationId("a\n"));
        table.expect(FIELD, "location of 65 characters", Mutations.receive("good", 1).setLocation("x".repeat(65)));
        table.expect(FIELD, "NUL in the location", Mutations.receive("good", 1).setLocation("\u0000"));
        table.expect(FIELD, "channel of 65 characters", Mutations.receive("good", 1).setChannel("x".repeat(65)));
        table.expect(FIELD, "tab in the channel", Mutations.receive("good", 1).setChannel("\t"));
        table.expect(FIELD, "reference of 129 characters", Mutations.receive("good", 1).setReference("x".repeat(129)));
        for (long quantity : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, TOO_MANY_UNITS}) {
            table.expect(FIELD, "receive " + quantity, Mutations.receive("good", quantity));
            table.expect(FIELD, "sell " + quantity, Mutations.sell("good", quantity));
            table.expect(FIELD, "sell, happened, " + quantity, Mutations.sellAlreadyHappened("good", quantity));
            table.expect(FIELD, "return " + quantity, Mutations.returned("good", quantity));
            table.expect(FIELD, "reserve " + quantity, Mutations.reserve("good", quantity, java.time.Duration.ofMinutes(1)));
            table.expect(FIELD, "release " + quantity, Mutations.release("good", "cart", quantity));
            table.expect(FIELD, "commit " + quantity, Mutations.commit("good", "cart", quantity));
            table.expect(FIELD, "fulfill " + quantity, Mutations.fulfill("good", "cart", quantity));
            table.expect(FIELD, "cancel " + quantity, Mutations.cancelCommitted("good", "cart", quantity));
            table.expect(FIELD, "expect " + quantity, Mutations.expect("good", quantity, "PO"));
            table.expect(FIELD, "ship " + quantity, Mutations.shipTransfer("good", quantity, "there", "T"));
        }
        table.expect(FIELD, "adjust by 0", Mutations.adjust("good", 0, AdjustReason.ADJUST_REASON_FOUND));
        table.expect(FIELD, "adjust by the smallest long", Mutations.adjust("good", Long.MIN_VALUE, AdjustReason.ADJUST_REASON_FOUND));
        table.expect(FIELD, "adjust without a reason", Mutations.adjust("good", 1, AdjustReason.ADJUST_REASON_UNSPECIFIED));
        table.expect(FIELD, "count -1", Mutations.count("good", -1));
        table.expect(FIELD, "count too many", Mutations.count("good", TOO_MANY_UNITS));
        table.expect(FIELD, "count at sequence -1", Mutations.countAtSequence("good", 1, -1));
        table.expect(FIELD, "count in the future", Mutations.countAtTime("good", 1, ledger.clock.instant().plusSeconds(5)));
        table.expect(FIELD, "safety stock -1", Mutation.newBuilder().setSku("good")
                .setSetSafetyStock(SetSafetyStock.newBuilder().setQuantity(-1)));
        table.expect(FIELD, "maximum below guaranteed", Mutation.newBuilder().setSku("good").setChannel("web")
                .setSetChannelAllocation(SetChannelAllocation.newBuilder().setGuaranteed(5).setMaximum(4)));
        table.expect(FIELD, "allocation without a channel", Mutation.newBuilder().setSku("good")
                .setSetChannelAllocation(SetChannelAllocation.newBuilder().setGuaranteed(5)));
        table.expect(FIELD, "expect without a reference", Mutation.newBuilder().setSku("good")
                .setExpect(Expect.newBuilder().setQuantity(1)));
        table.expect(FIELD, "transfer to where it is", Mutations.shipTransfer("good", 1, "main", "T"));
        table.expect(FIELD, "transfer to nowhere", Mutations.shipTransfer("good", 1, "", "T"));
        table.expect(FIELD, "release of an unnamed reservation", Mutations.release("good", ""));
        table.expect(FIELD, "expected sequence -1", Mutations.receive("good", 1).setExpectedSequence(-1));
        table.expect(FIELD, "unknown enum value", Mutation.newBuilder().setSku("good")
                .setSetAside(SetAside.newBuilder().setQuantity(1).setReasonValue(99)));
        table.expect(FIELD, "enum value not set", Mutation.newBuilder().setSku("good")
                .setSetAside(SetAside.newBuilder().setQuantity(1)));
        table.expect(FIELD, "no operation", Mutation.newBuilder().setSku("good"));
        table.expect(FIELD, "an operation of a later version", Mutation.newBuilder().setSku("good")
                .setUnknownFields(UnknownFieldSet.newBuilder().addField(39, UnknownFieldSet.Field.newBuilder()
                        .addLengthDelimited(ByteString.copyFromUtf8("\b\001")).build()).build()));
        table.check();
        assertEquals(FIELD, problem(() -> ledger.calls().applyMutation(ApplyMutationRequest.getDefaultInstance())).name());
        assertEquals(FIELD, problem(() -> ledger.calls().applyMutation(ApplyMutationRequest.newBuilder()
                .setMutation(Mutations.receive("good", 1)).build())).name(), "no mutation id");
    }

    @Test
    void aTimeThatMakesNoSenseIsRefused() {
        Table table = new Table();
        table.expect(FIELD, "time to live of zero", reserve(Duration.getDefaultInstance()));
        table.expect(FIELD, "time to live below zero", reserve(Duration.newBuilder().setSeconds(-5).build()));
        table.expect(FIELD, "time to live of a year", reserve(Duration.newBuilder().setSeconds(365 * 86_400L).build()));
        table.expect(FIELD, "time to live beyond all", reserve(Duration.newBuilder().setSeconds(Long.MAX_VALUE).build()));
        table.expect(FIELD, "time to live that is no duration",
                reserve(Duration.newBuilder().setSeconds(60).setNanos(-1).build()));
        table.expect(FIELD, "time to live of 999 ms", reserve(Duration.newBuilder().setNanos(999_000_000).build()));
        table.expect(FIELD, "extend by a year", Mutations.extend("good", "cart", java.time.Duration.ofDays(365)));
        Map<String, Timestamp> times = Map.of("before 1970", seconds(-1), "the epoch itself", seconds(0),
                "the year 10,000", seconds(253_402_300_800L), "the end of longs", seconds(Long.MAX_VALUE),
                "too many nanos", Timestamp.newBuilder().setSeconds(1).setNanos(1_000_000_000).build(),
                "negative nanos", Timestamp.newBuilder().setSeconds(1).setNanos(-1).build());
        times.forEach((name, time) -> {
            table.expect(FIELD, "occurred_at " + name, Mutations.receive("good", 1).setOccurredAt(time));
            table.expect(FIELD, "created_at " + name, Mutations.receive("good", 1).setCreatedAt(time));
            table.expect(FIELD, "not_after " + name, Mutations.receive("good", 1).setNotAfter(time));
        });
        table.expect(FIELD, "occurred_at in the future",
                Mutations.receive("good", 1).setOccurredAt(ledger.at(java.time.Duration.ofMinutes(2))));
        table.expect("INVALID_ARGUMENT/CREATED_AT_AHEAD", "created_at in the future",
                Mutations.receive("good", 1).setCreatedAt(ledger.at(java.time.Duration.ofMinutes(2))));
        table.expect("FAILED_PRECONDITION/MUTATION_EXPIRED", "created_at of last year",
                Mutations.receive("good", 1).setCreatedAt(ledger.at(java.time.Duration.ofDays(-365))));
        table.expect("FAILED_PRECONDITION/NOT_AFTER_PASSED", "not_after of last year",
                Mutations.receive("good", 1).setNotAfter(ledger.at(java.time.Duration.ofDays(-365))));
        table.check();
    }

    @Test
    void whatTheStockDoesNotAllowIsARefusalAndNoError() {
        assertEquals(RefusalReason.REFUSAL_REASON_EXCEEDS_RESERVATION, ledger.refused(Mutations.commit("good", "cart", 4)).getReason());
        assertEquals(3, ledger.refused(Mutations.release("good", "cart", 4)).getAvailable());
        assertEquals(RefusalReason.REFUSAL_REASON_EXCEEDS_RESERVATION, ledger.refused(Mutations.fulfill("good", "cart")).getReason());
        assertEquals(RefusalReason.REFUSAL_REASON_RESERVATION_CLOSED, ledger.refused(Mutations.release("good", "released")).getReason());
        assertEquals(RefusalReason.REFUSAL_REASON_RESERVATION_NOT_FOUND, ledger.refused(Mutations.release("good", "nobody's")).getReason());
        assertEquals(RefusalReason.REFUSAL_REASON_RESERVATION_NOT_FOUND,
                ledger.refused(Mutations.release("good", "cart").setLocation("elsewhere")).getReason());
        assertEquals(RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK,
                ledger.refused(Mutations.sell("good", 1).setLocation("\ud83c\udfec no such place / |")).getReason());
        assertEquals(RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK, ledger.refused(Mutations.receiveExpected("good", 1, "PO")).getReason());
        assertEquals(RefusalReason.REFUSAL_REASON_SEQUENCE_MISMATCH,
                ledger.refused(Mutations.countAtSequence("good", 1, Long.MAX_VALUE)).getReason());
    }

    @Test
    void aMalformedReadIsRefused() {
        Table table = new Table();
        table.expect(FIELD, "stock of nothing", () -> ledger.calls().getStock(GetStockRequest.getDefaultInstance()));
        table.expect(FIELD, "stock of a long SKU", () -> ledger.stock("x".repeat(129)));
        table.expect(FIELD, "stock on a long channel", () -> ledger.calls().getStock(
                GetStockRequest.newBuilder().setSku("good").setChannel("x".repeat(65)).build()));
        table.expect(FIELD, "no SKUs", () -> ledger.calls().batchGetStock(BatchGetStockRequest.getDefaultInstance()));
        table.expect(FIELD, "1,001 SKUs", () -> ledger.calls().batchGetStock(BatchGetStockRequest.newBuilder()
                .addAllSkus(Collections.nCopies(1_001, "good")).build()));
        table.expect(FIELD, "an empty SKU among others", () -> ledger.calls().batchGetStock(BatchGetStockRequest.newBuilder()
                .addSkus("good").addSkus("").build()));
        table.expect(FIELD, "a page of -1", () -> ledger.calls().listEntries(
                ListEntriesRequest.newBuilder().setSku("good").setPageSize(-1).build()));
        table.expect(FIELD, "from sequence -1", () -> ledger.calls().listEntries(
                ListEntriesRequest.newBuilder().setSku("good").setFromSequence(-1).build()));
        table.expect(FIELD, "a token that is none", () -> ledger.calls().listEntries(
                ListEntriesRequest.newBuilder().setSku("good").setPageToken("%%%\u0000").build()));
        table.expect(FIELD, "a mutation without id", () -> ledger.calls().getMutation(
                GetMutationRequest.newBuilder().setSku("good").build()));
        table.expect(FIELD, "a mutation with an impossible not_after", () -> ledger.calls().getMutation(
                GetMutationRequest.newBuilder().setSku("good").setMutationId("a").setNotAfter(seconds(-1)).build()));
        table.expect(FIELD, "a reservation without id", () -> ledger.calls().getReservation(
                GetReservationRequest.newBuilder().setSku("good").build()));
        table.expect("NOT_FOUND/RESERVATION_NOT_FOUND", "an unknown reservation", () -> ledger.calls().getReservation(
                GetReservationRequest.newBuilder().setSku("good").setReservationId("nobody's").build()));
        table.expect(FIELD, "an audit of SKUs that goes on after one", () -> ledger.admin().audit(AuditRequest.newBuilder()
                .addSkus("a").setAfterSku("b").build()).hasNext());
        table.expect(FIELD, "an audit after what is no SKU", () -> ledger.admin().audit(AuditRequest.newBuilder()
                .setAfterSku("a\n").build()).hasNext());
        table.expect(FIELD, "a chain head of row 0", () -> ledger.admin().audit(AuditRequest.newBuilder()
                .addHeads(ChainHead.newBuilder().setSku("a").setDigest(ByteString.copyFrom(new byte[32]))).build()).hasNext());
        table.expect(FIELD, "a chain head with half a digest", () -> ledger.admin().audit(AuditRequest.newBuilder()
                .addHeads(ChainHead.newBuilder().setSku("a").setRow(1).setSequence(1).setDigest(ByteString.copyFrom(new byte[16]))).build()).hasNext());
        table.expect(FIELD, "an audit of 1,001 SKUs", () -> ledger.admin().audit(AuditRequest.newBuilder()
                .addAllSkus(Collections.nCopies(1_001, "good")).build()).hasNext());
        table.check();
    }

    private static Supplier<?> subscribe(SubscribeRequest.Builder request) {
        return () -> ledger.feed().subscribe(request.build()).hasNext();
    }

    @Test
    void aMalformedSubscriptionIsRefused() {
        FeedFilter.Builder wide = FeedFilter.newBuilder();
        for (int i = 0; i < 100_000; i++) {
            wide.addSkus("sku-" + i);
        }
        Table table = new Table();
        table.expect(FIELD, "a filter of 100,000 SKUs", subscribe(SubscribeRequest.newBuilder().setFilter(wide)));
        table.expect("INVALID_ARGUMENT/INVALID_CURSOR", "a cursor that is not ours",
                subscribe(SubscribeRequest.newBuilder().setAfterCursor(ByteString.copyFromUtf8("not a cursor"))));
        table.expect("INVALID_ARGUMENT/INVALID_CURSOR", "an empty cursor",
                subscribe(SubscribeRequest.newBuilder().setAfterCursor(ByteString.EMPTY)));
        byte[] random = new byte[45];
        new Random(1).nextBytes(random);
        random[0] = 1;
        table.expect("INVALID_ARGUMENT/INVALID_CURSOR", "a cursor of the right size",
                subscribe(SubscribeRequest.newBuilder().setAfterCursor(ByteString.copyFrom(random))));
        table.expect(FIELD, "share 1 of 1", subscribe(SubscribeRequest.newBuilder().setShare(Share.newBuilder().setIndex(1).setCount(1))));
        table.expect(FIELD, "share of 0", subscribe(SubscribeRequest.newBuilder().setShare(Share.newBuilder())));
        table.expect(FIELD, "a heartbeat every millisecond", subscribe(SubscribeRequest.newBuilder().setHeartbeatIntervalMs(1)));
        table.expect(FIELD, "an unknown kind", subscribe(SubscribeRequest.newBuilder()
                .setFilter(FeedFilter.newBuilder().addKindsValue(99))));
        table.expect(FIELD, "no kind", subscribe(SubscribeRequest.newBuilder()
                .setFilter(FeedFilter.newBuilder().addKinds(EntryKind.ENTRY_KIND_UNSPECIFIED))));
        table.expect(FIELD, "an empty SKU in the filter", subscribe(SubscribeRequest.newBuilder()
                .setFilter(FeedFilter.newBuilder().addSkus(""))));
        table.expect(FIELD, "NUL in the filter", subscribe(SubscribeRequest.newBuilder()
                .setFilter(FeedFilter.newBuilder().setSkuPrefix("\u0000"))));
        table.expect(FIELD, "initial stock and a cursor", subscribe(SubscribeRequest.newBuilder().setFromBeginning(true)
                .setInitialStock(true)));
        table.check();
    }

    @Test
    void aCursorOfAnotherLedgerIsNotOurs() {
        try (RunningLedger other = RunningLedger.start("")) {
            other.applied(Mutations.receive("good", 1));
            ByteString cursor = other.feed().subscribe(SubscribeRequest.newBuilder().setFromBeginning(true).build())
                    .next().getCursor();
            assertEquals("INVALID_ARGUMENT/INVALID_CURSOR",
                    problem(subscribe(SubscribeRequest.newBuilder().setAfterCursor(cursor))).name());
        }
    }

    // ---- Below the contract ----

    private static final MethodDescriptor.Marshaller<byte[]> BYTES = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    };

    private static Supplier<?> raw(String method, MethodDescriptor.MethodType type, byte[] request) {
        return () -> {
            var call = MethodDescriptor.newBuilder(BYTES, BYTES).setFullMethodName("stockledger.v1." + method)
                    .setType(MethodDescriptor.MethodType.SERVER_STREAMING).build();
            CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS);
            return ClientCalls.blockingServerStreamingCall(ledger.channel(), call, options, request).hasNext();
        };
    }

    @Test
    void callWithoutItsRequestIsRefused() {
        Table table = new Table();
        for (String method : new String[] {"LedgerService/ApplyMutation", "LedgerService/GetStock", "AdminService/Audit", "FeedService/Subscribe"}) {
            table.expect("INVALID_ARGUMENT/MALFORMED_REQUEST", method, () -> halfClosedAtOnce(method));
        }
        table.check();
    }

    /** As a broken client may: the library's own calls can't leave the request out. */
    private static Object halfClosedAtOnce(String method) {
        MethodDescriptor<byte[], byte[]> call = MethodDescriptor.newBuilder(BYTES, BYTES)
                .setType(MethodDescriptor.MethodType.BIDI_STREAMING).setFullMethodName("stockledger.v1." + method).build();
        ClientCall<byte[], byte[]> open = ledger.channel().newCall(call, CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS));
        CompletableFuture<Object> ended = new CompletableFuture<>();
        open.start(new ClientCall.Listener<>() {
            @Override
            public void onClose(io.grpc.Status status, Metadata trailers) {
                ended.completeExceptionally(status.asRuntimeException(trailers));
            }
        }, new Metadata());
        open.request(1);
        open.halfClose();
        try {
            return ended.join();
        } catch (CompletionException e) {
            throw (RuntimeException) e.getCause();
        }
    }

    @Test
    void bytesThatAreNoMessageAreRefused() {
        byte[] invalidUtf8 = Mutations.receive("??", 1).setMutationId("utf8").build().toByteArray();
        for (int i = 0; i < invalidUtf8.length; i++) {
            invalidUtf8[i] = invalidUtf8[i] == '?' ? (byte) 0xff : invalidUtf8[i];
        }
        byte[] mutation = ApplyMutationRequest.newBuilder().setMutation(Mutations.receive("good", 1).setMutationId("cut"))
                .build().toByteArray();
        byte[] cut = java.util.Arrays.copyOf(mutation, mutation.length - 1);
        byte[] wrapped = new byte[invalidUtf8.length + 2];
        wrapped[0] = 0x0a;
        wrapped[1] = (byte) invalidUtf8.length;
        System.arraycopy(invalidUtf8, 0, wrapped, 2, invalidUtf8.length);
        byte[] noise = new byte[100];
        new Random(7).nextBytes(noise);
        noise[0] = 0x0f;
        Table table = new Table();
        String malformed = "INVALID_ARGUMENT/MALFORMED_REQUEST";
        for (String method : new String[] {"LedgerService/ApplyMutation", "LedgerService/StreamMutations",
                "LedgerService/GetStock", "FeedService/Subscribe", "AdminService/Audit"}) {
            table.expect(malformed, method + ": noise", raw(method, MethodDescriptor.MethodType.UNARY, noise));
        }
        assertFalse(problem(() -> ClientCalls.blockingServerStreamingCall(ledger.channel(), MethodDescriptor.newBuilder(BYTES, BYTES)
                .setFullMethodName("grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
                .setType(MethodDescriptor.MethodType.SERVER_STREAMING).build(),
                CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS), noise).hasNext()).code() == Code.UNKNOWN);
        table.expect(malformed, "text that is no UTF-8", raw("LedgerService/ApplyMutation", MethodDescriptor.MethodType.UNARY, wrapped));
        table.expect(malformed, "text that is no UTF-8, streamed", raw("LedgerService/StreamMutations", MethodDescriptor.MethodType.UNARY, wrapped));
        table.expect(malformed, "a message cut off", raw("LedgerService/ApplyMutation", MethodDescriptor.MethodType.UNARY, cut));
        table.check();
        assertEquals(Code.UNIMPLEMENTED, problem(raw("LedgerService/NoSuchCall", MethodDescriptor.MethodType.UNARY, noise)).code());
    }

    @Test
    void aRequestOverTheMessageLimitIsRefused() {
        ApplyMutationRequest large = RunningLedger.request(Mutations.receive("x".repeat(5 << 20), 1));
        Problem unary = problem(() -> ledger.calls().applyMutation(large));
        assertEquals(Code.RESOURCE_EXHAUSTED, unary.code(), unary::toString);
        StreamCaller stream = new StreamCaller(ledger.callsWithoutWaiting());
        stream.send(Mutations.receive("x".repeat(5 << 20), 1));
        assertEquals(Code.RESOURCE_EXHAUSTED, stream.problem().code());
        assertEquals(Code.RESOURCE_EXHAUSTED, problem(subscribe(SubscribeRequest.newBuilder().setFilter(
                FeedFilter.newBuilder().setSkuPrefix("x".repeat(5 << 20))))).code());
    }

    @Test
    void aPrincipalThatCanNotBeKeptIsRefused() {
        for (String principal : new String[] {"x".repeat(129)}) {
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("stockledger-principal", Metadata.ASCII_STRING_MARSHALLER), principal);
            assertEquals(FIELD, problem(() -> ledger.calls().withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                    .getStock(GetStockRequest.newBuilder().setSku("good").build())).name());
        }
        Metadata endless = new Metadata();
        endless.put(Metadata.Key.of("x-endless", Metadata.ASCII_STRING_MARSHALLER), "x".repeat(100_000));
        Code code = problem(() -> ledger.calls().withInterceptors(MetadataUtils.newAttachHeadersInterceptor(endless))
                .getStock(GetStockRequest.newBuilder().setSku("good").build())).code();
        assertFalse(code == Code.UNKNOWN, "endless headers: " + code);
    }

    @Test
    void garbageOnThePortHurtsNobody() throws Exception {
        Random random = new Random(42);
        for (int i = 0; i < 20; i++) {
            try (Socket socket = new Socket("127.0.0.1", ledger.port()); OutputStream out = socket.getOutputStream()) {
                socket.setSoTimeout(20_000);
                byte[] noise = switch (i % 3) {
                    case 0 -> "GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
                    case 1 -> "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0001\u0002\u0003 not a frame at all, and long enough to be one"
                            .getBytes(StandardCharsets.US_ASCII);
                    default -> {
                        byte[] bytes = new byte[10_000];
                        random.nextBytes(bytes);
                        yield bytes;
                    }
                };
                out.write(noise);
                out.flush();
                socket.shutdownOutput();
                // Whatever is answered, the connection ends.
                socket.getInputStream().readAllBytes();
            } catch (IOException closedOnUs) {
                // So may it be.
            }
        }
        assertEquals(4, ledger.stock("good").getSequence());
        ManagedChannel fresh = RunningLedger.channelTo(ledger.port());
        try {
            assertEquals(4, io.stockledger.v1.LedgerServiceGrpc.newBlockingStub(fresh).withDeadlineAfter(20, TimeUnit.SECONDS)
                    .getStock(GetStockRequest.newBuilder().setSku("good").build()).getStock().getSequence());
        } finally {
            fresh.shutdownNow();
        }
    }
}
