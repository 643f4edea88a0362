package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.Props;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.receptionist.Receptionist;
import akka.actor.typed.receptionist.ServiceKey;
import com.typesafe.config.ConfigFactory;
import io.stockledger.server.Interleavings;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Hints to another node, asked for by every SKU that commits: here an actor stands in for that node. */
class CommitHintsThreadsTest {
    private static final int ROUNDS = 50;

    private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "hints",
            ConfigFactory.parseString("akka { actor.provider = local, loglevel = WARNING }")
                    .withFallback(ConfigFactory.defaultReference()));
    private final AtomicInteger committed = new AtomicInteger();
    private final AtomicInteger hinted = new AtomicInteger();
    /** What was committed when the last hint came. */
    private final AtomicInteger seen = new AtomicInteger();

    @AfterEach
    void stop() {
        system.terminate();
    }

    @Test
    void aHintFollowsEveryCommit() throws Exception {
        CommitHints hints = CommitHints.start(system, () -> { });
        system.systemActorOf(Behaviors.<CommitHints.Message>setup(context -> {
            system.receptionist().tell(Receptionist.register(
                    ServiceKey.create(CommitHints.Message.class, "commit-hints"), context.getSelf()));
            return Behaviors.receiveMessage(hint -> {
                seen.set(committed.get());
                hinted.incrementAndGet();
                return Behaviors.same();
            });
        }), "other-node", Props.empty());
        await("the other node is known", () -> {
            commit(hints);
            return hinted.get() > 0;
        });
        for (int round = 0; round < ROUNDS; round++) {
            int before = hinted.get();
            // Until a hint comes: the last commits are made just while it is told.
            Runnable node = () -> {
                while (hinted.get() == before) {
                    commit(hints);
                }
                commit(hints);
            };
            Interleavings.together(node, node);
            await("a hint after the last commit", () -> seen.get() == committed.get());
        }
    }

    private void commit(CommitHints hints) {
        committed.incrementAndGet();
        hints.committed();
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, what);
            TimeUnit.MICROSECONDS.sleep(100);
        }
    }
}
