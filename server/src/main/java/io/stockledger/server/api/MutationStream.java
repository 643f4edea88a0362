package io.stockledger.server.api;

import com.google.rpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.entity.Submission;
import io.stockledger.server.journal.WireWriter;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * One StreamMutations call. Each request is a batch, split by SKU, and answered as a whole once each of its mutations
 * is, in the order of the requests. A bounded number of requests is under way at a time; the next is taken from the
 * transport only when the oldest has been answered, so a caller who does not read is not read either. An answer waits
 * for its turn in wire form, and its bytes count among the node's {@link UnreadAnswers} until the transport has sent it.
 */
final class MutationStream implements StreamObserver<StreamMutationsRequest> {
    static final int MUTATIONS_MAX = 1_000;

    private final ServerCallStreamObserver<Encoded> answers;
    private final Consumer<Submission> ledger;
    private final MutationReader reader;
    private final Admission admission;
    private final UnreadAnswers unread;
    private final ApiMeasurements measurements;
    private final long lane;
    private final String principal;
    private final long deadlineNanos;
    private final int answerBytesMax;
    private final Consumer<MutationStream> onEnd;

    /** Batches under way, oldest first; guarded by this, as are those below and every answer. */
    private final ArrayDeque<Batch> batches = new ArrayDeque<>();
    private boolean callerIsDone;
    /** What the call ends with once its batches are answered; until there is one, more are taken. */
    private Optional<Status> lastWord = Optional.empty();
    private boolean ended;
    /** Bytes of answers that wait for the transport, and of those that it has and has not sent. */
    private long waitingBytes;
    private long handedBytes;
    /** What the transport still has of a call that was ended since its answers were not read. */
    private long leftBytes;

    /**
     * @param ledger is told the mutations of each SKU
     * @param deadlineNanos of the call: what is not decided by then is not applied
     * @param onEnd told once, when the call is over for whatever reason
     */
    MutationStream(ServerCallStreamObserver<Encoded> answers, Consumer<Submission> ledger,
            MutationReader reader, Admission admission, UnreadAnswers unread, ApiMeasurements measurements, long lane,
            long deadlineNanos, int requestsUnderWayMax, int answerBytesMax, Consumer<MutationStream> onEnd) {
        this.answers = answers;
        this.ledger = ledger;
        this.reader = reader;
        this.admission = admission;
        this.unread = unread;
        this.measurements = measurements;
        this.lane = lane;
        this.principal = Principal.current();
        this.deadlineNanos = deadlineNanos;
        this.answerBytesMax = answerBytesMax;
        this.onEnd = onEnd;
        answers.setOnCancelHandler(this::gone);
        answers.setOnCloseHandler(this::gone);
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
                batch.results[i] = Result.failed(request.getMutations(i).getMutationId(), status);
            }
            complete(batch);
        }
    }

    @Override
    public void onError(Throwable broken) {
        gone();
    }

    @Override
    public void onCompleted() {
        synchronized (this) {
            callerIsDone = true;
        }
        answer();
    }

    /** All outcomes of a batch are in. From here on only its answer's bytes are kept, which take a tenth of the room. */
    private void complete(Batch batch) {
        Encoded answer = batch.response();
        synchronized (this) {
            if (ended) {
                return;
            }
            batch.answer = Optional.of(answer);
            waitingBytes += answer.length();
            unread.add(answer.length());
        }
        answer();
        unread.keepWithinBound();
    }

    /**
     * Answers the batches at the front that are complete. What asks for more is outside of the lock: it may bring the
     * next request at once.
     */
    private void answer() {
        int answered = 0;
        synchronized (this) {
            seeWhatWasSent();
            while (!ended && answers.isReady() && !batches.isEmpty() && batches.peek().answer.isPresent()) {
                Batch batch = batches.poll();
                Encoded answer = batch.answer.get();
                measurements.streamRequestAnswered(batch.sinceNanos);
                answers.onNext(answer);
                waitingBytes -= answer.length();
                handedBytes += answer.length();
                seeWhatWasSent();
                answered++;
            }
            // Not before its answers are on their way: who has ended is held to nothing any more.
            if (!ended && batches.isEmpty() && answers.isReady() && (callerIsDone || lastWord.isPresent())) {
                lastWord.ifPresentOrElse(status -> answers.onError(Errors.exception(status)), answers::onCompleted);
                end();
            }
        }
        if (answered > 0) {
            answers.request(answered);
        }
    }

    /** A transport that is ready has sent all but a few KiB. */
    private void seeWhatWasSent() {
        if (handedBytes > 0 && answers.isReady()) {
            unread.remove(handedBytes);
            handedBytes = 0;
        }
    }

    /** Takes nothing more; what was taken is answered before the call ends. */
    void endOnceAnswered(Status status) {
        synchronized (this) {
            if (lastWord.isPresent()) {
                return;
            }
            lastWord = Optional.of(status);
        }
        answer();
    }

    /** Bytes of answers that the caller has not taken. */
    synchronized long unreadBytes() {
        return waitingBytes + handedBytes;
    }

    /**
     * Ends a call whose answers are not read, and lets go of them. Why is told behind what the transport has already,
     * which it keeps for the caller. Where that is most of it, or it keeps too much for such callers, the call is broken
     * off, which frees that too.
     */
    synchronized void endUnread() {
        if (ended) {
            return;
        }
        if (waitingBytes >= handedBytes && unread.mayLeave(handedBytes)) {
            leftBytes = handedBytes;
            handedBytes = 0;
            answers.onError(Errors.exception(Errors.answersNotRead()));
        } else {
            answers.onNext(Encoded.BREAK_OFF);
        }
        end();
    }

    /** The transport has nothing of the call any more. */
    private synchronized void gone() {
        unread.removeLeft(leftBytes);
        leftBytes = 0;
        end();
    }

    private void end() {
        if (!ended) {
            ended = true;
            unread.remove(waitingBytes + handedBytes);
            waitingBytes = 0;
            handedBytes = 0;
            batches.clear();
            onEnd.accept(this);
        }
    }

    /** One request on its way; keeps nothing of the request's own bytes, which a caller may make as long as allowed. */
    private final class Batch {
        private final long sinceNanos = System.nanoTime();
        private final int count;
        /** Mutations without an outcome. */
        private final AtomicInteger open;
        private Result[] results;
        /** Once there is one; guarded by the stream. */
        private Optional<Encoded> answer = Optional.empty();

        Batch(int count) {
            this.count = count;
            this.results = new Result[count];
            this.open = new AtomicInteger(count);
        }

        void submit(StreamMutationsRequest request) {
            Map<String, Part> parts = new LinkedHashMap<>();
            for (int i = 0; i < count; i++) {
                try {
                    Mutation mutation = reader.read(request.getMutations(i), principal);
                    parts.computeIfAbsent(mutation.sku(), sku -> new Part()).add(mutation, i);
                } catch (InvalidRequest e) {
                    measurements.malformed();
                    set(i, Result.failed(request.getMutations(i).getMutationId(), e.status()));
                }
            }
            parts.forEach((sku, part) -> ledger.accept(new Submission(sku, part.mutations, lane,
                    deadlineNanos, (index, outcome) -> {
                        Mutation mutation = part.mutations.get(index);
                        set(part.places.get(index), Result.of(mutation.mutationId(), outcome));
                    })));
        }

        /** What the caller is told; the results themselves are let go of. */
        Encoded response() {
            Result[] all = results;
            results = null;
            WireWriter out = new WireWriter(64 + 96 * count, 0);
            for (Result result : all) {
                write(result, out);
                if (out.length() > answerBytesMax) {
                    return withoutBalances(all);
                }
            }
            return Encoded.of(out);
        }

        /** One that would be too long tells every outcome without the balances after it. */
        private Encoded withoutBalances(Result[] all) {
            WireWriter out = new WireWriter(64 + 96 * count, 0);
            for (Result result : all) {
                write(result.withoutBalances(), out);
            }
            return Encoded.of(out);
        }

        private void write(Result result, WireWriter out) {
            int begun = out.begin(StreamMutationsResponse.RESULTS_FIELD_NUMBER);
            result.write(out);
            out.end(begun);
        }

        /** Counts as waiting as a whole until its last outcome is in, since till then it is kept as a whole. */
        private void set(int place, Result result) {
            results[place] = result;
            if (open.decrementAndGet() == 0) {
                admission.leave(count);
                complete(this);
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
