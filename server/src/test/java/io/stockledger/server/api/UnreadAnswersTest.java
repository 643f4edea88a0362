package io.stockledger.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.entity.Submission;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.Sell;
import io.stockledger.v1.StreamMutationsRequest;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;

/** What callers of mutation streams do not read costs the node a bounded number of bytes, and costs it them, not others. */
class UnreadAnswersTest {
    private static final int REQUESTS_UNDER_WAY = 16;
    private static final long BOUND = 40_000;
    private static final Outcome SOLD_OUT = new Outcome.Refused(new Refusal(Refusal.Reason.INSUFFICIENT_STOCK, 0, 1));
    private static final StreamMutationsRequest OF_A_HUNDRED = request(100);

    private final Set<MutationStream> streams = ConcurrentHashMap.newKeySet();
    private final UnreadAnswers unread = new UnreadAnswers(BOUND, streams);
    private final Admission admission = new Admission(1_000);
    private final List<Submission> submitted = new ArrayList<>();

    /** One stream, and what it is told. */
    private final class Caller {
        final KeptAnswers<Encoded> answers;
        final MutationStream stream;

        Caller(boolean reads) {
            answers = new KeptAnswers<>(reads);
            stream = new MutationStream(answers, submitted::add, new MutationReader(InstantSource.system()), admission, unread,
                    new ApiMeasurements(new SimpleMeterRegistry()), 1, Submission.NO_DEADLINE, REQUESTS_UNDER_WAY, 1 << 20,
                    streams::remove);
            streams.add(stream);
        }

        /** Sends a request, of which every mutation is decided, unless the call has ended. */
        void send() {
            int before = submitted.size();
            stream.onNext(OF_A_HUNDRED);
            if (submitted.size() == before) {
                return;
            }
            Submission last = submitted.get(submitted.size() - 1);
            for (int i = 0; i < last.mutations().size(); i++) {
                last.replies().outcome(i, SOLD_OUT);
            }
        }
    }

    private static StreamMutationsRequest request(int count) {
        StreamMutationsRequest.Builder request = StreamMutationsRequest.newBuilder();
        for (int i = 0; i < count; i++) {
            request.addMutations(Mutation.newBuilder().setMutationId("order-" + i).setSku("A").setSell(Sell.newBuilder().setQuantity(1)));
        }
        return request.build();
    }

    @Test
    void whatCallersDoNotReadIsBoundedForTheNodeAndWhoReadsIsServedAllTheSame() {
        Caller reader = new Caller(true);
        List<Caller> others = new ArrayList<>();
        int answersRead = 0;
        for (int i = 0; i < 100; i++) {
            Caller other = new Caller(false);
            others.add(other);
            for (int request = 0; request < REQUESTS_UNDER_WAY; request++) {
                other.send();
                assertTrue(unread.bytes() <= BOUND, "bytes " + unread.bytes());
                reader.send();
                assertEquals(++answersRead, reader.answers.answers.size());
            }
        }
        assertTrue(others.stream().filter(other -> other.answers.errors == 1).count() > 90);
        assertEquals(0, reader.answers.errors);
        assertTrue(admission.tryEnter(1_000), "something still counts as waiting");
        others.forEach(other -> other.answers.hangUp());
        assertEquals(0, unread.bytes());
    }

    @Test
    void whatTheTransportKeepsOfStreamsThatWereEndedIsBoundedToo() {
        List<Caller> callers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            // The transport takes one answer and does not get rid of it.
            Caller caller = new Caller(false);
            callers.add(caller);
            caller.answers.becomeReadyForOne();
            for (int request = 0; request < REQUESTS_UNDER_WAY; request++) {
                caller.send();
                assertTrue(unread.bytes() <= BOUND, "bytes " + unread.bytes());
            }
        }
        List<Caller> told = callers.stream().filter(caller -> caller.answers.errors == 1).toList();
        List<Caller> brokenOff = callers.stream().filter(caller -> caller.answers.answers.contains(Encoded.BREAK_OFF)).toList();
        assertFalse(told.isEmpty());
        assertFalse(brokenOff.isEmpty());
        callers.forEach(caller -> caller.answers.close());
        callers.forEach(caller -> assertEquals(0, caller.answers.faults));
        assertEquals(0, unread.bytes());
    }

    @Test
    void batchCountsAsWaitingAsLongAsItIsKeptForItsLastOutcome() {
        Caller caller = new Caller(true);
        caller.stream.onNext(OF_A_HUNDRED);
        Submission submission = submitted.get(0);
        for (int i = 0; i < 99; i++) {
            submission.replies().outcome(i, SOLD_OUT);
        }
        assertEquals(100, admission.waiting());
        submission.replies().outcome(99, SOLD_OUT);
        assertEquals(0, admission.waiting());
    }
}
