package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;

import akka.actor.ExtendedActorSystem;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import com.typesafe.config.ConfigFactory;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Calls that leave their node as bytes, are answered there, and the answers come back. */
class AnswersTest {
    private static final Outcome FAILED = new Outcome.Failed(Outcome.Failure.TOO_MANY_WAITING);
    private static final Look.Seen SEEN = new Look.Seen(7, List.of(), Optional.empty(), new long[0], 0, false, 0);

    private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "answers",
            ConfigFactory.parseString("akka.actor.provider = local").withFallback(ConfigFactory.load()));
    private final EntitySerializer serializer = new EntitySerializer((ExtendedActorSystem) Adapter.toClassic(system));

    @AfterEach
    void stop() throws Exception {
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get(20, TimeUnit.SECONDS);
    }

    private Object elsewhere(Object message) {
        return serializer.fromBinary(serializer.toBinary(message), serializer.manifest(message));
    }

    private Submission submissionElsewhere(int mutations, Submission.Replies replies) {
        Mutation mutation = new Mutation("id", "A", "main", "", "", "", 0, 0, 0, Mutation.ANY_SEQUENCE, 0, new Operation.Receive(1, false));
        return (Submission) elsewhere(new Submission("A", Collections.nCopies(mutations, mutation), 0, Submission.NO_DEADLINE, replies));
    }

    private Look lookElsewhere(Look.Reply reply) {
        return (Look) elsewhere(new Look("A", "", reply));
    }

    @Test
    void aCallersReplyThatThrowsKeepsNoOtherFromTheirs() throws Exception {
        CompletableFuture<Outcome> sibling = new CompletableFuture<>();
        CompletableFuture<Outcome> other = new CompletableFuture<>();
        CompletableFuture<Long> seen = new CompletableFuture<>();
        Submission throwing = submissionElsewhere(2, (index, outcome) -> {
            if (index == 0) {
                throw new IllegalStateException("a caller that went wrong");
            }
            sibling.complete(outcome);
        });
        Look.Reply throwingLook = new Look.Reply() {
            @Override
            public void seen(Look.Seen seen) {
                throw new IllegalStateException("a look that went wrong");
            }

            @Override
            public void failed(Outcome.Failure failure) {
                throw new IllegalStateException("a look that went wrong");
            }
        };
        Submission submission = submissionElsewhere(1, (index, outcome) -> other.complete(outcome));
        Look look = lookElsewhere(new Look.Reply() {
            @Override
            public void seen(Look.Seen what) {
                seen.complete(what.sequence());
            }

            @Override
            public void failed(Outcome.Failure failure) {
                seen.completeExceptionally(new AssertionError(failure));
            }
        });

        throwing.replies().outcome(0, FAILED);
        throwing.replies().outcome(1, FAILED);
        lookElsewhere(throwingLook).reply().seen(SEEN);
        lookElsewhere(throwingLook).reply().failed(Outcome.Failure.NOT_STARTED);
        submission.replies().outcome(0, FAILED);
        look.reply().seen(SEEN);

        assertEquals(FAILED, sibling.get(20, TimeUnit.SECONDS));
        assertEquals(FAILED, other.get(20, TimeUnit.SECONDS));
        assertEquals(7, seen.get(20, TimeUnit.SECONDS));
    }
}
