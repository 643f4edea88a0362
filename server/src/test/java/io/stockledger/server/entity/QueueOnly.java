package io.stockledger.server.entity;

import akka.actor.ActorPath;
import akka.actor.typed.ActorRef;
import java.util.concurrent.ConcurrentLinkedQueue;

/** An actor's queue without the actor. */
final class QueueOnly<T> implements ActorRef<T> {
    private static final long serialVersionUID = 1L;

    final transient ConcurrentLinkedQueue<T> told = new ConcurrentLinkedQueue<>();

    @Override
    public void tell(T message) {
        told.add(message);
    }

    @Override
    public <U extends T> ActorRef<U> narrow() {
        throw new UnsupportedOperationException();
    }

    @Override
    public <U> ActorRef<U> unsafeUpcast() {
        throw new UnsupportedOperationException();
    }

    @Override
    public ActorPath path() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int compareTo(ActorRef<?> other) {
        throw new UnsupportedOperationException();
    }
}
