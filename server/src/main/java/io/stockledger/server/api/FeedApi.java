package io.stockledger.server.api;

import com.google.protobuf.ByteString;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.feed.FeedMessage;
import io.stockledger.server.feed.FeedRequest;
import io.stockledger.server.feed.FeedSink;
import io.stockledger.server.feed.Selection;
import io.stockledger.server.feed.Subscription;
import io.stockledger.server.journal.Cursor;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.text.Normalizer;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * FeedService on the wire. Messages go out as the bytes that the feed made of stored rows, so the
 * stub's encoding is left out; the feed stops reading where the transport does not take more.
 */
public final class FeedApi {
    private static final int SKU_LENGTH_MAX = 128;
    private static final int NAME_LENGTH_MAX = 64;
    private static final int SHARE_COUNT_MAX = 1024;
    private static final int HEARTBEAT_MS_MIN = 100;
    private static final int HEARTBEAT_MS_MAX = 60_000;
    private static final int HEARTBEAT_MS_DEFAULT = 1_000;

    private final Feed feed;
    private final int filterValuesMax;

    public FeedApi(Feed feed, int filterValuesMax) {
        this.feed = feed;
        this.filterValuesMax = filterValuesMax;
    }

    /** The service, to be added to a server. */
    public ServerServiceDefinition bind() {
        MethodDescriptor<SubscribeRequest, SubscribeResponse> contract = FeedServiceGrpc.getSubscribeMethod();
        MethodDescriptor<SubscribeRequest, FeedMessage> method =
                contract.toBuilder(contract.getRequestMarshaller(), new StoredBytes()).build();
        ServiceDescriptor service = ServiceDescriptor.newBuilder(FeedServiceGrpc.SERVICE_NAME)
                .setSchemaDescriptor(FeedServiceGrpc.getServiceDescriptor().getSchemaDescriptor())
                .addMethod(method)
                .build();
        return ServerServiceDefinition.builder(service).addMethod(method, new Subscribe()).build();
    }

    private FeedRequest translate(SubscribeRequest request) {
        Selection selection = selection(request);
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
        int heartbeat = request.getHeartbeatIntervalMs();
        if (heartbeat != 0 && (heartbeat < HEARTBEAT_MS_MIN || heartbeat > HEARTBEAT_MS_MAX)) {
            throw Errors.exception(Errors.field("heartbeat_interval_ms", "must be " + HEARTBEAT_MS_MIN + " to " + HEARTBEAT_MS_MAX
                    + ", or 0 for " + HEARTBEAT_MS_DEFAULT));
        }
        return new FeedRequest(selection, start, request.getInitialStock(),
                Duration.ofMillis(heartbeat == 0 ? HEARTBEAT_MS_DEFAULT : heartbeat), request.getChainHeads());
    }

    private Selection selection(SubscribeRequest request) {
        FeedFilter filter = request.getFilter();
        long values = (long) filter.getSkusCount() + filter.getLocationsCount() + filter.getChannelsCount() + filter.getKindsCount();
        if (values > filterValuesMax) {
            throw Errors.exception(Errors.field("filter", "holds " + values + " values, at most " + filterValuesMax
                    + " are allowed: use a prefix or a share, or leave it out and drop what is not wanted"));
        }
        int shareIndex = 0;
        int shareCount = 1;
        if (request.hasShare()) {
            shareIndex = request.getShare().getIndex();
            shareCount = request.getShare().getCount();
            if (shareCount < 1 || shareCount > SHARE_COUNT_MAX) {
                throw Errors.exception(Errors.field("share.count", "must be 1 to " + SHARE_COUNT_MAX));
            }
            if (shareIndex < 0 || shareIndex >= shareCount) {
                throw Errors.exception(Errors.field("share.index", "must be 0 to count - 1"));
            }
        }
        TreeSet<String> skus = new TreeSet<>(texts("filter.skus", filter.getSkusList(), SKU_LENGTH_MAX, false));
        String prefix = text("filter.sku_prefix", filter.getSkuPrefix(), SKU_LENGTH_MAX, true);
        Set<Integer> kinds = new LinkedHashSet<>();
        for (int i = 0; i < filter.getKindsCount(); i++) {
            EntryKind kind = filter.getKinds(i);
            if (kind == EntryKind.UNRECOGNIZED || kind == EntryKind.ENTRY_KIND_UNSPECIFIED) {
                throw Errors.exception(Errors.field("filter.kinds[" + i + "]", "not a kind that this ledger writes"));
            }
            kinds.add(kind.getNumber());
        }
        return new Selection(Collections.unmodifiableSortedSet(skus), prefix, shareIndex, shareCount,
                texts("filter.locations", filter.getLocationsList(), NAME_LENGTH_MAX, false),
                texts("filter.channels", filter.getChannelsList(), NAME_LENGTH_MAX, true), Set.copyOf(kinds));
    }

    private static Set<String> texts(String field, List<String> texts, int lengthMax, boolean mayBeEmpty) {
        Set<String> checked = new LinkedHashSet<>();
        for (int i = 0; i < texts.size(); i++) {
            checked.add(text(field + "[" + i + "]", texts.get(i), lengthMax, mayBeEmpty));
        }
        return Set.copyOf(checked);
    }

    private static String text(String field, String text, int lengthMax, boolean mayBeEmpty) {
        String normal = Normalizer.normalize(text, Normalizer.Form.NFC);
        if (normal.isEmpty() && !mayBeEmpty) {
            throw Errors.exception(Errors.field(field, "must not be empty"));
        }
        if (normal.codePointCount(0, normal.length()) > lengthMax) {
            throw Errors.exception(Errors.field(field, "must have at most " + lengthMax + " characters"));
        }
        if (normal.codePoints().anyMatch(Character::isISOControl)) {
            throw Errors.exception(Errors.field(field, "must hold no control characters"));
        }
        return normal;
    }

    private static void requireTrue(String field, boolean value) {
        if (!value) {
            throw Errors.exception(Errors.field(field, "must be true where it is set"));
        }
    }

    private Cursor cursor(ByteString bytes) {
        Cursor.Parsed parsed = feed.parseCursor(bytes.toByteArray());
        if (parsed instanceof Cursor.Parsed.Valid valid) {
            return valid.cursor();
        }
        if (parsed instanceof Cursor.Parsed.Expired) {
            throw expired();
        }
        throw Errors.exception(Errors.status(Status.Code.INVALID_ARGUMENT, "INVALID_CURSOR", "after_cursor is not a cursor of this ledger"));
    }

    private static StatusRuntimeException expired() {
        return Errors.exception(Errors.status(Status.Code.OUT_OF_RANGE, "CURSOR_EXPIRED",
                "after_cursor is of an earlier epoch of this ledger's feed: start again with initial stock"));
    }

    /** One call: the request, then the feed until one side ends it. */
    private final class Subscribe implements ServerCallHandler<SubscribeRequest, FeedMessage> {
        @Override
        public ServerCall.Listener<SubscribeRequest> startCall(ServerCall<SubscribeRequest, FeedMessage> call, Metadata headers) {
            // Two, so that a second request from a broken client is seen and refused by the library's rule.
            call.request(2);
            return new ServerCall.Listener<>() {
                private Optional<SubscribeRequest> request = Optional.empty();
                private volatile Optional<Subscription> subscription = Optional.empty();
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
                        FeedRequest translated = translate(request.get());
                        call.sendHeaders(new Metadata());
                        subscription = feed.subscribe(translated, new CallSink(call));
                        if (subscription.isEmpty()) {
                            close(Errors.exception(Errors.tooMany("TOO_MANY_SUBSCRIPTIONS",
                                    "this ledger serves as many subscriptions as it may; try again, or use another node", Duration.ofSeconds(5))));
                        }
                    } catch (StatusRuntimeException e) {
                        close(e);
                    }
                }

                @Override
                public void onReady() {
                    subscription.ifPresent(Subscription::wake);
                }

                @Override
                public void onCancel() {
                    subscription.ifPresent(Subscription::cancel);
                }

                @Override
                public void onComplete() {
                    subscription.ifPresent(Subscription::cancel);
                }

                private void close(StatusRuntimeException e) {
                    closed = true;
                    call.close(e.getStatus(), trailers(e));
                }
            };
        }
    }

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
                case CLOSING -> Errors.exception(Errors.status(Status.Code.UNAVAILABLE, "SHUTTING_DOWN", "the ledger stops; come back with the last cursor"));
                case JOURNAL_DAMAGED -> Errors.exception(Errors.status(Status.Code.DATA_LOSS, "JOURNAL_DAMAGED",
                        "a stored row can't be read; the ledger's log names it"));
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
