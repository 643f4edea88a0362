package io.stockledger.loadtest.baseline;

import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.Load;
import io.stockledger.loadtest.engine.Pulse;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * The ceiling of messages on gRPC streams on this machine. An empty StreamMutations request is refused, so it is the
 * reflection service of the same server, asked on each stream for a file that is not there: a small message in, one
 * look into a map, a small message out.
 */
public final class EmptyStream implements Workload {
    private static final List<Integer> STREAMS = List.of(1, 8, 64, 512);
    private static final ServerReflectionRequest ASK = ServerReflectionRequest.newBuilder().setFileByFilename("-").build();

    @Override
    public String name() {
        return "empty-stream";
    }

    @Override
    public String group() {
        return "baseline";
    }

    @Override
    public String about() {
        return "ceiling: small messages, not empty ones, on streams of the same server (reflection, a file that is not there), 1 to 512 streams";
    }

    @Override
    public double seconds(Settings settings) {
        return settings.seconds(STREAMS.size());
    }

    @Override
    public void run(Ground ground) throws Exception {
        for (int streams : STREAMS) {
            String name = "empty-stream-" + streams;
            Load load = pulse -> {
                CountDownLatch ended = new CountDownLatch(streams);
                for (int i = 0; i < streams; i++) {
                    new Caller(ServerReflectionGrpc.newStub(ground.channel(i)), pulse, ended).next();
                }
                ended.await();
            };
            ground.add(Figure.of(name, "empty stream, " + (streams == 1 ? "1 stream" : streams + " streams"), ground.peak(name, load).rounds(), "messages/s")
                    .note("one message under way a stream; the server's reflection service asked for a file that is not there"));
        }
    }

    private static final class Caller implements StreamObserver<ServerReflectionResponse> {
        private final StreamObserver<ServerReflectionRequest> requests;
        private final Pulse pulse;
        private final CountDownLatch ended;

        private Caller(ServerReflectionGrpc.ServerReflectionStub reflection, Pulse pulse, CountDownLatch ended) {
            this.pulse = pulse;
            this.ended = ended;
            this.requests = reflection.serverReflectionInfo(this);
        }

        private void next() {
            if (pulse.running()) {
                requests.onNext(ASK);
            } else {
                requests.onCompleted();
            }
        }

        @Override
        public void onNext(ServerReflectionResponse response) {
            pulse.answered(1);
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
