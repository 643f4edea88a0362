package io.stockledger.server.api;

import com.google.rpc.Status;
import com.typesafe.config.Config;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status.Code;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Reservation;
import io.stockledger.server.entity.Ledger;
import io.stockledger.server.entity.Look;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.entity.Submission;
import io.stockledger.server.journal.EntryCodec;
import io.stockledger.server.journal.History;
import io.stockledger.server.journal.PastStock;
import io.stockledger.server.journal.SnapshotCodec;
import io.stockledger.server.journal.WireWriter;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.BatchGetStockRequest;
import io.stockledger.v1.BatchGetStockResponse;
import io.stockledger.v1.GetMutationRequest;
import io.stockledger.v1.GetMutationResponse;
import io.stockledger.v1.GetReservationRequest;
import io.stockledger.v1.GetReservationResponse;
import io.stockledger.v1.GetStockAtRequest;
import io.stockledger.v1.GetStockAtResponse;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.GetStockResponse;
import io.stockledger.v1.GetTimeRequest;
import io.stockledger.v1.GetTimeResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.ListEntriesRequest;
import io.stockledger.v1.ListEntriesResponse;
import io.stockledger.v1.ListReservationsRequest;
import io.stockledger.v1.ListReservationsResponse;
import io.stockledger.v1.ListStockRequest;
import io.stockledger.v1.ListStockResponse;
import io.stockledger.v1.MutationState;
import io.stockledger.v1.Stock;
import io.stockledger.v1.StreamMutationsRequest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * LedgerService: checks what comes in, hands it to the SKU's actor, answers in the words of the contract. Runs on the
 * transport's own threads and never blocks them: what reads the journal goes to {@link Reads}.
 */
final class LedgerApi extends LedgerServiceGrpc.LedgerServiceImplBase {
    private static final int SKUS_MAX = 1_000;
    private static final int SKUS_AT_ONCE = 50;

    private final Ledger ledger;
    private final History history;
    private final Reads reads;
    private final Reads listings;
    private final PastStock past;
    private final Reads pastReads;
    private final InstantSource clock;
    private final ProjectionApi projection;
    private final int answerBytesMax;
    private final MutationReader reader;
    private final Duration window;
    private final Admission admission;
    private final ApiMeasurements measurements;
    private final int requestsUnderWayMax;
    private final MutationStreams streams;
    private final UnreadAnswers unread;
    /** A lane a stream; from the clock, so that those of a cluster's nodes differ. */
    private final AtomicLong lanes = new AtomicLong(System.nanoTime() | 1);

    LedgerApi(Ledger ledger, History history, Reads reads, Reads listings, PastStock past, Reads pastReads,
            ProjectionApi projection, Config config, InstantSource clock, ApiMeasurements measurements) {
        this.ledger = ledger;
        this.history = history;
        this.reads = reads;
        this.listings = listings;
        this.past = past;
        this.pastReads = pastReads;
        this.clock = clock;
        this.projection = projection;
        this.reader = new MutationReader(clock);
        this.window = config.getDuration("stockledger.entity.window");
        Config api = config.getConfig("stockledger.api");
        this.admission = new Admission(api.getInt("waiting-max"));
        this.streams = new MutationStreams(api.getInt("streams-max"));
        this.unread = new UnreadAnswers(api.getBytes("stream-unread-bytes-max"), streams.nowOpen());
        this.answerBytesMax = Math.toIntExact(api.getBytes("answer-bytes-max"));
        this.measurements = measurements;
        measurements.watch(admission);
        measurements.watchStreams(streams::count, streams.max());
        this.requestsUnderWayMax = api.getInt("stream-requests-under-way-max");
    }

    /** What bounds everything that waits for a SKU, whichever service it came by. */
    Admission admission() {
        return admission;
    }

    /** The service, to be added to a server: as the contract has it, with the answers to mutations in wire form. */
    ServerServiceDefinition bind() {
        List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>(bindService().getMethods());
        ServerMethodDefinition<?, ?> apply = ServerMethodDefinition.create(
                Encoded.answers(LedgerServiceGrpc.getApplyMutationMethod()),
                ServerCalls.asyncUnaryCall(this::apply));
        ServerMethodDefinition<?, ?> stream = ServerMethodDefinition.create(
                Encoded.answers(LedgerServiceGrpc.getStreamMutationsMethod()),
                ServerCalls.asyncBidiStreamingCall(this::stream));
        for (ServerMethodDefinition<?, ?> ours : List.of(apply, stream)) {
            String name = ours.getMethodDescriptor().getFullMethodName();
            methods.replaceAll(method -> method.getMethodDescriptor().getFullMethodName().equals(name) ? ours : method);
        }
        return WellFormed.service(LedgerServiceGrpc.getServiceDescriptor(), methods);
    }

    private void apply(ApplyMutationRequest request, StreamObserver<Encoded> observer) {
        Answer<Encoded> answer = new Answer<>(observer);
        try {
            if (!request.hasMutation()) {
                throw InvalidRequest.field("mutation", "is required");
            }
            Mutation mutation = reader.read(request.getMutation(), Principal.current());
            if (!admission.tryEnter(1)) {
                measurements.turnedAway(1);
                answer.fail(Errors.of(Outcome.Failure.TOO_MANY_WAITING));
                return;
            }
            ledger.submit(new Submission(mutation.sku(), List.of(mutation), 0, deadlineNanos(), (index, outcome) -> {
                admission.leave(1);
                Result result = Result.of(mutation.mutationId(), outcome);
                result.error().ifPresentOrElse(answer::fail, () -> answer.give(response(result)));
            }));
        } catch (InvalidRequest e) {
            measurements.malformed();
            answer.fail(e.status());
        }
    }

    private static Encoded response(Result result) {
        WireWriter out = new WireWriter(256, 0);
        int begun = out.begin(ApplyMutationResponse.RESULT_FIELD_NUMBER);
        result.write(out);
        out.end(begun);
        return Encoded.of(out);
    }

    private StreamObserver<StreamMutationsRequest> stream(StreamObserver<Encoded> observer) {
        ServerCallStreamObserver<Encoded> answers = (ServerCallStreamObserver<Encoded>) observer;
        return streams.open(answers, ended -> new MutationStream(answers, ledger::submit, reader, admission, unread,
                measurements, lanes.getAndIncrement(), deadlineNanos(), requestsUnderWayMax, answerBytesMax, ended));
    }

    /** Streams that are open take no more requests, and end once what they have taken is answered. */
    void stop() {
        streams.stop();
    }

    @Override
    public void getMutation(GetMutationRequest request, StreamObserver<GetMutationResponse> observer) {
        Answer<GetMutationResponse> answer = new Answer<>(observer);
        try {
            String sku = Fields.sku("sku", request.getSku());
            String id = Fields.requiredText("mutation_id", request.getMutationId(), Fields.MUTATION_ID_MAX);
            long notAfterMs = request.hasNotAfter() ? Fields.time("not_after", request.getNotAfter()) : 0;
            look(sku, id, answer, seen -> {
                if (seen.mayBeApplied()) {
                    reads.run(answer::fail, () -> answer.give(mutation(seen, notAfterMs, history.entryOf(
                            sku, id, seen.foundAt(), seen.forgottenThrough(), seen.asOfMs() - window.toMillis()))));
                } else {
                    answer.give(mutation(seen, notAfterMs, Optional.empty()));
                }
            });
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    private static GetMutationResponse mutation(Look.Seen seen, long notAfterMs, Optional<Entry> entry) {
        GetMutationResponse.Builder response = GetMutationResponse.newBuilder()
                .setAsOfTime(EntryCodec.timestamp(seen.asOfMs()));
        if (entry.isPresent()) {
            return response.setState(MutationState.MUTATION_STATE_APPLIED)
                    .setEntry(EntryCodec.toContract(entry.get())).build();
        }
        boolean never = notAfterMs > 0 && seen.asOfMs() > notAfterMs;
        return response.setState(never ? MutationState.MUTATION_STATE_NEVER
                : MutationState.MUTATION_STATE_NOT_APPLIED).build();
    }

    @Override
    public void getStock(GetStockRequest request, StreamObserver<GetStockResponse> observer) {
        Answer<GetStockResponse> answer = new Answer<>(observer);
        try {
            String sku = Fields.sku("sku", request.getSku());
            String channel = Fields.text("channel", request.getChannel(), Fields.CHANNEL_MAX);
            String location = Fields.text("location", request.getLocation(), Fields.LOCATION_MAX);
            look(sku, "", answer, seen -> Stocks.stock(sku, channel, location, seen, answerBytesMax).ifPresentOrElse(
                    stock -> answer.give(GetStockResponse.newBuilder().setStock(stock).build()),
                    () -> answer.fail(Errors.stockTooLarge(answerBytesMax))));
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    @Override
    public void batchGetStock(BatchGetStockRequest request, StreamObserver<BatchGetStockResponse> observer) {
        Answer<BatchGetStockResponse> answer = new Answer<>(observer);
        try {
            int count = request.getSkusCount();
            if (count == 0 || count > SKUS_MAX) {
                throw InvalidRequest.field("skus", "holds " + count + " SKUs; must be 1 to " + SKUS_MAX);
            }
            List<String> skus = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                skus.add(Fields.sku("skus[" + i + "]", request.getSkus(i)));
            }
            String channel = Fields.text("channel", request.getChannel(), Fields.CHANNEL_MAX);
            String location = Fields.text("location", request.getLocation(), Fields.LOCATION_MAX);
            enter(count);
            new StockBatch(ledger::look, admission, skus, channel, location, answerBytesMax, SKUS_AT_ONCE, answer).begin();
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    @Override
    public void getStockAt(GetStockAtRequest request, StreamObserver<GetStockAtResponse> observer) {
        Answer<GetStockAtResponse> answer = new Answer<>(observer);
        try {
            String sku = Fields.sku("sku", request.getSku());
            String channel = Fields.text("channel", request.getChannel(), Fields.CHANNEL_MAX);
            String location = Fields.text("location", request.getLocation(), Fields.LOCATION_MAX);
            switch (request.getPointCase()) {
                case AT_SEQUENCE -> {
                    long sequence = Fields.between("at_sequence", request.getAtSequence(), 0, Long.MAX_VALUE);
                    pastReads.run(answer::fail, () -> {
                        Optional<PastStock.Found> found = past.after(sku, sequence, location, answer::isAwaited);
                        if (found.isPresent()) {
                            give(answer, Stocks.stock(sku, channel, location, found.get(), found.get().recordedAtMs(),
                                    answerBytesMax));
                        } else {
                            answer.fail(sequenceAhead(sequence, past.lastSequence(sku)));
                        }
                    });
                }
                case AT_TIME -> {
                    long timeMs = Fields.time("at_time", request.getAtTime());
                    if (!pastReads.hasRoom()) {
                        throw new InvalidRequest(Errors.of(Outcome.Failure.TOO_MANY_LOOKUPS));
                    }
                    // What the SKU decided up to now is in the journal once it has answered, so a past that was read
                    // after that does not change any more.
                    look(sku, "", answer, seen -> {
                        if (timeMs >= seen.asOfMs()) {
                            answer.fail(Errors.field("at_time", "has not passed yet; the ledger's clock is at "
                                    + Instant.ofEpochMilli(seen.asOfMs()) + ". GetStock tells what stands now"));
                            return;
                        }
                        pastReads.run(answer::fail, () -> past.at(sku, timeMs, location, answer::isAwaited).ifPresent(
                                found -> give(answer,
                                        Stocks.stock(sku, channel, location, found, timeMs, answerBytesMax))));
                    });
                }
                case POINT_NOT_SET -> throw InvalidRequest.field("point", "is required: at_sequence or at_time");
            }
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    private void give(Answer<GetStockAtResponse> answer, Optional<Stock> stock) {
        stock.ifPresentOrElse(told -> answer.give(GetStockAtResponse.newBuilder().setStock(told).build()),
                () -> answer.fail(Errors.stockTooLarge(answerBytesMax)));
    }

    private static Status sequenceAhead(long sequence, long last) {
        return Errors.status(Code.OUT_OF_RANGE, "SEQUENCE_AHEAD",
                "the SKU has no entry " + sequence + " yet: it stands at sequence " + last);
    }

    @Override
    public void getTime(GetTimeRequest request, StreamObserver<GetTimeResponse> observer) {
        new Answer<>(observer).give(GetTimeResponse.newBuilder()
                .setLedgerTime(EntryCodec.timestamp(clock.millis())).build());
    }

    @Override
    public void listEntries(ListEntriesRequest request, StreamObserver<ListEntriesResponse> observer) {
        Answer<ListEntriesResponse> answer = new Answer<>(observer);
        try {
            String sku = Fields.sku("sku", request.getSku());
            int size = Fields.pageSize(request.getPageSize());
            long from = Math.max(1, Fields.between("from_sequence", request.getFromSequence(), 0, Long.MAX_VALUE));
            long next = request.getPageToken().isEmpty() ? from : PageToken.read(request.getPageToken(), sku, from);
            listings.run(answer::fail, () -> {
                History.Page entries = history.entries(sku, next, size, answerBytesMax / 3);
                ListEntriesResponse.Builder page = ListEntriesResponse.newBuilder().addAllEntries(entries.entries());
                if (entries.more()) {
                    page.setNextPageToken(PageToken.write(sku, from, next + entries.entries().size()));
                }
                answer.give(page.build());
            });
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    @Override
    public void getReservation(GetReservationRequest request, StreamObserver<GetReservationResponse> observer) {
        Answer<GetReservationResponse> answer = new Answer<>(observer);
        try {
            String sku = Fields.sku("sku", request.getSku());
            String id = Fields.requiredText("reservation_id", request.getReservationId(), Fields.MUTATION_ID_MAX);
            look(sku, id, answer, seen -> {
                if (seen.reservation().isPresent()) {
                    answer.give(reservation(sku, seen, seen.reservation().get()));
                } else if (seen.mayHaveReserved()) {
                    reads.run(answer::fail, () -> history.reservation(sku, id).ifPresentOrElse(
                            closed -> answer.give(reservation(sku, seen, closed)),
                            () -> answer.fail(noReservation(id))));
                } else {
                    answer.fail(noReservation(id));
                }
            });
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    @Override
    public void listStock(ListStockRequest request, StreamObserver<ListStockResponse> observer) {
        projection.listStock(request, new Answer<>(observer));
    }

    @Override
    public void listReservations(ListReservationsRequest request, StreamObserver<ListReservationsResponse> observer) {
        projection.listReservations(request, new Answer<>(observer));
    }

    private static GetReservationResponse reservation(String sku, Look.Seen seen, Reservation reservation) {
        return GetReservationResponse.newBuilder()
                .setReservation(SnapshotCodec.toContract(sku, reservation))
                .setSequence(seen.sequence()).build();
    }

    private static Status noReservation(String id) {
        return Errors.status(Code.NOT_FOUND, "RESERVATION_NOT_FOUND", "the SKU has no reservation " + id);
    }

    private void look(String sku, String mutationId, Answer<?> answer, Consumer<Look.Seen> then)
            throws InvalidRequest {
        enter(1);
        ledger.look(new Look(sku, mutationId, admitted(answer, then)));
    }

    private Look.Reply admitted(Answer<?> answer, Consumer<Look.Seen> then) {
        return new Look.Reply() {
            @Override
            public void seen(Look.Seen seen) {
                admission.leave(1);
                then.accept(seen);
            }

            @Override
            public void failed(Outcome.Failure failure) {
                admission.leave(1);
                answer.fail(Errors.of(failure));
            }
        };
    }

    private void enter(int more) throws InvalidRequest {
        if (!admission.tryEnter(more)) {
            throw new InvalidRequest(Errors.of(Outcome.Failure.TOO_MANY_WAITING));
        }
    }

    static long deadlineNanos() {
        Deadline deadline = Context.current().getDeadline();
        return deadline == null ? Submission.NO_DEADLINE
                : System.nanoTime() + deadline.timeRemaining(TimeUnit.NANOSECONDS);
    }

    /** Where the next page begins, and for which request: a token of another request is refused. */
    private static final class PageToken {
        static String write(String sku, long from, long next) {
            String text = next + " " + from + " " + sku;
            return Base64.getUrlEncoder().withoutPadding().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        static long read(String token, String sku, long from) throws InvalidRequest {
            try {
                String text = new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
                String[] parts = text.split(" ", 3);
                if (parts.length == 3 && Long.parseLong(parts[1]) == from && parts[2].equals(sku)) {
                    return Math.max(1, Long.parseLong(parts[0]));
                }
            } catch (IllegalArgumentException notOurs) {
                // Told below.
            }
            throw InvalidRequest.field("page_token", "is not one that this request was given");
        }
    }
}
