package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.stockledger.v1.Applied;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.MutationResult;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** The queue behind submit, where callers, the transport and the timer meet. */
class MutationStreamThreadsTest {
    private static final int ROUNDS = 5_000;
    private static final PendingMutation FIRST = mutation("A-1");
    private static final PendingMutation SECOND = mutation("A-2");
    private static final PendingMutation OTHER = mutation("B-1");
    private static final MutationResult APPLIED = MutationResult.newBuilder()
            .setApplied(Applied.newBuilder().setSequence(1))
            .build();

    @Test
    void everyMutationIsAnsweredOnceAndInOrderWhileAnswersComeIn() {
        Interleavings.ofLarge(ROUNDS, () -> {
            Wire wire = new Wire();
            List<CompletableFuture<Outcome>> outcomes = new ArrayList<>();
            Interleavings.together(
                    () -> {
                        outcomes.add(wire.submit(FIRST));
                        outcomes.add(wire.submit(SECOND));
                    },
                    () -> wire.submit(OTHER),
                    wire::answerOne);
            wire.settle();
            wire.assertAllApplied(3);
            assertTrue(outcomes.stream().allMatch(outcome -> outcome.isDone() && !outcome.isCompletedExceptionally()));
        });
    }

    @Test
    void whatABrokenStreamLeftUnansweredIsSentAgainBeforeAnythingNewer() {
        Interleavings.ofLarge(ROUNDS, () -> {
            Wire wire = new Wire();
            CompletableFuture<Outcome> first = wire.submit(FIRST);
            List<CompletableFuture<Outcome>> later = new ArrayList<>();
            Interleavings.together(() -> later.add(wire.submit(SECOND)), wire::breakOff, wire::timerFires);
            wire.settle();
            wire.assertAllApplied(2);
            assertTrue(first.isDone() && later.get(0).isDone());
        });
    }

    @Test
    void closingLeavesNoCallerWaiting() {
        Interleavings.ofLarge(ROUNDS, () -> {
            Wire wire = new Wire();
            CompletableFuture<Outcome> first = wire.submit(FIRST);
            List<CompletableFuture<Outcome>> later = new ArrayList<>();
            Interleavings.together(() -> later.add(wire.submit(SECOND)), wire::answerOne, wire.stream::close);
            assertTrue(first.isDone(), "the first caller waits for ever");
            assertTrue(later.get(0).isDone(), "the second caller waits for ever");
        });
    }

    /** A connection and a ledger behind it, each as far as a test lets it go. */
    private static final class Wire extends StandInChannel {
        final MutationStream stream;
        /** Ids in the order in which they first reached the ledger. */
        private final List<String> decided = new ArrayList<>();
        private final ConcurrentLinkedQueue<Sent> sent = new ConcurrentLinkedQueue<>();
        private final ConcurrentLinkedQueue<Stream> streams = new ConcurrentLinkedQueue<>();

        private record Sent(Stream by, StreamMutationsRequest request) {}

        Wire() {
            stream = new MutationStream(link(), timer, Duration.ofSeconds(10), 100);
        }

        CompletableFuture<Outcome> submit(PendingMutation mutation) {
            return stream.submit(mutation);
        }

        /** The ledger decides the oldest request and answers it, if there is one. */
        boolean answerOne() {
            Sent next = sent.poll();
            if (next == null) {
                return false;
            }
            StreamMutationsResponse.Builder answer = StreamMutationsResponse.newBuilder();
            for (Mutation mutation : next.request.getMutationsList()) {
                if (!decided.contains(mutation.getMutationId())) {
                    decided.add(mutation.getMutationId());
                }
                answer.addResults(APPLIED);
            }
            if (!next.by.over) {
                next.by.listener.onMessage(answer.build());
            }
            return true;
        }

        /** The first stream ends, and what was on its way is lost. */
        void breakOff() {
            Stream stream = streams.peek();
            // At once: a connection never loses a request and delivers a later one.
            synchronized (sent) {
                stream.over = true;
                sent.removeIf(lost -> lost.by == stream);
            }
            stream.listener.onClose(Status.UNAVAILABLE, new Metadata());
        }

        /** Lets everything come that still comes. */
        void settle() {
            boolean more = true;
            while (more) {
                more = answerOne() | timerFires();
            }
        }

        void assertAllApplied(int count) {
            assertEquals(count, decided.size(), () -> "decided: " + decided);
            assertTrue(decided.indexOf("A-1") < decided.indexOf("A-2"), () -> "decided: " + decided);
        }

        @Override
        @SuppressWarnings("unchecked")
        public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
            return (ClientCall<Q, A>) new Stream();
        }

        private final class Stream extends ClientCall<StreamMutationsRequest, StreamMutationsResponse> {
            private volatile Listener<StreamMutationsResponse> listener;
            private volatile boolean over;
            private volatile boolean sending;

            @Override
            public void start(Listener<StreamMutationsResponse> answers, Metadata headers) {
                listener = answers;
                streams.add(this);
            }

            @Override
            public void request(int count) {}

            @Override
            public void cancel(String message, Throwable cause) {
                over = true;
            }

            @Override
            public void halfClose() {}

            @Override
            public void sendMessage(StreamMutationsRequest request) {
                assertTrue(!sending, "two threads send on one stream");
                sending = true;
                synchronized (sent) {
                    if (!over) {
                        sent.add(new Sent(this, request));
                    }
                }
                sending = false;
            }
        }
    }

    private static PendingMutation mutation(String id) {
        return PendingMutation.prepare(
                Mutation.newBuilder().setMutationId(id).setSku(id.substring(0, 1)).build(), Duration.ofDays(1));
    }
}
