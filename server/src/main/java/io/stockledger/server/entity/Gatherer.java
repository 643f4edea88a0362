package io.stockledger.server.entity;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.ChildFailed;
import akka.actor.typed.ExtensibleBehavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.Signal;
import akka.actor.typed.Terminated;
import akka.actor.typed.TypedActorContext;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.cluster.sharding.typed.javadsl.ClusterSharding;
import io.stockledger.server.journal.GroupRow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sharded actor of one SKU: everything for the SKU comes here first. While a journal write is under way it
 * gathers what arrives, in a bounded queue; then it hands all of it to the {@link StockEntity} as one lot. So a SKU
 * gets faster a unit the hotter it is. Gathering stands apart from the persistent actor, which so never has more than
 * one lot to stash.
 */
final class Gatherer extends ExtensibleBehavior<Gatherer.Message> {
    /** What a gatherer may be told. */
    interface Message {}

    /** Have what is overdue expire. */
    enum Wake implements Message { INSTANCE }

    /** Finish what is under way and stop; sent by sharding when the SKU was idle, moves, or the node leaves. */
    enum Stop implements Message { INSTANCE }

    /** Nobody has called for the SKU lately, or too many SKUs are in memory: ask sharding to let it go. */
    enum Unused implements Message { INSTANCE }

    /** Nobody has called for a while: a moment for a snapshot, which shortens the next replay. */
    enum Quiet implements Message { INSTANCE }

    /**
     * The persistent actor has replayed the SKU's rows: it can decide.
     *
     * @param worthSaving whether much is in no snapshot yet
     */
    record Replayed(boolean worthSaving) implements Message {}

    /** Time to tell those who wait that the replay takes long. */
    private enum ReplayIsSlow implements Message { INSTANCE }

    /** Time to start the persistent actor again, once no write of its predecessor is under way any more. */
    private enum Restart implements Message { INSTANCE }

    /** Whether the journal has settled. */
    private record Settled(boolean settled) implements Message {}

    /** The journal was looked at for a mutation. */
    record LookedUp(Waiting.ForDecision waiting, LookUps.Finding finding) implements Message {}

    /** The wait for callers that were answered is over; told by number, since another may have begun. */
    private record PauseOver(long number) implements Message {}

    private static final Logger LOG = LoggerFactory.getLogger(Gatherer.class);
    private static final StoreFailures FAILURES = new StoreFailures();
    private static final Duration DAMAGE_TOLD_EVERY = Duration.ofMinutes(1);
    private static final Optional<Outcome.Failure> TOO_MANY = Optional.of(Outcome.Failure.TOO_MANY_WAITING);

    /**
     * What all SKUs of a node share.
     *
     * @param entity of each SKU's persistent actor
     * @param onCommit told after each commit, so that the tail looks at once
     * @param oneOfMany whether other nodes may have had the SKU before
     */
    record Node(EntitySettings settings, Behavior<StockEntity.Message> entity, Inboxes inboxes, LookUps lookUps,
            Pauses pauses, EntityMeasurements measurements, Runnable onCommit, boolean oneOfMany) {}

    private final ActorContext<Message> context;
    private final String sku;
    private final Node node;
    private final TimerScheduler<Message> timers;
    private final ActorRef<ClusterSharding.ShardCommand> shard;
    private final Inbox inbox;
    private final Patience patience;
    private final ExpectedWait expectedWait;

    // These two are made when first needed, and let go of after use: a SKU at rest keeps no room, however hot it was.
    /** What goes next; handed on whole as a rule. */
    private List<Waiting> queue = List.of();
    /** Mutations of a lane behind one that is being looked up. */
    private Map<Long, List<Waiting.ForDecision>> heldByLane = Map.of();
    private int heldCount;
    private int lookUpsUnderWay;

    private Optional<ActorRef<StockEntity.Message>> entity = Optional.empty();
    /** Whether there was none yet: callers wait for it. */
    private boolean beginning = true;
    /** Whether a write of a predecessor may still be at work in the store. */
    private boolean unsettled;
    /** What callers are told while there is none, but at the beginning. */
    private Outcome.Failure away = Outcome.Failure.NOT_STARTED;
    private boolean replayed;
    private long replayingSinceNanos;
    private boolean replayIsSlow;
    /** The lot at the persistent actor; null: it is free. */
    private List<Waiting> underWay;
    /** How many the last lot had: as many may come again. */
    private int lotBefore;
    private long handedOnNanos;
    private long pauseNumber;
    private boolean wakeDue;
    private boolean saveDue;
    private int failuresInARow;
    /** When the log was last told of a damaged row; 0: never. */
    private long damageToldNanos;
    private boolean stopping;

    private Gatherer(ActorContext<Message> context, TimerScheduler<Message> timers, String sku,
            ActorRef<ClusterSharding.ShardCommand> shard, Node node) {
        this.context = context;
        this.sku = sku;
        this.node = node;
        this.timers = timers;
        this.shard = shard;
        this.patience = new Patience(node.settings().gatherPause().toNanos());
        this.expectedWait = new ExpectedWait(node.settings().queueWaitMax().toNanos(), node.settings().groupEntriesMax());
        this.inbox = node.inboxes().join(sku, context.getSelf());
        node.measurements().cameIn();
        replayingSinceNanos = System.nanoTime();
        timers.startSingleTimer(ReplayIsSlow.INSTANCE, ReplayIsSlow.INSTANCE, node.settings().replayWaitMax());
        if (node.oneOfMany()) {
            // A node that is gone may have left a write at work.
            unsettled = true;
            settle();
        } else {
            startEntity();
        }
    }

    /** @param shard asked to let the SKU go from memory */
    static Behavior<Message> create(String sku, ActorRef<ClusterSharding.ShardCommand> shard, Node node) {
        return Behaviors.setup(context -> Behaviors.withTimers(
                timers -> new Gatherer(context, timers, sku, shard, node)));
    }

    // Both by hand, without Akka's table of handlers: there may be 100,000 of this actor.
    @Override
    public Behavior<Message> receive(TypedActorContext<Message> unchanged, Message message) {
        if (message instanceof Inbox.Arrived) {
            inbox.take().forEach(this::take);
        } else if (message instanceof StockEntity.Done done) {
            takeBack(done);
        } else if (message instanceof Inbox.Joined joined) {
            inbox.open(joined);
            inbox.take().forEach(this::take);
        } else if (message instanceof Submission || message instanceof Look) {
            inbox.used();
            take(message);
        } else if (message instanceof LookedUp lookedUp) {
            takeUp(lookedUp);
        } else if (message == Wake.INSTANCE) {
            wakeDue = true;
        } else if (message instanceof Replayed done) {
            replayed = true;
            // Else each further start would replay the same again.
            inbox.worthSaving(done.worthSaving());
            away = Outcome.Failure.NOT_STARTED;
            node.measurements().recovered(replayingSinceNanos);
            replayIsSlow = false;
            timers.cancel(ReplayIsSlow.INSTANCE);
        } else if (message == ReplayIsSlow.INSTANCE) {
            replayIsSlow = true;
            // A row that was damaged before may be whole again.
            away = Outcome.Failure.NOT_STARTED;
            failWaiting();
        } else if (message == Restart.INSTANCE) {
            settle();
        } else if (message instanceof Settled settled) {
            if (settled.settled()) {
                unsettled = false;
                startEntity();
            } else {
                restartLater();
            }
        } else if (message instanceof PauseOver over) {
            if (over.number() == pauseNumber) {
                patience.end();
            }
        } else if (message == Unused.INSTANCE) {
            if (isIdle()) {
                shard.tell(new ClusterSharding.Passivate<>(context.getSelf()));
            }
        } else if (message == Quiet.INSTANCE) {
            saveDue = true;
        } else if (message == Stop.INSTANCE) {
            stopping = true;
            node.inboxes().leave(sku, inbox);
        } else {
            throw new IllegalArgumentException("a gatherer is not told " + message);
        }
        handOn();
        return stopping && isIdle() ? Behaviors.stopped() : this;
    }

    @Override
    public Behavior<Message> receiveSignal(TypedActorContext<Message> unchanged, Signal signal) {
        if (signal instanceof ChildFailed failed) {
            Throwable why = rootOf(failed.getCause());
            return why instanceof GroupRow.DamagedException ? journalDamaged(why.getMessage()) : lostStore(why.toString());
        } else if (signal instanceof Terminated) {
            return lostStore("its actor stopped");
        } else if (signal instanceof PostStop) {
            node.inboxes().leave(sku, inbox);
            node.measurements().left();
            return this;
        }
        return Behaviors.unhandled();
    }

    /** What a caller has sent. */
    private void take(Message message) {
        if (message instanceof Submission submission) {
            gather(submission);
        } else if (message instanceof Look look) {
            gather(new Waiting.ForLook(look));
        }
    }

    private void gather(Submission submission) {
        int mutations = submission.mutations().size();
        Optional<Outcome.Failure> failure = whyNotNow(mutations);
        if (failure.equals(TOO_MANY) && underWay != null && whyNotNow(1).equals(TOO_MANY)) {
            // Until that lot is back, nobody fits in; and not for a submission that alone is too large.
            inbox.full(true);
        }
        failure.ifPresent(why -> node.measurements().answered(new Outcome.Failed(why), mutations));
        for (int i = 0; i < mutations; i++) {
            Waiting.ForDecision waiting = new Waiting.ForDecision(submission, i);
            if (failure.isPresent()) {
                give(() -> waiting.fail(failure.get()));
            } else {
                queueInLane(waiting);
            }
        }
    }

    private void gather(Waiting.ForLook look) {
        whyNotNow(1).ifPresentOrElse(failure -> give(() -> look.fail(failure)), () -> enqueue(look));
    }

    private Optional<Outcome.Failure> whyNotNow(int more) {
        if (entity.isEmpty() && !beginning || replayIsSlow) {
            return Optional.of(away);
        }
        int before = queue.size() + heldCount;
        return before + more > node.settings().waitingMax() || expectedWait.isTooLong(before, underWayNanos())
                ? TOO_MANY : Optional.empty();
    }

    private long underWayNanos() {
        return underWay == null ? 0 : System.nanoTime() - handedOnNanos;
    }

    private void enqueue(Waiting waiting) {
        if (queue.isEmpty()) {
            queue = new ArrayList<>(lotBefore);
        }
        queue.add(waiting);
    }

    private void queueInLane(Waiting.ForDecision waiting) {
        List<Waiting.ForDecision> lane = heldByLane.get(waiting.submission.lane());
        if (lane == null) {
            enqueue(waiting);
        } else {
            lane.add(waiting);
            heldCount++;
        }
    }

    /** What came after the lot that is back must not overtake a mutation of its lane that is being looked up. */
    private void holdBackLanes() {
        List<Waiting> arrived = queue;
        queue = List.of();
        for (Waiting waiting : arrived) {
            if (waiting instanceof Waiting.ForDecision mutation) {
                queueInLane(mutation);
            } else {
                enqueue(waiting);
            }
        }
    }

    /** Hands everything that waits to the persistent actor, if it is free. */
    private void handOn() {
        if (underWay != null || !replayed || (queue.isEmpty() && !wakeDue && !saveDue) || patience.holds(queue.size())) {
            return;
        }
        handedOnNanos = System.nanoTime();
        underWay = takeLot();
        lotBefore = underWay.size();
        wakeDue = false;
        entity.get().tell(new StockEntity.Work(underWay, saveDue));
        saveDue = false;
    }

    private List<Waiting> takeLot() {
        int lotMax = node.settings().groupEntriesMax();
        if (queue.size() > lotMax) {
            List<Waiting> first = queue.subList(0, lotMax);
            List<Waiting> lot = new ArrayList<>(first);
            first.clear();
            return lot;
        }
        // Of its own even if it is empty: a lot is told from others by its list.
        List<Waiting> whole = queue.isEmpty() ? new ArrayList<>(0) : queue;
        queue = List.of();
        return whole;
    }

    private void takeBack(StockEntity.Done done) {
        if (done.lot() != underWay) {
            // From a persistent actor that has stopped since: its lot was answered as of unknown outcome.
            return;
        }
        underWay = null;
        failuresInARow = 0;
        long writeNanos = System.nanoTime() - handedOnNanos;
        expectedWait.took(done.lot().size(), done.leftOver().size(), writeNanos);
        inbox.full(false);
        inbox.worthSaving(done.worthSaving());
        putInFront(done.leftOver());
        for (Waiting.ForDecision waiting : done.lookUps()) {
            lookUp(waiting);
        }
        List<Waiting> first = new ArrayList<>();
        for (Waiting.ForDecision waiting : done.held()) {
            if (heldByLane.containsKey(waiting.submission.lane())) {
                queueInLane(waiting);
            } else {
                first.add(waiting);
            }
        }
        putInFront(first);
        if (!done.lookUps().isEmpty()) {
            holdBackLanes();
        }
        inbox.take().forEach(this::take);
        boolean mostAreToCome = done.committed() && queue.size() < done.answers().size() / 2;
        if (!mostAreToCome) {
            // The next lot goes first: its write overlaps with answering this one.
            handOn();
        }
        if (done.committed()) {
            node.onCommit().run();
        }
        // Before the answers: who has his can find himself counted.
        node.measurements().decided(done.tally());
        done.answers().forEach(this::give);
        if (mostAreToCome) {
            inbox.take().forEach(this::take);
            pause(patience.begin(done.answers().size(), queue.size(), writeNanos));
        }
        if (done.nextDueMs() > 0) {
            long inMs = Math.max(0, done.nextDueMs() - node.settings().clock().millis());
            timers.startSingleTimer(Wake.INSTANCE, Wake.INSTANCE, Duration.ofMillis(inMs));
        } else {
            timers.cancel(Wake.INSTANCE);
        }
    }

    private void pause(long nanos) {
        if (nanos > 0) {
            long number = ++pauseNumber;
            ActorRef<Message> self = context.getSelf();
            node.pauses().after(nanos, () -> self.tell(new PauseOver(number)));
        }
    }

    /** A caller's reply that throws must not keep the others from theirs. */
    private void give(Runnable answer) {
        try {
            answer.run();
        } catch (RuntimeException e) {
            LOG.warn("An answer for {} could not be given", sku, e);
        }
    }

    private void lookUp(Waiting.ForDecision waiting) {
        ActorRef<Message> self = context.getSelf();
        boolean begun = node.lookUps().begin(waiting,
                finding -> self.tell(new LookedUp(waiting, finding)));
        if (!begun) {
            fail(waiting, Outcome.Failure.TOO_MANY_LOOKUPS);
            return;
        }
        lookUpsUnderWay++;
        if (waiting.submission.lane() != 0) {
            if (heldByLane.isEmpty()) {
                heldByLane = new HashMap<>();
            }
            heldByLane.computeIfAbsent(waiting.submission.lane(), lane -> new ArrayList<>());
        }
    }

    private void takeUp(LookedUp lookedUp) {
        lookUpsUnderWay--;
        Waiting.ForDecision waiting = lookedUp.waiting();
        List<Waiting> again = new ArrayList<>();
        LookUps.Finding finding = lookedUp.finding();
        if (finding instanceof LookUps.Answered answered) {
            node.measurements().answered(answered.outcome(), 1);
            give(() -> waiting.answer(answered.outcome()));
        } else if (finding instanceof LookUps.Cleared cleared) {
            waiting.clearedThrough = cleared.throughSequence();
            waiting.mutation = cleared.mutation();
            if (entity.isPresent() || beginning) {
                again.add(waiting);
            } else {
                fail(waiting, away);
            }
        }
        again.addAll(freed(waiting.submission.lane()));
        putInFront(again);
    }

    /** What was held in a lane, which is so no more. */
    private List<Waiting.ForDecision> freed(long lane) {
        if (!heldByLane.containsKey(lane)) {
            return List.of();
        }
        List<Waiting.ForDecision> held = heldByLane.remove(lane);
        heldCount -= held.size();
        if (heldByLane.isEmpty()) {
            heldByLane = Map.of();
        }
        return held;
    }

    private void putInFront(List<? extends Waiting> first) {
        if (queue.isEmpty()) {
            first.forEach(this::enqueue);
        } else {
            queue.addAll(0, first);
        }
    }

    /** Nothing is handed to it before it has replayed: until then what waits can be told for sure that it was not applied. */
    private void startEntity() {
        ActorRef<StockEntity.Message> started = context.spawn(node.entity(), "entity");
        started.tell(new StockEntity.Begin(sku, context.getSelf()));
        context.watch(started);
        entity = Optional.of(started);
        replayed = false;
        if (!beginning) {
            replayingSinceNanos = System.nanoTime();
            timers.startSingleTimer(ReplayIsSlow.INSTANCE, ReplayIsSlow.INSTANCE, node.settings().replayWaitMax());
        }
        beginning = false;
    }

    private Behavior<Message> lostStore(String why) {
        FAILURES.tell(sku, why);
        node.measurements().lostStore(underWay != null);
        return entityStopped(Outcome.Failure.NOT_STARTED);
    }

    /** The store is there: it is for whoever looks after this SKU, not after the store. Told again as long as it lasts. */
    private Behavior<Message> journalDamaged(String why) {
        long now = System.nanoTime();
        if (damageToldNanos == 0 || now - damageToldNanos > DAMAGE_TOLD_EVERY.toNanos()) {
            LOG.error("{} is not served, its journal is damaged: {}. `stockledger audit` tells all of it; once the row is restored it goes on",
                    sku, why);
            damageToldNanos = now;
        }
        return entityStopped(Outcome.Failure.JOURNAL_DAMAGED);
    }

    /**
     * The write failed, or the journal could not be read. What was under way may be in the journal or not; what
     * waited is not. All are told so, and the next arrivals too until the SKU has replayed.
     */
    private Behavior<Message> entityStopped(Outcome.Failure toldToCallers) {
        away = toldToCallers;
        entity = Optional.empty();
        replayed = false;
        replayIsSlow = false;
        timers.cancel(ReplayIsSlow.INSTANCE);
        if (underWay != null) {
            unsettled = true;
            underWay.forEach(waiting -> fail(waiting, Outcome.Failure.OUTCOME_UNKNOWN));
            underWay = null;
        }
        failWaiting();
        wakeDue = true;
        restartLater();
        return stopping && isIdle() ? Behaviors.stopped() : this;
    }

    private void failWaiting() {
        inbox.full(false);
        queue.forEach(waiting -> fail(waiting, away));
        queue = List.of();
        // The lanes stay: each still has a mutation that is being looked up.
        for (List<Waiting.ForDecision> lane : heldByLane.values()) {
            lane.forEach(waiting -> fail(waiting, away));
            lane.clear();
        }
        heldCount = 0;
    }

    private void fail(Waiting waiting, Outcome.Failure failure) {
        if (waiting instanceof Waiting.ForDecision) {
            node.measurements().answered(new Outcome.Failed(failure), 1);
        }
        give(() -> waiting.fail(failure));
    }

    /**
     * The failed write may still be at work in the store. Replaying before it has ended could tell a caller that his
     * mutation was refused, and see it committed afterwards.
     */
    private void settle() {
        ActorRef<Message> self = context.getSelf();
        if (!node.lookUps().settle(sku, settled -> self.tell(new Settled(settled)))) {
            restartLater();
        }
    }

    private void restartLater() {
        long factor = 1L << Math.min(failuresInARow++, 10);
        long afterMs = Math.min(node.settings().restartAfterMin().toMillis() * factor, node.settings().restartAfterMax().toMillis());
        timers.startSingleTimer(Restart.INSTANCE, Restart.INSTANCE, Duration.ofMillis(afterMs));
    }

    private static Throwable rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    /** Not before the store has settled: who comes after this one replays at once. */
    private boolean isIdle() {
        return underWay == null && queue.isEmpty() && lookUpsUnderWay == 0 && !unsettled;
    }
}
