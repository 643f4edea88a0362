package io.stockledger.server;

import static io.stockledger.server.RunningLedger.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.stockledger.v1.ApplyMutationRequest;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Sell;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A caller who sends on a mutation stream and does not read. */
final class UnreadStreamTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** Sends as much as a stream may have under way; reads only once it is told to. */
    private static final class Stalled implements ClientResponseObserver<StreamMutationsRequest, StreamMutationsResponse> {
        private ClientCallStreamObserver<StreamMutationsRequest> requests;
        volatile int answers;
        volatile Optional<Throwable> end = Optional.empty();

        Stalled(ManagedChannel channel) {
            LedgerServiceGrpc.newStub(channel).streamMutations(this);
            for (int i = 0; i < 16; i++) {
                requests.onNext(sales());
            }
        }

        private static StreamMutationsRequest sales() {
            StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
            for (int i = 0; i < 1_000; i++) {
                request.addMutations(Mutation.newBuilder().setMutationId("a long id, of an order and its line, " + RunningLedger.newId())
                        .setSku("none").setSell(Sell.newBuilder().setQuantity(1)));
            }
            return request.build();
        }

        void read() {
            requests.request(16);
        }

        @Override
        public void beforeStart(ClientCallStreamObserver<StreamMutationsRequest> call) {
            requests = call;
            call.disableAutoRequestWithInitial(0);
        }

        @Override
        public void onNext(StreamMutationsResponse answer) {
            answers++;
        }

        @Override
        public void onError(Throwable why) {
            end = Optional.of(why);
        }

        @Override
        public void onCompleted() {}
    }

    private static boolean streamsOpen(RunningLedger ledger, int count) throws Exception {
        return HTTP.send(HttpRequest.newBuilder(URI.create(ledger.server().metricsUrl().orElseThrow())).build(),
                HttpResponse.BodyHandlers.ofString()).body().lines().anyMatch(("stockledger_streams_open " + count + ".0")::equals);
    }

    @Test
    void whoSendsAndDoesNotReadIsEndedAndWhoReadsIsServed() throws Exception {
        try (RunningLedger ledger = RunningLedger.start("stockledger.api.stream-unread-bytes-max = 512 KiB")) {
            // So that little of what they do not read is on their own side.
            ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", ledger.port()).usePlaintext()
                    .flowControlWindow(65_535).build();
            StreamCaller reader = new StreamCaller(ledger.callsWithoutWaiting());
            List<Stalled> stalled = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                stalled.add(new Stalled(channel));
            }
            // Over the same connection: once this is answered, they are open.
            assertEquals("INVALID_ARGUMENT/INVALID_FIELD", RunningLedger.problem(() -> LedgerServiceGrpc.newBlockingStub(channel)
                    .applyMutation(ApplyMutationRequest.getDefaultInstance())).name());
            // Each by itself is more than may be unread, so none stays, and nothing of them.
            await("those who do not read are ended", () -> streamsOpen(ledger, 1));
            reader.send(List.of(Mutation.newBuilder().setSku("none").setSell(Sell.newBuilder().setQuantity(1))));
            assertTrue(reader.results().get(0).hasRefusal());
            stalled.forEach(Stalled::read);
            await("each learns of its end", () -> stalled.stream().allMatch(caller -> caller.end.isPresent()));
            for (Stalled caller : stalled) {
                assertTrue(caller.answers < 16, "answers " + caller.answers);
            }
            List<String> reasons = stalled.stream().map(caller -> RunningLedger.Problem.of(caller.end.get()).name()).distinct().sorted().toList();
            assertTrue(reasons.contains("UNAVAILABLE/ANSWERS_NOT_READ"), reasons::toString);
            assertTrue(reasons.stream().allMatch(List.of("UNAVAILABLE/ANSWERS_NOT_READ", "CANCELLED/")::contains), reasons::toString);
            reader.complete();
            reader.awaitCompletion();
            assertEquals(0, ledger.stock("none").getSequence());
            channel.shutdownNow();
        }
    }
}
