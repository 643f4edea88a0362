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
    private final ActorRef<ShardingEnvelope<Gatherer.Message>> region;
    private final LookUps lookUps;

    private Ledger(ActorSystem<Void> system, ActorRef<ShardingEnvelope<Gatherer.Message>> region, LookUps lookUps) {
        this.system = system;
        this.region = region;
        this.lookUps = lookUps;
    }

    /**
     * Starts the actors.
     *
     * @param config Akka's settings, the journal's database among them, and our own
     * @param history what the journal tells about the past
     * @param onCommit told after each commit of this node; quick
     * @param registry where the SKUs' measurements go
     */
    public static Ledger start(Config config, EntitySettings settings, History history, Runnable onCommit,
            MeterRegistry registry) {
        ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "stockledger", config);
        if (config.getStringList("akka.cluster.seed-nodes").isEmpty()) {
            Cluster cluster = Cluster.get(system);
            cluster.manager().tell(Join.create(cluster.selfMember().address()));
        }
        EntityMeasurements measurements = new EntityMeasurements(registry);
        LookUps lookUps = new LookUps(history, settings.window(), settings.clock(),
                config.getInt("stockledger.entity.look-up-threads"),
                config.getInt("stockledger.entity.look-ups-waiting-max"), measurements);
        ActorRef<ShardingEnvelope<Gatherer.Message>> region = ClusterSharding.get(system).init(Entity.of(SKU,
                context -> Gatherer.create(context.getEntityId(), settings, lookUps, measurements, onCommit))
                .withStopMessage(Gatherer.Stop.INSTANCE));
        return new Ledger(system, region, lookUps);
    }

    /** Submits mutations; each is answered, or its caller's deadline passes. */
    public void submit(Submission submission) {
        region.tell(new ShardingEnvelope<>(submission.sku(), submission));
    }

    public void look(Look look) {
        region.tell(new ShardingEnvelope<>(look.sku(), look));
    }

    /** Has what is overdue of a SKU expire. */
    public void wake(String sku) {
        region.tell(new ShardingEnvelope<>(sku, Gatherer.Wake.INSTANCE));
    }

    /** Finishes what is under way, then stops the actors. */
    @Override
    public void close() {
        system.terminate();
        try {
            Await.ready(system.whenTerminated(), FiniteDuration.create(30, TimeUnit.SECONDS));
        } catch (TimeoutException e) {
            LOG.warn("The actors did not stop within 30 s; what is committed is safe.");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        lookUps.close();
    }
}
