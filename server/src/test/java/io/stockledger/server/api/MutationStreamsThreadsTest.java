package io.stockledger.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.stockledger.server.Interleavings;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.entity.Submission;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Sell;
import io.stockledger.v1.StreamMutationsRequest;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Streams that open, fill and end on their callers' threads, what they share, and a node that stops meanwhile. */
class MutationStreamsThreadsTest {
    private static final ApiMeasurements MEASUREMENTS = new ApiMeasurements(new SimpleMeterRegistry());
    private static final Outcome SOLD_OUT = new Outcome.Refused(new Refusal(Refusal.Reason.INSUFFICIENT_STOCK, 0, 1));
    private static final StreamMutationsRequest REQUEST = StreamMutationsRequest.newBuilder().addMutations(Mutation.newBuilder()
            .setMutationId("order").setSku("A").setSell(Sell.newBuilder().setQuantity(1))).build();
    private static final int WAITING_MAX = 10;

    /** A node's streams. */
    private static final class Node {
        final MutationStreams streams;
        final Admission admission = new Admission(WAITING_MAX);
        final UnreadAnswers unread;

        Node(int streamsMax, long unreadMax) {
            streams = new MutationStreams(streamsMax);
            unread = new UnreadAnswers(unreadMax, streams.nowOpen());
        }

        void open(KeptAnswers<Encoded> caller) {
            streams.open(caller, ended -> begin(caller, submitted -> { }, ended));
        }

        MutationStream begin(KeptAnswers<Encoded> caller, Consumer<Submission> submit, Consumer<MutationStream> ended) {
            return new MutationStream(caller, submit, new MutationReader(InstantSource.system()), admission, unread, MEASUREMENTS,
                    1, Submission.NO_DEADLINE, 8, 1 << 20, ended);
        }
    }

    @Test
    void noStreamGoesOnWhereTheNodeStops() {
        Interleavings.ofLarge(() -> {
            Node node = new Node(2, Long.MAX_VALUE);
            List<KeptAnswers<Encoded>> callers = List.of(new KeptAnswers<>(true), new KeptAnswers<>(true));
            Interleavings.together(() -> node.open(callers.get(0)), node.streams::stop, () -> node.open(callers.get(1)));
            callers.forEach(caller -> {
                assertEquals(1, caller.errors);
                assertEquals(0, caller.faults);
            });
            assertEquals(0, node.streams.count());
            assertTrue(node.streams.nowOpen().isEmpty());
        });
    }

    @Test
    void noMoreAreOpenThanMayBe() {
        Interleavings.ofLarge(() -> {
            Node node = new Node(2, Long.MAX_VALUE);
            List<KeptAnswers<Encoded>> callers = List.of(new KeptAnswers<>(true), new KeptAnswers<>(true), new KeptAnswers<>(true));
            Interleavings.together(() -> node.open(callers.get(0)), () -> node.open(callers.get(1)), () -> node.open(callers.get(2)));
            int refused = callers.stream().mapToInt(caller -> caller.errors).sum();
            assertEquals(callers.size(), refused + node.streams.count());
            assertEquals(node.streams.count(), node.streams.nowOpen().size());
            assertTrue(node.streams.count() <= 2 && refused >= 1, () -> node.streams.count() + " are open");
            callers.forEach(KeptAnswers::hangUp);
            assertEquals(0, node.streams.count());
        });
    }

    /** Each answer is beyond the bound, and each thread may end the other's stream while that one answers. */
    @Test
    void whatIsUnreadOfStreamsThatEndOneAnotherComesToNothing() {
        Interleavings.ofLarge(() -> {
            Node node = new Node(2, 1);
            List<KeptAnswers<Encoded>> callers = List.of(new KeptAnswers<>(false), new KeptAnswers<>(false));
            Runnable[] parts = new Runnable[callers.size()];
            for (int i = 0; i < parts.length; i++) {
                KeptAnswers<Encoded> caller = callers.get(i);
                boolean takesOne = i == 0;
                parts[i] = () -> {
                    if (takesOne) {
                        caller.becomeReadyForOne();
                    }
                    List<Submission> submitted = new CopyOnWriteArrayList<>();
                    var requests = node.streams.open(caller, ended -> node.begin(caller, submitted::add, ended));
                    requests.onNext(REQUEST);
                    requests.onNext(REQUEST);
                    submitted.forEach(one -> one.replies().outcome(0, SOLD_OUT));
                    node.unread.keepWithinBound();
                };
            }
            Interleavings.together(parts);
            assertTrue(node.unread.bytes() <= 1, () -> node.unread.bytes() + " bytes unread");
            callers.forEach(KeptAnswers::hangUp);
            callers.forEach(KeptAnswers::close);
            assertEquals(0, node.unread.bytes());
            assertEquals(0, node.streams.count());
            assertTrue(node.admission.tryEnter(WAITING_MAX), "something still counts as waiting");
            callers.forEach(caller -> assertEquals(0, caller.faults));
        });
    }
}
