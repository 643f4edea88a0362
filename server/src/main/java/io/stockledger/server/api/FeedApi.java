package io.stockledger.server.api;

import com.google.protobuf.ByteString;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.feed.FeedMessage;
import io.stockledger.server.feed.FeedRequest;
import io.stockledger.server.feed.FeedSink;
import io.stockledger.server.feed.Selection;
import io.stockledger.server.feed.Subscription;
import io.stockledger.server.journal.Cursor;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * FeedService on the wire. Messages go out as the bytes that the feed made of stored rows, so the
 * stub's encoding is left out; the feed stops reading where the transport does not take more.
 */
public final class FeedApi {
    private static final int HEARTBEAT_MS_MIN = 100;
    private static final int HEARTBEAT_MS_MAX = 60_000;
    private static final int HEARTBEAT_MS_DEFAULT = 1_000;

    private final Feed feed;
    private final Filters filters;
    private final SubscriptionApi named;

    FeedApi(Feed feed, Filters filters, SubscriptionApi named) {
        this.feed = feed;
        this.filters = filters;
        this.named = named;
    }

    /** The service, to be added to a server. */
    public ServerServiceDefinition bind() {
        MethodDescriptor<SubscribeRequest, SubscribeResponse> contract = FeedServiceGrpc.getSubscribeMethod();
        MethodDescriptor<SubscribeRequest, FeedMessage> method =
                contract.toBuilder(contract.getRequestMarshaller(), new StoredBytes()).build();
        List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
        methods.add(ServerMethodDefinition.create(method, new Subscribe()));
        named.bindService().getMethods().stream()
                .filter(unary -> !unary.getMethodDescriptor().getFullMethodName().equals(contract.getFullMethodName()))
                .forEach(methods::add);
        return WellFormed.service(FeedServiceGrpc.getServiceDescriptor(), methods);
    }

    private FeedRequest translate(SubscribeRequest request) {
        Selection selection = filters.selection(request);
        FeedRequest.Start start = switch (request.getStartCase()) {
            case FROM_BEGINNING -> {
                requireTrue("from_beginning", request.getFromBeginning());
                yield new FeedRequest.Start.Beginning();
            }
            case FROM_NOW -> {
                requireTrue("from_now", request.getFromNow());
                yield new FeedRequest.Start.Now();
            }
            case AFTER_CURSOR -> new FeedRequest.Start.After(cursor(request.getAfterCursor()));
            case START_NOT_SET -> request.getInitialStock() ? new FeedRequest.Start.Now() : new FeedRequest.Start.Beginning();
        };
        if (request.getInitialStock() && !(start instanceof FeedRequest.Start.Now)) {
            throw Errors.exception(Errors.field("initial_stock", "not with after_cursor or from_beginning: it brings a start of its own"));
        }
        return new FeedRequest(selection, start, request.getInitialStock(), heartbeatInterval(request),
                request.getChainHeads());
    }

    static Duration heartbeatInterval(SubscribeRequest request) {
        int heartbeat = request.getHeartbeatIntervalMs();
        if (heartbeat != 0 && (heartbeat < HEARTBEAT_MS_MIN || heartbeat > HEARTBEAT_MS_MAX)) {
            throw Errors.exception(Errors.field("heartbeat_interval_ms", "must be " + HEARTBEAT_MS_MIN + " to " + HEARTBEAT_MS_MAX
                    + ", or 0 for " + HEARTBEAT_MS_DEFAULT));
        }
        return Duration.ofMillis(heartbeat == 0 ? HEARTBEAT_MS_DEFAULT : heartbeat);
    }

    static void requireTrue(String field, boolean value) {
        if (!value) {
            throw Errors.exception(Errors.field(field, "must be true where it is set"));
        }
    }

    private Cursor cursor(ByteString bytes) {
        return cursor(feed, "after_cursor", bytes);
    }

    static Cursor cursor(Feed feed, String field, ByteString bytes) {
        Cursor.Parsed parsed = feed.parseCursor(bytes.toByteArray());
        if (parsed instanceof Cursor.Parsed.Valid valid) {
            return valid.cursor();
        }
        if (parsed instanceof Cursor.Parsed.Expired) {
            throw expired();
        }
        throw Errors.exception(Errors.status(Status.Code.INVALID_ARGUMENT, "INVALID_CURSOR", field + " is not a cursor of this ledger"));
    }

    static StatusRuntimeException expired() {
        return Errors.exception(Errors.status(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED",
                "the cursor is of an earlier epoch of this ledger's feed: start again with initial stock, or rewind a named subscription"));
    }

    private static StatusRuntimeException tooMany() {
        return Errors.exception(Errors.tooMany("TOO_MANY_SUBSCRIPTIONS",
                "this ledger serves as many subscriptions as it may; try again, or use another node", Duration.ofSeconds(5)));
    }

    /** One call: the request, then the feed until one side ends it. */
    private final class Subscribe implements ServerCallHandler<SubscribeRequest, FeedMessage> {
        @Override
        public ServerCall.Listener<SubscribeRequest> startCall(ServerCall<SubscribeRequest, FeedMessage> call, Metadata headers) {
            // Two, so that a second request from a broken client is seen and refused by the library's rule.
            call.request(2);
            return new ServerCall.Listener<>() {
                private Optional<SubscribeRequest> request = Optional.empty();
                private volatile Optional<Open> open = Optional.empty();
                private volatile boolean cancelled;
                private boolean closed;

                @Override
                public void onMessage(SubscribeRequest message) {
                    if (request.isPresent() && !closed) {
                        close(Errors.exception(Errors.status(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", "Subscribe takes one request")));
                        return;
                    }
                    request = Optional.of(message);
                }

                @Override
                public void onHalfClose() {
                    if (closed) {
                        return;
                    }
                    if (request.isEmpty()) {
                        close(Errors.exception(Errors.status(Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", "Subscribe takes one request, there was none")));
                        return;
                    }
                    try {
                        if (!request.get().getName().isEmpty()) {
                            call.sendHeaders(new Metadata());
                            named.open(request.get(), new CallSink(call), this::close, stream -> opened(new Open(stream::wake, stream::cancel)));
                            return;
                        }
                        FeedRequest translated = translate(request.get());
                        call.sendHeaders(new Metadata());
                        Optional<Subscription> subscription = feed.subscribe(translated, new CallSink(call));
                        subscription.ifPresent(it -> opened(new Open(it::wake, it::cancel)));
                        if (subscription.isEmpty()) {
                            close(tooMany());
                        }
                    } catch (StatusRuntimeException e) {
                        close(e);
                    }
                }

                private void opened(Open now) {
                    open = Optional.of(now);
                    if (cancelled) {
                        now.cancel().run();
                    }
                    // It may have become ready meanwhile.
                    now.wake().run();
                }

                @Override
                public void onReady() {
                    open.ifPresent(it -> it.wake().run());
                }

                @Override
                public void onCancel() {
                    cancelled = true;
                    open.ifPresent(it -> it.cancel().run());
                }

                @Override
                public void onComplete() {
                    onCancel();
                }

                private void close(StatusRuntimeException e) {
                    closed = true;
                    call.close(e.getStatus(), trailers(e));
                }
            };
        }
    }

    /** What serves the call, with a name or without. */
    private record Open(Runnable wake, Runnable cancel) {}

    private record CallSink(ServerCall<SubscribeRequest, FeedMessage> call) implements FeedSink {
        @Override
        public boolean isReady() {
            return call.isReady();
        }

        @Override
        public void send(FeedMessage message) {
            call.sendMessage(message);
        }

        @Override
        public void end(End why) {
            StatusRuntimeException status = switch (why) {
                case CURSOR_EXPIRED -> expired();
                case TOO_MANY -> tooMany();
                case CLOSING -> Errors.exception(Errors.status(Status.Code.UNAVAILABLE, "SHUTTING_DOWN", "the ledger stops; come back with the last cursor"));
                case JOURNAL_DAMAGED -> Errors.exception(Errors.damaged());
                case FAILED -> Errors.exception(Errors.status(Status.Code.UNAVAILABLE, "FEED_FAILED",
                        "the feed could not go on; the ledger's log says why; come back with the last cursor"));
                case DELETED -> Errors.exception(SubscriptionApi.notFound());
                case REWOUND -> Errors.exception(Errors.status(Status.Code.ABORTED, "SUBSCRIPTION_REWOUND",
                        "the subscription goes on from elsewhere; come back"));
                case MOVED -> Errors.exception(Errors.status(Status.Code.ABORTED, "SUBSCRIPTION_MOVED",
                        "the stream's lease has ended, and others may have its SKUs; come back"));
                case TAKEN_OVER -> Errors.exception(Errors.status(Status.Code.FAILED_PRECONDITION, "CONSUMER_TAKEN_OVER",
                        "a newer stream is the same consumer's; where two are meant, give each a name of its own"));
                case NOT_ACKNOWLEDGED -> Errors.exception(Errors.status(Status.Code.ABORTED, "NOT_ACKNOWLEDGED",
                        "what was sent was not acknowledged for too long, and others have its SKUs now; come back"));
            };
            call.close(status.getStatus(), trailers(status));
        }
    }

    private static Metadata trailers(StatusRuntimeException e) {
        return e.getTrailers() == null ? new Metadata() : e.getTrailers();
    }

    /** Hands the feed's bytes to the transport without a copy between. */
    private static final class StoredBytes implements MethodDescriptor.Marshaller<FeedMessage> {
        @Override
        public InputStream stream(FeedMessage message) {
            return new MessageStream(message);
        }

        @Override
        public FeedMessage parse(InputStream stream) {
            throw new UnsupportedOperationException("the server only writes these");
        }
    }

    private static final class MessageStream extends InputStream implements Drainable, KnownLength {
        private final FeedMessage message;
        private Optional<InputStream> rest = Optional.empty();
        private boolean drained;

        MessageStream(FeedMessage message) {
            this.message = message;
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            if (rest.isPresent()) {
                return (int) rest.get().transferTo(target);
            }
            message.writeTo(target);
            drained = true;
            return message.length();
        }

        @Override
        public int available() throws IOException {
            return drained ? 0 : rest.isPresent() ? rest.get().available() : message.length();
        }

        @Override
        public int read() throws IOException {
            return copy().read();
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            return copy().read(into, offset, length);
        }

        /** Only what does not know drained streams (a compressor, say) comes this way. */
        private InputStream copy() {
            if (rest.isEmpty()) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream(message.length());
                try {
                    if (!drained) {
                        message.writeTo(bytes);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                rest = Optional.of(new ByteArrayInputStream(bytes.toByteArray()));
            }
            return rest.get();
        }
    }
}
