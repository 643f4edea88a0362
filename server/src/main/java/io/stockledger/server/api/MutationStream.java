package io.stockledger.server.api;

import com.google.rpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.entity.Ledger;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.entity.Submission;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * One StreamMutations call. Each request is a batch, split by SKU, and answered as a whole once each of its mutations
 * is, in the order of the requests. A bounded number of requests is under way at a time; the next is taken from the
 * transport only when the oldest has been answered, so a caller who does not read is not read either.
 */
final class MutationStream implements StreamObserver<StreamMutationsRequest> {
    static final int MUTATIONS_MAX = 1_000;

    private final ServerCallStreamObserver<StreamMutationsResponse> answers;
    private final Ledger ledger;
    private final MutationReader reader;
    private final Admission admission;
    private final ApiMeasurements measurements;
    private final long lane;
    private final String principal;
    private final long deadlineNanos;
    private final Consumer<MutationStream> onEnd;

    /** Batches under way, oldest first; guarded by this, as are those below and every answer. */
    private final ArrayDeque<Batch> batches = new ArrayDeque<>();
    private boolean callerIsDone;
    /** What the call ends with once its batches are answered; until there is one, more are taken. */
    private Optional<Status> lastWord = Optional.empty();
    private boolean ended;

    /**
     * @param deadlineNanos of the call: what is not decided by then is not applied
     * @param onEnd told once, when the call is over for whatever reason
     */
    MutationStream(ServerCallStreamObserver<StreamMutationsResponse> answers, Ledger ledger, MutationReader reader,
            Admission admission, ApiMeasurements measurements, long lane, long deadlineNanos, int requestsUnderWayMax,
            Consumer<MutationStream> onEnd) {
        this.answers = answers;
        this.ledger = ledger;
        this.reader = reader;
        this.admission = admission;
        this.measurements = measurements;
        this.lane = lane;
        this.principal = Principal.current();
        this.deadlineNanos = deadlineNanos;
        this.onEnd = onEnd;
        answers.setOnCancelHandler(this::end);
        answers.setOnReadyHandler(this::answer);
        answers.disableAutoRequest();
        answers.request(requestsUnderWayMax);
    }

    @Override
    public void onNext(StreamMutationsRequest request) {
        int count = request.getMutationsCount();
        if (count == 0 || count > MUTATIONS_MAX) {
            endOnceAnswered(Errors.field("mutations", "holds " + count + " mutations; must be 1 to " + MUTATIONS_MAX));
            return;
        }
        Batch batch = new Batch(count);
        synchronized (this) {
            if (ended || lastWord.isPresent()) {
                return;
            }
            batches.add(batch);
        }
        if (admission.tryEnter(count)) {
            batch.submit(request);
        } else {
            measurements.turnedAway(count);
            Status status = Errors.of(Outcome.Failure.TOO_MANY_WAITING);
            for (int i = 0; i < count; i++) {
                batch.results[i] = Results.error(request.getMutations(i).getMutationId(), status);
            }
            batch.open.set(0);
        }
        answer();
    }

    @Override
    public void onError(Throwable broken) {
        end();
    }

    @Override
    public synchronized void onCompleted() {
        callerIsDone = true;
        answer();
    }

    /** Answers the batches at the front that are complete. */
    private synchronized void answer() {
        while (!ended && answers.isReady() && !batches.isEmpty() && batches.peek().open.get() == 0) {
            Batch answered = batches.poll();
            measurements.streamRequestAnswered(answered.sinceNanos);
            answers.onNext(StreamMutationsResponse.newBuilder()
                    .addAllResults(Arrays.asList(answered.results)).build());
            answers.request(1);
        }
        if (!ended && batches.isEmpty() && (callerIsDone || lastWord.isPresent())) {
            lastWord.ifPresentOrElse(status -> answers.onError(Errors.exception(status)), answers::onCompleted);
            end();
        }
    }

    /** Takes nothing more; what was taken is answered before the call ends. */
    synchronized void endOnceAnswered(Status status) {
        if (lastWord.isEmpty()) {
            lastWord = Optional.of(status);
            answer();
        }
    }

    private synchronized void end() {
        if (!ended) {
            ended = true;
            onEnd.accept(this);
        }
    }

    /** One request on its way; keeps nothing of the request's own bytes, which a caller may make as long as allowed. */
    private final class Batch {
        private final long sinceNanos = System.nanoTime();
        private final MutationResult[] results;
        /** Mutations that are not answered yet. */
        private final AtomicInteger open;

        Batch(int count) {
            this.results = new MutationResult[count];
            this.open = new AtomicInteger(results.length);
        }

        void submit(StreamMutationsRequest request) {
            Map<String, Part> parts = new LinkedHashMap<>();
            for (int i = 0; i < results.length; i++) {
                try {
                    Mutation mutation = reader.read(request.getMutations(i), principal);
                    parts.computeIfAbsent(mutation.sku(), sku -> new Part()).add(mutation, i);
                } catch (InvalidRequest e) {
                    measurements.malformed();
                    set(i, Results.error(request.getMutations(i).getMutationId(), e.status()));
                }
            }
            parts.forEach((sku, part) -> ledger.submit(new Submission(sku, part.mutations, lane,
                    deadlineNanos, (index, outcome) -> {
                        Mutation mutation = part.mutations.get(index);
                        set(part.places.get(index), Results.result(mutation.mutationId(), outcome));
                    })));
        }

        private void set(int place, MutationResult result) {
            results[place] = result;
            admission.leave(1);
            if (open.decrementAndGet() == 0) {
                answer();
            }
        }
    }

    /** A batch's mutations of one SKU, and where they stand in the batch. */
    private static final class Part {
        private final List<Mutation> mutations = new ArrayList<>();
        private final List<Integer> places = new ArrayList<>();

        void add(Mutation mutation, int place) {
            mutations.add(mutation);
            places.add(place);
        }
    }
}
