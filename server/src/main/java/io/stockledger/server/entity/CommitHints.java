package io.stockledger.server.entity;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.Props;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.receptionist.Receptionist;
import akka.actor.typed.receptionist.ServiceKey;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/**
 * Tells the cluster's other nodes that this one has committed something, so that their subscribers need not wait for
 * the next poll of the journal. At most one hint in a few milliseconds, however much is committed; one that is lost
 * costs a poll, never an entry.
 */
final class CommitHints {
    static final Duration GAP = Duration.ofMillis(5);
    private static final ServiceKey<Message> KEY = ServiceKey.create(Message.class, "commit-hints");

    interface Message {}

    /** Another node has committed; the only one that travels. */
    enum Hint implements Message { INSTANCE }

    private record Nodes(Receptionist.Listing listing) implements Message {}

    private final ActorSystem<Void> system;
    private final AtomicBoolean due = new AtomicBoolean();
    private volatile Set<ActorRef<Message>> others = Set.of();
    private volatile long lastNanos = System.nanoTime() - GAP.toNanos();

    private CommitHints(ActorSystem<Void> system) {
        this.system = system;
    }

    /** @param committedElsewhere told when a hint comes; quick */
    static CommitHints start(ActorSystem<Void> system, Runnable committedElsewhere) {
        CommitHints hints = new CommitHints(system);
        system.systemActorOf(hints.behavior(committedElsewhere), "commit-hints", Props.empty());
        return hints;
    }

    private Behavior<Message> behavior(Runnable committedElsewhere) {
        return Behaviors.setup((ActorContext<Message> context) -> {
            system.receptionist().tell(Receptionist.register(KEY, context.getSelf()));
            system.receptionist().tell(Receptionist.subscribe(KEY,
                    context.messageAdapter(Receptionist.Listing.class, Nodes::new)));
            return Behaviors.receive(Message.class)
                    .onMessage(Hint.class, hint -> {
                        committedElsewhere.run();
                        return Behaviors.same();
                    })
                    .onMessage(Nodes.class, nodes -> {
                        others = nodes.listing().getServiceInstances(KEY).stream()
                                .filter(node -> !node.equals(context.getSelf())).collect(Collectors.toUnmodifiableSet());
                        return Behaviors.same();
                    })
                    .build();
        });
    }

    /** This node has committed something. Any thread; cheap where it is alone. */
    void committed() {
        if (others.isEmpty() || !due.compareAndSet(false, true)) {
            return;
        }
        long waitNanos = lastNanos + GAP.toNanos() - System.nanoTime();
        if (waitNanos <= 0) {
            tell();
        } else {
            system.scheduler().scheduleOnce(Duration.ofNanos(waitNanos), this::tell, system.executionContext());
        }
    }

    private void tell() {
        lastNanos = System.nanoTime();
        // First: what commits from here on needs another hint.
        due.set(false);
        others.forEach(node -> node.tell(Hint.INSTANCE));
    }
}
