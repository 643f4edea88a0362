package io.stockledger.loadtest.workload;

import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Pulse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** StreamMutations in a closed loop: each stream has one request of so many mutations under way. */
final class Streams {
    private Streams() {}

    static Load load(Ground ground, int streams, int batch, Supplier<Mutation.Builder> mutations) {
        return load(ground, streams, batch, mutations, Sales::requireApplied);
    }

    /** @param check throws where a result is not what it must be */
    static Load load(Ground ground, int streams, int batch, Supplier<Mutation.Builder> mutations, Consumer<MutationResult> check) {
        return pulse -> {
            CountDownLatch ended = new CountDownLatch(streams);
            for (int i = 0; i < streams; i++) {
                new Caller(LedgerServiceGrpc.newStub(ground.channel(i)), batch, mutations, check, pulse, ended).next();
            }
            ended.await();
        };
    }

    private static final class Caller implements StreamObserver<StreamMutationsResponse> {
        private final StreamObserver<StreamMutationsRequest> requests;
        private final int batch;
        private final Supplier<Mutation.Builder> mutations;
        private final Consumer<MutationResult> check;
        private final Pulse pulse;
        private final CountDownLatch ended;

        private Caller(LedgerServiceGrpc.LedgerServiceStub ledger, int batch, Supplier<Mutation.Builder> mutations,
                Consumer<MutationResult> check, Pulse pulse, CountDownLatch ended) {
            this.batch = batch;
            this.mutations = mutations;
            this.check = check;
            this.pulse = pulse;
            this.ended = ended;
            this.requests = ledger.streamMutations(this);
        }

        private void next() {
            if (!pulse.running()) {
                requests.onCompleted();
                return;
            }
            StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
            for (int i = 0; i < batch; i++) {
                request.addMutations(mutations.get());
            }
            requests.onNext(request.build());
        }

        @Override
        public void onNext(StreamMutationsResponse response) {
            try {
                response.getResultsList().forEach(check);
                pulse.answered(response.getResultsCount());
            } catch (RuntimeException e) {
                pulse.failed(e);
            }
            next();
        }

        @Override
        public void onError(Throwable failure) {
            pulse.failed(failure);
            ended.countDown();
        }

        @Override
        public void onCompleted() {
            ended.countDown();
        }
    }
}
