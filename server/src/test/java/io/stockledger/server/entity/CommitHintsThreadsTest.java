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
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Hints to the other nodes, asked for by every SKU that commits: here actors stand in for those nodes. */
class CommitHintsThreadsTest {
    private static final int ROUNDS = 50;
    private static final int NODES = 40;

    private final ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "hints",
            ConfigFactory.parseString("akka { actor.provider = local, loglevel = WARNING }")
                    .withFallback(ConfigFactory.defaultReference()));
    private final AtomicInteger committed = new AtomicInteger();
    private final AtomicInteger hinted = new AtomicInteger();
    /** By node: what was committed when its last hint came. */
    private final AtomicIntegerArray seen = new AtomicIntegerArray(NODES);

    @AfterEach
    void stop() {
        system.terminate();
    }

    @Test
    void aHintFollowsEveryCommit() throws Exception {
        CommitHints hints = CommitHints.start(system, () -> { });
        for (int i = 0; i < NODES; i++) {
            int node = i;
            system.systemActorOf(Behaviors.<CommitHints.Message>setup(context -> {
                system.receptionist().tell(Receptionist.register(
                        ServiceKey.create(CommitHints.Message.class, "commit-hints"), context.getSelf()));
                return Behaviors.receiveMessage(hint -> {
                    seen.set(node, committed.get());
                    hinted.incrementAndGet();
                    return Behaviors.same();
                });
            }), "node-" + node, Props.empty());
        }
        await("all nodes are known", () -> {
            commit(hints);
            return IntStream.range(0, NODES).allMatch(node -> seen.get(node) > 0);
        });
        for (int round = 0; round < ROUNDS; round++) {
            int before = hinted.get();
            // Until a hint comes: the last commits are made just while it is told.
            Runnable committer = () -> {
                while (hinted.get() == before) {
                    commit(hints);
                }
                commit(hints);
            };
            Interleavings.together(committer, committer);
            await("a hint to each node after the last commit",
                    () -> IntStream.range(0, NODES).allMatch(node -> seen.get(node) == committed.get()));
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
