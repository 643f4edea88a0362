package io.stockledger.server.entity;

import akka.actor.typed.ActorRef;
import akka.cluster.sharding.typed.ShardingEnvelope;
import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/** The SKUs that are in this node's memory, each with its {@link Inbox}, and the way to those that are not. */
final class Inboxes {
    private static final int WAYS = 64;

    private final ActorRef<ShardingEnvelope<Gatherer.Message>> sharding;
    private final ConcurrentHashMap<String, Inbox> bySku = new ConcurrentHashMap<>();
    /** Held while something is sent through sharding or an inbox is made: one comes wholly before the other. */
    private final Object[] ways = new Object[WAYS];

    Inboxes(ActorRef<ShardingEnvelope<Gatherer.Message>> sharding) {
        this.sharding = sharding;
        Arrays.setAll(ways, i -> new Object());
    }

    /** Brings a message to its SKU, wherever that is; per sender in order. */
    void send(String sku, Gatherer.Message message) {
        Inbox inbox = bySku.get(sku);
        if (inbox != null && inbox.put(message)) {
            return;
        }
        synchronized (way(sku)) {
            inbox = bySku.get(sku);
            if (inbox == null || !inbox.put(message)) {
                sharding.tell(new ShardingEnvelope<>(sku, message));
            }
        }
    }

    /** Whether mutations that come to a SKU of this node now would wait for too long. */
    boolean isFull(String sku) {
        Inbox inbox = bySku.get(sku);
        return inbox != null && inbox.isFull();
    }

    /** The inbox of a SKU whose gatherer has just started here. */
    Inbox join(String sku, ActorRef<Gatherer.Message> gatherer) {
        synchronized (way(sku)) {
            Inbox inbox = new Inbox(ThreadLocalRandom.current().nextLong(), gatherer);
            bySku.put(sku, inbox);
            sharding.tell(new ShardingEnvelope<>(sku, new Inbox.Joined(inbox.number())));
            return inbox;
        }
    }

    /** The gatherer takes no more; what it has not taken goes through sharding, to its successor. */
    void leave(String sku, Inbox inbox) {
        synchronized (way(sku)) {
            inbox.close(message -> sharding.tell(new ShardingEnvelope<>(sku, message)));
            bySku.remove(sku, inbox);
        }
    }

    /** Those of all SKUs in memory, as they come and go. */
    Collection<Inbox> all() {
        return bySku.values();
    }

    private Object way(String sku) {
        int hash = sku.hashCode();
        return ways[(hash ^ hash >>> 16) & WAYS - 1];
    }
}
