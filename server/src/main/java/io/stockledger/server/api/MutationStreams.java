package io.stockledger.server.api;

import com.google.rpc.Status;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.entity.Outcome;
import io.stockledger.v1.StreamMutationsRequest;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;

/** The mutation streams that callers hold open on the node: so many at most, and none goes on once the node stops. */
final class MutationStreams {
    private final int max;
    private final AtomicInteger count = new AtomicInteger();
    private final Set<MutationStream> open = ConcurrentHashMap.newKeySet();
    private volatile boolean stopping;

    MutationStreams(int max) {
        this.max = max;
    }

    int max() {
        return max;
    }

    int count() {
        return count.get();
    }

    /** Those that are open at any time. */
    Collection<MutationStream> nowOpen() {
        return Collections.unmodifiableSet(open);
    }

    /**
     * Opens one, or tells its caller why not; any thread.
     *
     * @param begin makes it, given who is to be told of its end
     * @return who takes its requests
     */
    StreamObserver<StreamMutationsRequest> open(StreamObserver<Encoded> caller,
            Function<Consumer<MutationStream>, MutationStream> begin) {
        if (stopping) {
            return refused(caller, Errors.of(Outcome.Failure.NOT_STARTED));
        }
        if (count.incrementAndGet() > max) {
            count.decrementAndGet();
            return refused(caller, Errors.tooMany("TOO_MANY_STREAMS", "as many mutation streams are open as may be", Duration.ofSeconds(1)));
        }
        MutationStream stream = begin.apply(ended -> {
            open.remove(ended);
            count.decrementAndGet();
        });
        open.add(stream);
        // A stop that came before it was among the others did not see it.
        if (stopping) {
            stream.endOnceAnswered(Errors.of(Outcome.Failure.NOT_STARTED));
        }
        return stream;
    }

    private static StreamObserver<StreamMutationsRequest> refused(StreamObserver<Encoded> caller, Status why) {
        caller.onError(Errors.exception(why));
        return new Ignored();
    }

    /** Those that are open take no more requests, and end once what they have taken is answered. */
    void stop() {
        stopping = true;
        open.forEach(stream -> stream.endOnceAnswered(Errors.of(Outcome.Failure.NOT_STARTED)));
    }

    /** Takes what a caller goes on sending after his call has failed. */
    private static final class Ignored implements StreamObserver<StreamMutationsRequest> {
        @Override
        public void onNext(StreamMutationsRequest request) {}

        @Override
        public void onError(Throwable broken) {}

        @Override
        public void onCompleted() {}
    }
}
