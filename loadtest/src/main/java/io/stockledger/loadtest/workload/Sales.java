package io.stockledger.loadtest.workload;

import com.google.protobuf.Timestamp;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.Receive;
import io.stockledger.v1.RefusalReason;
import io.stockledger.v1.Sell;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** Sales of one unit as an integrator in any language sends them, and what must come of them. */
public final class Sales {
    private static final int STOCKED_UP_AT_ONCE = 1_000;

    private final String run;
    private final AtomicLong numbers = new AtomicLong();

    /** @param run begins each mutation's id, so nobody else may have it */
    public Sales(String run) {
        this.run = run;
    }

    /** A sale of one unit of that SKU, under a new id that its caller vouches for. */
    public Mutation.Builder sale(String sku) {
        return mutation(sku).setSell(Sell.newBuilder().setQuantity(1));
    }

    /** A mutation of that SKU without its operation. */
    public Mutation.Builder mutation(String sku) {
        long nowMs = System.currentTimeMillis();
        return Mutation.newBuilder()
                .setMutationId(run + "-" + Long.toString(numbers.getAndIncrement(), 36))
                .setSku(sku)
                .setChannel("web")
                .setCreatedAt(Timestamp.newBuilder().setSeconds(nowMs / 1000).setNanos((int) (nowMs % 1000) * 1_000_000));
    }

    public ApplyMutationRequest request(String sku) {
        return ApplyMutationRequest.newBuilder().setMutation(sale(sku)).build();
    }

    /** So much of each that no sale is refused. */
    public void stockUp(Channel channel, List<String> skus) throws InterruptedException {
        Iterator<String> left = skus.iterator();
        CountDownLatch ended = new CountDownLatch(1);
        Throwable[] failure = new Throwable[1];
        new StreamObserver<StreamMutationsResponse>() {
            private final StreamObserver<StreamMutationsRequest> requests = LedgerServiceGrpc.newStub(channel).streamMutations(this);

            private void next() {
                StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
                while (left.hasNext() && request.getMutationsCount() < STOCKED_UP_AT_ONCE) {
                    request.addMutations(mutation(left.next()).setReceive(Receive.newBuilder().setQuantity(1_000_000_000_000L)));
                }
                if (request.getMutationsCount() == 0) {
                    requests.onCompleted();
                } else {
                    requests.onNext(request.build());
                }
            }

            @Override
            public void onNext(StreamMutationsResponse response) {
                try {
                    response.getResultsList().forEach(Sales::requireApplied);
                    next();
                } catch (RuntimeException e) {
                    onError(e);
                }
            }

            @Override
            public void onError(Throwable e) {
                failure[0] = e;
                ended.countDown();
            }

            @Override
            public void onCompleted() {
                ended.countDown();
            }
        }.next();
        ended.await();
        if (failure[0] != null) {
            throw new IllegalStateException("stock could not be received: " + failure[0].getMessage(), failure[0]);
        }
    }

    /** There is enough of everything, so each sale must be applied. */
    public static void requireApplied(MutationResult result) {
        if (!result.hasApplied()) {
            throw new IllegalStateException("not applied: " + result);
        }
    }

    public static void requireSoldOut(MutationResult result) {
        if (result.getRefusal().getReason() != RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK) {
            throw new IllegalStateException("not refused for want of stock: " + result);
        }
    }
}
