package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.ConfigFactory;
import io.stockledger.server.Interleavings;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.domain.Refusal;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where answers of other nodes come in: calls leave on all threads, and what comes back may come twice. */
class AnswersThreadsTest {
    private static final int CALLERS = 3;
    private static final int CALLS = 2_000;
    private static final Mutation MUTATION = new Mutation("id", "SKU", "main", "", "", "", 0, 0, 0, Mutation.ANY_SEQUENCE, 0,
            new Operation.Receive(1, false));

    private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "answers",
            ConfigFactory.parseString("akka { actor.provider = local, loglevel = WARNING }")
                    .withFallback(ConfigFactory.defaultReference()));

    @AfterEach
    void stop() {
        system.terminate();
    }

    @Test
    void eachCallerIsToldItsOwnOutcomesOnce() throws Exception {
        Answers answers = Answers.ID.apply(system);
        AtomicIntegerArray told = new AtomicIntegerArray(CALLERS * CALLS * 2);
        CountDownLatch all = new CountDownLatch(told.length());
        Runnable[] callers = new Runnable[CALLERS];
        for (int i = 0; i < CALLERS; i++) {
            int first = i * CALLS;
            callers[i] = () -> {
                long before = 0;
                for (int call = first; call < first + CALLS; call++) {
                    int place = 2 * call;
                    long number = answers.await(new Submission("SKU", List.of(MUTATION, MUTATION), 0, Submission.NO_DEADLINE,
                            (index, outcome) -> {
                                assertEquals(refused(place + index), outcome);
                                told.incrementAndGet(place + index);
                                all.countDown();
                            }));
                    for (int index : new int[] {1, 1, 0}) {
                        answers.actor().tell(new Answers.Decided(number, index, refused(place + index)));
                    }
                    // It has all it waits for.
                    answers.actor().tell(new Answers.Decided(before, 0, refused(-1)));
                    before = number;
                }
            };
        }
        Interleavings.together(callers);
        assertTrue(all.await(20, TimeUnit.SECONDS), () -> all.getCount() + " outcomes were not told to who waits for them");
        for (int i = 0; i < told.length(); i++) {
            assertEquals(1, told.get(i), "outcome " + i);
        }
    }

    private static Outcome refused(long wanted) {
        return new Outcome.Refused(new Refusal(Refusal.Reason.INSUFFICIENT_STOCK, 0, wanted));
    }
}
