package io.stockledger.server.api;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.feed.ConsumerStream;
import io.stockledger.server.feed.Feed;
import io.stockledger.server.feed.FeedSink;
import io.stockledger.server.feed.Lag;
import io.stockledger.server.feed.NamedSubscriptions;
import io.stockledger.server.feed.Selection;
import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.JournalRow;
import io.stockledger.server.journal.SubscriptionStore;
import io.stockledger.server.journal.SubscriptionStore.Named;
import io.stockledger.server.journal.SubscriptionStore.Parked;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.AcknowledgeCursorResponse;
import io.stockledger.v1.Consumer;
import io.stockledger.v1.DeleteSubscriptionRequest;
import io.stockledger.v1.DeleteSubscriptionResponse;
import io.stockledger.v1.DropParkedEntryRequest;
import io.stockledger.v1.DropParkedEntryResponse;
import io.stockledger.v1.FeedFilter;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetSubscriptionRequest;
import io.stockledger.v1.GetSubscriptionResponse;
import io.stockledger.v1.ListParkedEntriesRequest;
import io.stockledger.v1.ListParkedEntriesResponse;
import io.stockledger.v1.ListSubscriptionsRequest;
import io.stockledger.v1.ListSubscriptionsResponse;
import io.stockledger.v1.NamedSubscription;
import io.stockledger.v1.ParkEntryRequest;
import io.stockledger.v1.ParkEntryResponse;
import io.stockledger.v1.ParkedEntry;
import io.stockledger.v1.RetryParkedEntryRequest;
import io.stockledger.v1.RetryParkedEntryResponse;
import io.stockledger.v1.RewindSubscriptionRequest;
import io.stockledger.v1.RewindSubscriptionResponse;
import io.stockledger.v1.SubscribeRequest;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Named subscriptions: their streams' beginning, what their consumers say, and what their operator asks for. */
final class SubscriptionApi extends FeedServiceGrpc.FeedServiceImplBase {
    private static final int NAME_MAX = 128;
    private static final int CONSUMER_MAX = 64;
    private static final int REASON_MAX = 1_000;
    private static final int NAMES_A_PAGE = 50;
    private static final int NAMES_A_PAGE_MAX = 100;
    private static final int PARKED_A_PAGE = 100;
    private static final int PARKED_A_PAGE_MAX = 500;
    /** A page of names ends once their filters pass this; so large may one be. */
    private static final int PAGE_BYTES = 1 << 20;
    private static final int LAG_ROWS_MAX = 10_000;
    private static final int LAG_ROWS_MAX_LISTED = 1_000;

    private final SubscriptionStore store;
    private final NamedSubscriptions streams;
    private final Feed feed;
    private final JournalReader journal;
    private final Filters filters;
    private final Reads reads;
    private final Reads consumerReads;
    private final InstantSource clock;

    SubscriptionApi(SubscriptionStore store, NamedSubscriptions streams, Feed feed, JournalReader journal, Filters filters,
            Reads reads, Reads consumerReads, InstantSource clock) {
        this.store = store;
        this.streams = streams;
        this.feed = feed;
        this.journal = journal;
        this.filters = filters;
        this.reads = reads;
        this.consumerReads = consumerReads;
        this.clock = clock;
    }

    // ---- Consumers ----

    /** Begins a consumer's stream on the sink; {@code failed} or {@code opened} is told, perhaps later. */
    void open(SubscribeRequest request, FeedSink sink, java.util.function.Consumer<StatusRuntimeException> failed,
            java.util.function.Consumer<ConsumerStream> opened) {
        try {
            String name = name(request.getName());
            // Only here, where one may be made: whatever there is can be looked at and deleted.
            if (name.codePoints().allMatch(c -> Character.isSpaceChar(c) || Character.isWhitespace(c))) {
                throw InvalidRequest.field("name", "holds nothing but spaces");
            }
            String consumer = Fields.text("consumer", request.getConsumer(), CONSUMER_MAX);
            Selection asked = filters.selection(request);
            Duration heartbeat = FeedApi.heartbeatInterval(request);
            refuseWithName("share", request.hasShare());
            refuseWithName("chain_heads", request.getChainHeads());
            refuseWithName("initial_stock", request.getInitialStock());
            boolean fromNow = switch (request.getStartCase()) {
                case FROM_BEGINNING -> {
                    FeedApi.requireTrue("from_beginning", request.getFromBeginning());
                    yield false;
                }
                case FROM_NOW -> {
                    FeedApi.requireTrue("from_now", request.getFromNow());
                    yield true;
                }
                case AFTER_CURSOR -> throw InvalidRequest.field("after_cursor", "not with a name, whose cursor the ledger keeps; see RewindSubscription");
                case START_NOT_SET -> false;
            };
            consumerReads.run(status -> failed.accept(Errors.exception(status)), () -> {
                try {
                    Named named = findOrCreate(name, asked, fromNow);
                    opened.accept(streams.open(named, consumer, admitted(named, request, asked, consumer), heartbeat, sink));
                } catch (StatusRuntimeException e) {
                    failed.accept(e);
                }
            });
        } catch (InvalidRequest e) {
            failed.accept(Errors.exception(e.status()));
        }
    }

    private static void refuseWithName(String field, boolean isSet) throws InvalidRequest {
        if (isSet) {
            throw InvalidRequest.field(field, "not with a name, whose consumers share its SKUs from where its cursor stands");
        }
    }

    private Named findOrCreate(String name, Selection asked, boolean fromNow) throws SQLException {
        Optional<Named> named = store.find(name);
        if (named.isEmpty()) {
            Cursor start = fromNow ? Cursor.after(journal.watermark()) : Cursor.START;
            byte[] filter = Filters.filter(asked).toByteArray();
            if (filter.length > PAGE_BYTES) {
                throw Errors.exception(Errors.field("filter", "takes " + filter.length + " bytes; with a name at most " + PAGE_BYTES
                        + ": use a prefix, or drop what is not wanted"));
            }
            boolean made = store.create(name, filter, start);
            // Another may have made it meanwhile.
            named = store.find(name);
            if (named.isEmpty() && !made) {
                throw Errors.exception(Errors.tooMany("TOO_MANY_NAMES", "the ledger keeps " + store.namesMax()
                        + " named subscriptions already; delete one that nobody uses", Duration.ofMinutes(1)));
            }
        }
        return named.orElseThrow(() -> Errors.exception(notFound()));
    }

    /** What the name selects, where this consumer may join it. */
    private Selection admitted(Named named, SubscribeRequest request, Selection asked, String consumer) {
        Selection its = selection(named);
        if (request.hasFilter() && !its.equals(asked)) {
            throw Errors.exception(Errors.status(Code.FAILED_PRECONDITION, "SUBSCRIPTION_FILTER_DIFFERS",
                    "the subscription was made with another filter; give the same or none, or choose another name"));
        }
        if (named.expired()) {
            throw FeedApi.expired();
        }
        boolean isBack = named.consumers().stream().anyMatch(other -> other.consumer().equals(consumer));
        if (named.consumers().size() >= named.cursors().size() && !isBack) {
            throw Errors.exception(Errors.tooMany("TOO_MANY_CONSUMERS", "the subscription has " + named.cursors().size()
                    + " slots and as many consumers", Duration.ofSeconds(5)));
        }
        return its;
    }

    static Selection selection(Named named) {
        return Filters.stored(filter(named));
    }

    private static FeedFilter filter(Named named) {
        try {
            return FeedFilter.parseFrom(named.filter());
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("the stored filter of " + named.name() + " can't be read", e);
        }
    }

    @Override
    public void acknowledgeCursor(AcknowledgeCursorRequest request, StreamObserver<AcknowledgeCursorResponse> observer) {
        Answer<AcknowledgeCursorResponse> answer = new Answer<>(observer);
        try {
            String name = name(request.getName());
            String consumer = Fields.text("consumer", request.getConsumer(), CONSUMER_MAX);
            switch (streams.acknowledge(name, consumer, request.getAcknowledgement().toByteArray(), request.getAllowRewind())) {
                case DONE -> answer.give(AcknowledgeCursorResponse.getDefaultInstance());
                case INVALID -> answer.fail(Errors.status(Code.INVALID_ARGUMENT, "INVALID_ACKNOWLEDGEMENT",
                        "acknowledgement is not one that this ledger sent, or of more than it sent on the stream"));
                case MOVED -> answer.fail(Errors.status(Code.FAILED_PRECONDITION, "SUBSCRIPTION_MOVED",
                        "what is acknowledged was sent on a stream that has ended, or to another consumer; what was not acknowledged comes again"));
                case BEHIND -> answer.fail(Errors.status(Code.FAILED_PRECONDITION, "ACKNOWLEDGEMENT_BEHIND",
                        "more than this has been acknowledged already; allow_rewind goes back"));
            }
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    // ---- Names ----

    @Override
    public void getSubscription(GetSubscriptionRequest request, StreamObserver<GetSubscriptionResponse> observer) {
        answer(observer, () -> {
            String name = name(request.getName());
            return () -> GetSubscriptionResponse.newBuilder().setSubscription(shown(found(name), LAG_ROWS_MAX)).build();
        });
    }

    @Override
    public void listSubscriptions(ListSubscriptionsRequest request, StreamObserver<ListSubscriptionsResponse> observer) {
        answer(observer, () -> {
            int size = pageSize(request.getPageSize(), NAMES_A_PAGE, NAMES_A_PAGE_MAX);
            PageAfter after = PageAfter.read(request.getPageToken(), "");
            return () -> {
                SubscriptionStore.Page page = store.after(after.name(), size, PAGE_BYTES);
                ListSubscriptionsResponse.Builder response = ListSubscriptionsResponse.newBuilder();
                for (Named named : page.names()) {
                    response.addSubscriptions(shown(named, LAG_ROWS_MAX_LISTED));
                }
                page.next().ifPresent(last -> response.setNextPageToken(new PageAfter(last, 0).write("")));
                return response.build();
            };
        });
    }

    @Override
    public void deleteSubscription(DeleteSubscriptionRequest request, StreamObserver<DeleteSubscriptionResponse> observer) {
        answer(observer, () -> {
            String name = name(request.getName());
            return () -> {
                orElseNotFound(store.delete(name));
                streams.lookSoon();
                return DeleteSubscriptionResponse.getDefaultInstance();
            };
        });
    }

    @Override
    public void rewindSubscription(RewindSubscriptionRequest request, StreamObserver<RewindSubscriptionResponse> observer) {
        answer(observer, () -> {
            String name = name(request.getName());
            Target target = target(request);
            return () -> {
                Cursor cursor = target.find();
                orElseNotFound(store.rewind(name, cursor));
                streams.lookSoon();
                return RewindSubscriptionResponse.newBuilder().setCursor(ByteString.copyFrom(feed.bytesOf(cursor)))
                        .setBeginning(cursor.equals(Cursor.START)).build();
            };
        });
    }

    private interface Target {
        Cursor find() throws SQLException;
    }

    private Target target(RewindSubscriptionRequest request) throws InvalidRequest {
        switch (request.getTargetCase()) {
            case CURSOR -> {
                Cursor cursor = FeedApi.cursor(feed, "cursor", request.getCursor());
                return () -> {
                    if (!journal.holds(cursor.position())) {
                        throw FeedApi.expired();
                    }
                    return cursor;
                };
            }
            case TIME -> {
                if (!Timestamps.isValid(request.getTime())) {
                    throw InvalidRequest.field("time", "is no time that a Timestamp can hold");
                }
                long timeMs = Timestamps.toMillis(request.getTime());
                if (timeMs > clock.millis()) {
                    throw InvalidRequest.field("time", "is in the future, by the ledger's clock");
                }
                return () -> Cursor.after(journal.before(timeMs));
            }
            case BEGINNING -> {
                FeedApi.requireTrue("beginning", request.getBeginning());
                return () -> Cursor.START;
            }
            case TARGET_NOT_SET -> throw InvalidRequest.field("target", "is required: a cursor, a time, or the beginning");
        }
        throw new IllegalStateException("not a target: " + request.getTargetCase());
    }

    private NamedSubscription shown(Named named, int lagRowsMax) throws SQLException {
        Lag lag = Lag.of(journal, named, selection(named), lagRowsMax);
        NamedSubscription.Builder shown = NamedSubscription.newBuilder()
                .setName(named.name())
                .setFilter(filter(named))
                .setSlots(named.cursors().size())
                .setCreateTime(timestamp(named.createdAt()))
                .setLagEntries(lag.entries())
                .setLagIsAtLeast(lag.isAtLeast())
                .setLag(Durations.fromMillis(lag.ageMs(clock.millis())))
                .setCursor(ByteString.copyFrom(feed.bytesOf(named.lowest())))
                .setParkedEntries(named.parked())
                .setRewinds(named.rewinds());
        named.acknowledgedAt().ifPresent(time -> shown.setLastAcknowledgeTime(timestamp(time)));
        named.consumers().forEach(one -> shown.addConsumers(Consumer.newBuilder()
                .setConsumer(one.consumer()).setSlots(one.slots()).setConnectTime(timestamp(one.connectedAt()))));
        return shown.build();
    }

    // ---- Parked entries ----

    @Override
    public void parkEntry(ParkEntryRequest request, StreamObserver<ParkEntryResponse> observer) {
        answer(consumerReads, observer, () -> {
            String name = name(request.getName());
            String sku = Fields.sku("sku", request.getSku());
            long sequence = sequence(request.getSequence());
            String reason = Fields.requiredText("reason", request.getReason(), REASON_MAX);
            String consumer = Fields.text("consumer", request.getConsumer(), CONSUMER_MAX);
            return () -> {
                Selection its = selection(found(name));
                JournalRow row = journal.rowContaining(sku, sequence).orElseThrow(() -> Errors.exception(
                        Errors.status(Code.NOT_FOUND, "ENTRY_NOT_FOUND", "the SKU has no entry of this sequence")));
                its.unwanted(row, sequence).ifPresent(part -> {
                    throw Errors.exception(Errors.field("ENTRY_NOT_SELECTED", part == Selection.Part.SKU ? "sku" : "sequence",
                            "the subscription's filter does not ask for this entry, by its " + part.name().toLowerCase(Locale.ROOT)));
                });
                if (!store.park(name, sku, sequence, reason, consumer)) {
                    throw Errors.exception(Errors.tooMany("TOO_MANY_PARKED", "the subscription has " + store.parkedMax()
                            + " parked entries; retry or drop some", Duration.ofMinutes(1)));
                }
                return ParkEntryResponse.getDefaultInstance();
            };
        });
    }

    @Override
    public void listParkedEntries(ListParkedEntriesRequest request, StreamObserver<ListParkedEntriesResponse> observer) {
        answer(observer, () -> {
            String name = name(request.getName());
            int size = pageSize(request.getPageSize(), PARKED_A_PAGE, PARKED_A_PAGE_MAX);
            PageAfter after = PageAfter.read(request.getPageToken(), name);
            return () -> {
                orElseNotFound(store.exists(name));
                List<Parked> page = store.parkedAfter(name, after.name(), after.sequence(), size + 1);
                ListParkedEntriesResponse.Builder response = ListParkedEntriesResponse.newBuilder();
                page.subList(0, Math.min(size, page.size())).forEach(parked -> response.addEntries(shown(parked)));
                if (page.size() > size) {
                    response.setNextPageToken(new PageAfter(page.get(size - 1).sku(), page.get(size - 1).sequence()).write(name));
                }
                return response.build();
            };
        });
    }

    @Override
    public void retryParkedEntry(RetryParkedEntryRequest request, StreamObserver<RetryParkedEntryResponse> observer) {
        answer(observer, () -> {
            String name = name(request.getName());
            String sku = Fields.sku("sku", request.getSku());
            long sequence = sequence(request.getSequence());
            return () -> {
                orElseNotParked(name, store.retry(name, sku, sequence));
                streams.lookSoon();
                return RetryParkedEntryResponse.getDefaultInstance();
            };
        });
    }

    @Override
    public void dropParkedEntry(DropParkedEntryRequest request, StreamObserver<DropParkedEntryResponse> observer) {
        answer(observer, () -> {
            String name = name(request.getName());
            String sku = Fields.sku("sku", request.getSku());
            long sequence = sequence(request.getSequence());
            return () -> {
                orElseNotParked(name, store.drop(name, sku, sequence));
                return DropParkedEntryResponse.getDefaultInstance();
            };
        });
    }

    private static ParkedEntry shown(Parked parked) {
        return ParkedEntry.newBuilder()
                .setSku(parked.sku())
                .setSequence(parked.sequence())
                .setReason(parked.reason())
                .setConsumer(parked.consumer())
                .setParkTime(timestamp(parked.parkedAt()))
                .setTimes(parked.times())
                .setRetrying(parked.retry())
                .build();
    }

    // ---- Parts ----

    private interface Checked<T> {
        Found<T> check() throws InvalidRequest;
    }

    private interface Found<T> {
        T find() throws SQLException;
    }

    private <T> void answer(StreamObserver<T> observer, Checked<T> checked) {
        answer(reads, observer, checked);
    }

    /** Checks the request at once, and answers it on the threads that may wait for the store. */
    private static <T> void answer(Reads reads, StreamObserver<T> observer, Checked<T> checked) {
        Answer<T> answer = new Answer<>(observer);
        try {
            Found<T> found = checked.check();
            reads.run(answer::fail, () -> {
                try {
                    answer.give(found.find());
                } catch (StatusRuntimeException e) {
                    answer.fail(StatusProto.fromThrowable(e));
                }
            });
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        } catch (StatusRuntimeException e) {
            answer.fail(StatusProto.fromThrowable(e));
        }
    }

    private Named found(String name) throws SQLException {
        return store.find(name).orElseThrow(() -> Errors.exception(notFound()));
    }

    private static void orElseNotFound(boolean found) {
        if (!found) {
            throw Errors.exception(notFound());
        }
    }

    private void orElseNotParked(String name, boolean parked) throws SQLException {
        if (!parked) {
            orElseNotFound(store.exists(name));
            throw Errors.exception(Errors.status(Code.NOT_FOUND, "PARKED_ENTRY_NOT_FOUND", "the subscription has not parked this entry"));
        }
    }

    static Status notFound() {
        return Errors.status(Code.NOT_FOUND, "SUBSCRIPTION_NOT_FOUND", "there is no named subscription of this name");
    }

    private static String name(String name) throws InvalidRequest {
        return Fields.requiredText("name", name, NAME_MAX);
    }

    private static long sequence(long sequence) throws InvalidRequest {
        return Fields.between("sequence", sequence, 1, Long.MAX_VALUE);
    }

    private static int pageSize(int asked, int normal, int max) throws InvalidRequest {
        long size = Fields.between("page_size", asked, 0, Integer.MAX_VALUE);
        return size == 0 ? normal : (int) Math.min(size, max);
    }

    private static Timestamp timestamp(Instant time) {
        return Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()).build();
    }
}
