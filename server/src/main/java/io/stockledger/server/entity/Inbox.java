package io.stockledger.server.entity;

import akka.actor.typed.ActorRef;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Where callers of this node leave what they have for one SKU whose {@link Gatherer} is on this node too: past
 * sharding, whose actors would each pass every message on, and with one message to the gatherer for all that arrived
 * since it last took.
 *
 * <p>Order is kept when the way changes. A new inbox joins: it keeps what arrives until the gatherer has met
 * {@link Joined}, which went through sharding behind everything that callers had sent that way before. When it is
 * closed, what nobody has taken goes through sharding, in front of all that comes later.
 */
final class Inbox {
    /** What came before the inbox has arrived, if this comes through sharding. */
    record Joined(long inbox) implements Gatherer.Message {}

    /** Something lies in the inbox. */
    enum Arrived implements Gatherer.Message { INSTANCE }

    private enum State { JOINING, OPEN, CLOSED }

    private final long number;
    private final ActorRef<Gatherer.Message> gatherer;
    // Guarded by this, as are the next two; held for an append at most.
    private State state = State.JOINING;
    /** Made when something arrives: at rest there is none. */
    private List<Gatherer.Message> arrived = List.of();
    private int takenLast;
    private volatile long usedNanos = System.nanoTime();
    private volatile boolean worthSaving;
    private volatile boolean full;

    /** @param number that no other inbox has, of any node: {@link Joined} may go astray while a SKU moves */
    Inbox(long number, ActorRef<Gatherer.Message> gatherer) {
        this.number = number;
        this.gatherer = gatherer;
    }

    /** Leaves a message; false: it is closed, the message has to go through sharding. */
    boolean put(Gatherer.Message message) {
        boolean tell;
        synchronized (this) {
            if (state == State.CLOSED) {
                return false;
            }
            tell = arrived.isEmpty() && state == State.OPEN;
            if (arrived.isEmpty()) {
                arrived = new ArrayList<>(Math.min(takenLast, 1024));
            }
            arrived.add(message);
        }
        if (tell) {
            gatherer.tell(Arrived.INSTANCE);
        }
        return true;
    }

    /** Takes all that has arrived, in order. */
    synchronized List<Gatherer.Message> take() {
        if (arrived.isEmpty() || state == State.JOINING) {
            return List.of();
        }
        List<Gatherer.Message> taken = arrived;
        takenLast = taken.size();
        arrived = List.of();
        usedNanos = System.nanoTime();
        return taken;
    }

    /** From now on the gatherer takes. */
    synchronized void open(Joined joined) {
        if (joined.inbox() == number && state == State.JOINING) {
            state = State.OPEN;
        }
    }

    /** Takes nothing more; what is left goes to {@code sharding}. */
    synchronized void close(Consumer<Gatherer.Message> sharding) {
        if (state != State.CLOSED) {
            state = State.CLOSED;
            arrived.forEach(sharding);
            arrived = List.of();
        }
    }

    /** The gatherer was called through sharding. */
    void used() {
        usedNanos = System.nanoTime();
    }

    /** Whether what comes now would wait for too long: then it is not even put here. Told by the gatherer, lot by lot. */
    void full(boolean now) {
        if (now != full) {
            full = now;
        }
    }

    boolean isFull() {
        return full;
    }

    /** Whether so much was written since the SKU's last snapshot that a quiet moment should be used for one. */
    void worthSaving(boolean worth) {
        if (worth != worthSaving) {
            worthSaving = worth;
        }
    }

    boolean isWorthSaving() {
        return worthSaving;
    }

    long usedNanos() {
        return usedNanos;
    }

    ActorRef<Gatherer.Message> gatherer() {
        return gatherer;
    }

    long number() {
        return number;
    }
}
