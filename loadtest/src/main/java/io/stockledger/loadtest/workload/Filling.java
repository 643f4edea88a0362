package io.stockledger.loadtest.workload;

import com.google.rpc.Code;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;

/**
 * Brings a ledger to the size at which it is measured, as fast as it takes mutations: streams of batches. What the
 * ledger could not begin, as where thousands of SKUs come back after a restart, is sent again, as any client does.
 */
final class Filling {
    private static final int BATCH = 1_000;
    private static final int UNDER_WAY_A_STREAM = 2;
    private static final int STREAMS = 4;

    private Filling() {}

    /** So many sales of one SKU: its rows hold thousands of entries each. */
    static void hot(Channel channel, Sales sales, String sku, long entries) throws InterruptedException {
        fill(channel, entries, BATCH, number -> sales.sale(sku).build());
    }

    /**
     * So many sales, SKU by SKU in turn: nearly each is a row of its own where there are more SKUs than the
     * {@value #BATCH} of a batch times what is under way.
     */
    static void turns(Channel channel, Sales sales, List<String> skus, long entries) throws InterruptedException {
        fill(channel, entries, BATCH, number -> sales.sale(skus.get((int) (number % skus.size()))).build());
    }

    /** So many mutations, by their numbers from 0 on; each must be applied. Order is kept within a batch only. */
    static void fill(Channel channel, long count, int batch, LongFunction<Mutation> mutation) throws InterruptedException {
        AtomicLong next = new AtomicLong();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CountDownLatch ended = new CountDownLatch(STREAMS);
        for (int i = 0; i < STREAMS; i++) {
            new OneStream(channel, count, batch, mutation, next, failure, ended).begin();
        }
        ended.await();
        if (failure.get() != null) {
            throw new IllegalStateException("the ledger could not be filled: " + failure.get().getMessage(), failure.get());
        }
    }

    private static final class OneStream implements StreamObserver<StreamMutationsResponse> {
        private final StreamObserver<StreamMutationsRequest> requests;
        private final long count;
        private final int batch;
        private final LongFunction<Mutation> mutation;
        private final AtomicLong next;
        private final AtomicReference<Throwable> failure;
        private final CountDownLatch ended;
        private final Queue<StreamMutationsRequest> underWay = new ArrayDeque<>();
        private boolean closed;

        private OneStream(Channel channel, long count, int batch, LongFunction<Mutation> mutation, AtomicLong next,
                AtomicReference<Throwable> failure, CountDownLatch ended) {
            this.count = count;
            this.batch = batch;
            this.mutation = mutation;
            this.next = next;
            this.failure = failure;
            this.ended = ended;
            this.requests = LedgerServiceGrpc.newStub(channel).streamMutations(this);
        }

        private void begin() {
            for (int i = 0; i < UNDER_WAY_A_STREAM; i++) {
                send();
            }
        }

        private synchronized void send() {
            if (closed) {
                return;
            }
            long from = failure.get() == null ? next.getAndAdd(batch) : count;
            if (from >= count) {
                if (underWay.isEmpty()) {
                    closed = true;
                    requests.onCompleted();
                }
                return;
            }
            StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
            for (long number = from; number < Math.min(count, from + batch); number++) {
                request.addMutations(mutation.apply(number));
            }
            send(request.build());
        }

        private void send(StreamMutationsRequest request) {
            underWay.add(request);
            requests.onNext(request);
        }

        /** The oldest request's: they are answered in order. */
        @Override
        public synchronized void onNext(StreamMutationsResponse response) {
            StreamMutationsRequest answered = underWay.remove();
            StreamMutationsRequest.Builder again = StreamMutationsRequest.newBuilder();
            try {
                for (int i = 0; i < response.getResultsCount(); i++) {
                    MutationResult result = response.getResults(i);
                    if (result.getError().getCode() == Code.UNAVAILABLE_VALUE) {
                        again.addMutations(answered.getMutations(i));
                    } else {
                        Sales.requireApplied(result);
                    }
                }
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
            }
            if (again.getMutationsCount() > 0 && failure.get() == null) {
                send(again.build());
            } else {
                send();
            }
        }

        @Override
        public void onError(Throwable e) {
            failure.compareAndSet(null, e);
            ended.countDown();
        }

        @Override
        public void onCompleted() {
            ended.countDown();
        }
    }
}
