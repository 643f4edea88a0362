package io.stockledger.server;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.fail;

import io.grpc.stub.StreamObserver;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The plain caller's side of one StreamMutations call: sends batches, takes answers in turn, with a bound. */
final class StreamCaller {
    private record Ended(Throwable why) {}

    private static final Ended COMPLETED = new Ended(null);

    private final LinkedBlockingQueue<Object> answers = new LinkedBlockingQueue<>();
    private final StreamObserver<StreamMutationsRequest> requests;

    StreamCaller(LedgerServiceGrpc.LedgerServiceStub calls) {
        requests = calls.streamMutations(new StreamObserver<>() {
            @Override
            public void onNext(StreamMutationsResponse answer) {
                answers.add(answer);
            }

            @Override
            public void onError(Throwable why) {
                answers.add(new Ended(why));
            }

            @Override
            public void onCompleted() {
                answers.add(COMPLETED);
            }
        });
    }

    void send(List<Mutation.Builder> batch) {
        StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
        for (Mutation.Builder mutation : batch) {
            if (mutation.getMutationId().isEmpty()) {
                mutation.setMutationId(RunningLedger.newId());
            }
            request.addMutations(mutation);
        }
        requests.onNext(request.build());
    }

    void send(Mutation.Builder... batch) {
        send(List.of(batch));
    }

    void complete() {
        requests.onCompleted();
    }

    /** The next batch's results. */
    List<MutationResult> results() {
        Object answer = take();
        if (answer instanceof StreamMutationsResponse response) {
            return response.getResultsList();
        }
        throw new AssertionError("the stream has ended", ((Ended) answer).why());
    }

    /** The results of so many batches, in one list. */
    List<MutationResult> results(int batches) {
        List<MutationResult> results = new ArrayList<>();
        for (int i = 0; i < batches; i++) {
            results.addAll(results());
        }
        return results;
    }

    /** What the ledger ended the call with, next. */
    RunningLedger.Problem problem() {
        Object answer = take();
        if (answer instanceof Ended ended && ended.why() != null) {
            return RunningLedger.Problem.of(ended.why());
        }
        return fail("no error but " + answer);
    }

    /** The ledger ended the call cleanly, next. */
    void awaitCompletion() {
        Object answer = take();
        if (answer != COMPLETED) {
            fail("not completed but " + answer);
        }
    }

    private Object take() {
        try {
            Object answer = answers.poll(RunningLedger.BOUND.toSeconds(), TimeUnit.SECONDS);
            assertNotNull(answer, "no answer in time");
            return answer;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
