package io.stockledger.server.entity;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.Extension;
import akka.actor.typed.ExtensionId;
import akka.actor.typed.Props;
import akka.actor.typed.javadsl.Behaviors;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where answers from SKUs on other nodes come in. A submission or look that leaves this node keeps its reply here,
 * under a number; the actor of this room is told the outcomes and passes them on. What is not answered in time, since
 * the other node died, is told that its outcome is unknown. A SKU on this node answers its caller directly.
 */
final class Answers implements Extension {
    private static final Logger LOG = LoggerFactory.getLogger(Answers.class);
    static final ExtensionId<Answers> ID = new ExtensionId<>() {
        @Override
        public Answers createExtension(ActorSystem<?> system) {
            return new Answers(system);
        }
    };
    /** Well above how long a write may take before its breaker fires. */
    private static final Duration GIVEN_UP_AFTER = Duration.ofSeconds(40);
    private static final Duration LOOK_THROUGH_EVERY = Duration.ofSeconds(5);

    /** What the actor may be told. */
    sealed interface Message {}

    /** One mutation's outcome. */
    record Decided(long call, int index, Outcome outcome) implements Message {}

    /** What a look saw. */
    record Seen(long call, Look.Seen seen) implements Message {}

    /** Why a look saw nothing. */
    record NotSeen(long call, Outcome.Failure failure) implements Message {}

    private enum LookThrough implements Message { INSTANCE }

    /** A caller who waits; {@code open} outcomes are still to come. */
    private static final class Call {
        final Submission.Replies replies;
        final Look.Reply look;
        final boolean[] answered;
        final long sinceNanos = System.nanoTime();
        int open;

        Call(Submission.Replies replies, Look.Reply look, int open) {
            this.replies = replies;
            this.look = look;
            this.open = open;
            this.answered = new boolean[open];
        }
    }

    private final Map<Long, Call> calls = new ConcurrentHashMap<>();
    private final AtomicLong numbers = new AtomicLong();
    private final ActorRef<Message> actor;

    private Answers(ActorSystem<?> system) {
        actor = system.systemActorOf(behavior(), "answers", Props.empty());
    }

    ActorRef<Message> actor() {
        return actor;
    }

    long await(Submission submission) {
        return await(new Call(submission.replies(), null, submission.mutations().size()));
    }

    long await(Look look) {
        return await(new Call(null, look.reply(), 1));
    }

    private long await(Call call) {
        long number = numbers.incrementAndGet();
        calls.put(number, call);
        return number;
    }

    private Behavior<Message> behavior() {
        return Behaviors.withTimers(timers -> {
            timers.startTimerWithFixedDelay(LookThrough.INSTANCE, LOOK_THROUGH_EVERY);
            return Behaviors.receiveMessage(message -> {
                take(message);
                return Behaviors.same();
            });
        });
    }

    private void take(Message message) {
        if (message instanceof Decided decided) {
            Call call = calls.get(decided.call());
            if (call != null && !call.answered[decided.index()]) {
                call.answered[decided.index()] = true;
                if (--call.open == 0) {
                    calls.remove(decided.call());
                }
                give(() -> call.replies.outcome(decided.index(), decided.outcome()));
            }
        } else if (message instanceof Seen seen) {
            Call call = calls.remove(seen.call());
            if (call != null) {
                give(() -> call.look.seen(seen.seen()));
            }
        } else if (message instanceof NotSeen notSeen) {
            Call call = calls.remove(notSeen.call());
            if (call != null) {
                give(() -> call.look.failed(notSeen.failure()));
            }
        } else if (message == LookThrough.INSTANCE) {
            giveUpOld();
        }
    }

    private void giveUpOld() {
        long now = System.nanoTime();
        calls.forEach((number, call) -> {
            if (now - call.sinceNanos > GIVEN_UP_AFTER.toNanos() && calls.remove(number, call)) {
                if (call.look != null) {
                    give(() -> call.look.failed(Outcome.Failure.NOT_STARTED));
                } else {
                    for (int i = 0; i < call.answered.length; i++) {
                        int index = i;
                        if (!call.answered[index]) {
                            give(() -> call.replies.outcome(index, new Outcome.Failed(Outcome.Failure.OUTCOME_UNKNOWN)));
                        }
                    }
                }
            }
        });
    }

    /** A caller's reply that throws must not stop the actor that all others have theirs from. */
    private static void give(Runnable answer) {
        try {
            answer.run();
        } catch (RuntimeException e) {
            LOG.warn("An answer from another node could not be given", e);
        }
    }
}
