package io.stockledger.server.entity;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.sharding.typed.ShardingEnvelope;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import akka.cluster.sharding.typed.javadsl.Entity;
import akka.cluster.sharding.typed.javadsl.EntityTypeKey;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import com.typesafe.config.Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.stockledger.server.journal.History;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.concurrent.Await;
import scala.concurrent.duration.FiniteDuration;

/**
 * All SKUs of the ledger, each an actor of its own wherever sharding has put it. The way in for mutations and looks;
 * nothing outside this room sees an actor.
 */
public final class Ledger implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Ledger.class);
    private static final EntityTypeKey<Gatherer.Message> SKU = EntityTypeKey.create(Gatherer.Message.class, "sku");

    private final ActorSystem<Void> system;
    private final ActorRef<ShardingEnvelope<Gatherer.Message>> sharding;
    private final Inboxes inboxes;
    private final Housekeeping housekeeping;
    private final LookUps lookUps;
    private final Pauses pauses;
    private final EntityMeasurements measurements;

    private Ledger(ActorSystem<Void> system, ActorRef<ShardingEnvelope<Gatherer.Message>> sharding, Inboxes inboxes,
            Housekeeping housekeeping, LookUps lookUps, Pauses pauses, EntityMeasurements measurements) {
        this.system = system;
        this.sharding = sharding;
        this.inboxes = inboxes;
        this.housekeeping = housekeeping;
        this.lookUps = lookUps;
        this.pauses = pauses;
        this.measurements = measurements;
    }

    /**
     * Starts the actors.
     *
     * @param config Akka's settings, the journal's database among them, and our own
     * @param history what the journal tells about the past
     * @param onCommit told after each commit of this node; quick
     * @param onCommitElsewhere told after commits of other nodes, as soon as this one hears of them; quick
     * @param registry where the SKUs' measurements go
     * @param onEnd told once the actors have ended, also where nobody closed this: where other nodes of the cluster took
     *     this one for gone, it ends, and nothing is answered any more
     */
    public static Ledger start(Config config, EntitySettings settings, History history, Runnable onCommit,
            Runnable onCommitElsewhere, MeterRegistry registry, Runnable onEnd) {
        ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "stockledger", config);
        system.getWhenTerminated().thenRun(onEnd);
        boolean alone = config.getStringList("akka.cluster.seed-nodes").isEmpty();
        if (alone) {
            Cluster cluster = Cluster.get(system);
            cluster.manager().tell(Join.create(cluster.selfMember().address()));
        }
        EntityMeasurements measurements = new EntityMeasurements(registry);
        LookUps lookUps = new LookUps(history, settings.window(), settings.clock(),
                config.getInt("stockledger.entity.look-up-threads"),
                config.getInt("stockledger.entity.look-ups-waiting-max"), measurements);
        CommitHints hints = CommitHints.start(system, onCommitElsewhere);
        Runnable committed = () -> {
            onCommit.run();
            hints.committed();
        };
        Pauses pauses = new Pauses();
        // The inboxes need the way into sharding, which needs them for the gatherers that it starts.
        CompletableFuture<Gatherer.Node> node = new CompletableFuture<>();
        ActorRef<ShardingEnvelope<Gatherer.Message>> sharding = ClusterSharding.get(system).init(Entity.of(SKU,
                context -> Gatherer.create(context.getEntityId(), context.getShard(), node.join()))
                .withStopMessage(Gatherer.Stop.INSTANCE));
        Inboxes inboxes = new Inboxes(sharding);
        node.complete(new Gatherer.Node(settings, StockEntity.create(settings, measurements), inboxes, lookUps, pauses,
                measurements, committed, !alone));
        return new Ledger(system, sharding, inboxes, Housekeeping.start(inboxes, settings), lookUps, pauses, measurements);
    }

    /** Submits mutations; each is answered, or its caller's deadline passes. */
    public void submit(Submission submission) {
        if (inboxes.isFull(submission.sku())) {
            turnAway(submission);
        } else {
            inboxes.send(submission.sku(), submission);
        }
    }

    /** By the caller's own thread: those who are let in must not wait while the gatherer turns a crowd away. */
    private void turnAway(Submission submission) {
        Outcome failed = new Outcome.Failed(Outcome.Failure.TOO_MANY_WAITING);
        int mutations = submission.mutations().size();
        measurements.answered(failed, mutations);
        for (int i = 0; i < mutations; i++) {
            try {
                submission.replies().outcome(i, failed);
            } catch (RuntimeException e) {
                LOG.warn("A caller of {} could not be told that he is turned away", submission.sku(), e);
            }
        }
    }

    public void look(Look look) {
        inboxes.send(look.sku(), look);
    }

    /** Has what is overdue of a SKU expire. */
    public void wake(String sku) {
        sharding.tell(new ShardingEnvelope<>(sku, Gatherer.Wake.INSTANCE));
    }

    /** Finishes what is under way, then stops the actors. */
    @Override
    public void close() {
        housekeeping.close();
        system.terminate();
        try {
            Await.ready(system.whenTerminated(), FiniteDuration.create(30, TimeUnit.SECONDS));
        } catch (TimeoutException e) {
            LOG.warn("The actors did not stop within 30 s; what is committed is safe.");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lookUps.close();
        pauses.close();
    }
}
