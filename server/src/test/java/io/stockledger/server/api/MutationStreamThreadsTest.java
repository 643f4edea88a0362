package io.stockledger.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Status;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.stockledger.server.Interleavings;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.entity.Submission;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Sell;
import io.stockledger.v1.StreamMutationsRequest;
import io.stockledger.v1.StreamMutationsResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** One StreamMutations call, where SKUs answer on their own threads while the transport reads, fills and stops. */
class MutationStreamThreadsTest {
    private static final int WAITING_MAX = 10;
    private static final Outcome SOLD_OUT = new Outcome.Refused(new Refusal(Refusal.Reason.INSUFFICIENT_STOCK, 0, 1));
    private static final ApiMeasurements UNREAD = new ApiMeasurements(new SimpleMeterRegistry());
    private static final StreamMutationsRequest OF_TWO_SKUS = request("A-1", "B-1");
    private static final StreamMutationsRequest OF_ONE_SKU = request("A-2");

    /** A stream with two requests under way, in three submissions. */
    private static final class Call {
        final KeptAnswers<Encoded> caller;
        final Admission admission = new Admission(WAITING_MAX);
        final List<Submission> submitted = new ArrayList<>();
        final UnreadAnswers unread = new UnreadAnswers(Long.MAX_VALUE, List.of());
        final AtomicInteger ends = new AtomicInteger();
        final MutationStream stream;

        Call(boolean ready) {
            caller = new KeptAnswers<>(ready);
            stream = new MutationStream(caller, submitted::add, new MutationReader(InstantSource.system()), admission,
                    unread, UNREAD, 1, Submission.NO_DEADLINE, 8, 1 << 20, ended -> ends.incrementAndGet());
            stream.onNext(OF_TWO_SKUS);
            stream.onNext(OF_ONE_SKU);
        }

        void decide(int submission) {
            submitted.get(submission).replies().outcome(0, SOLD_OUT);
        }

        void assertAnswered() {
            assertEquals(List.of(List.of("A-1", "B-1"), List.of("A-2")), caller.answers.stream().map(answer ->
                    read(answer).getResultsList().stream().map(result -> result.getMutationId()).toList()).toList());
            assertEquals(0, caller.faults);
            assertTrue(admission.tryEnter(WAITING_MAX), "something still counts as waiting");
            assertEquals(0, unread.bytes(), "something still counts as unread");
        }
    }

    @Test
    void requestsAreAnsweredWholeAndInOrderHoweverTheirSkusAnswer() {
        Interleavings.ofLarge(() -> {
            Call call = new Call(false);
            Interleavings.together(() -> {
                call.decide(2);
                call.decide(0);
            }, () -> call.decide(1), call.caller::becomeReady);
            call.assertAnswered();
            assertEquals(0, call.ends.get());
        });
    }

    @Test
    void callEndsOnceAndOnlyWhenAllThatItTookIsAnswered() {
        Interleavings.ofLarge(() -> {
            Call call = new Call(true);
            Interleavings.together(() -> {
                call.decide(0);
                call.decide(1);
                call.decide(2);
            }, call.stream::onCompleted, () -> call.stream.endOnceAnswered(Status.newBuilder().setCode(14).build()));
            call.assertAnswered();
            assertEquals(1, call.caller.completions + call.caller.errors);
            assertEquals(1, call.ends.get());
        });
    }

    private static StreamMutationsResponse read(Encoded answer) {
        try {
            return StreamMutationsResponse.parseFrom(
                    Encoded.answers(LedgerServiceGrpc.getStreamMutationsMethod()).streamResponse(answer));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static StreamMutationsRequest request(String... ids) {
        StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
        for (String id : ids) {
            request.addMutations(Mutation.newBuilder().setMutationId(id).setSku(id.substring(0, 1))
                    .setSell(Sell.newBuilder().setQuantity(1)));
        }
        return request.build();
    }
}
