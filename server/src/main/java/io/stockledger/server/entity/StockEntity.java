package io.stockledger.server.entity;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Adapter;
import akka.actor.typed.javadsl.Behaviors;
import akka.persistence.typed.PersistenceId;
import akka.persistence.typed.RecoveryCompleted;
import akka.persistence.typed.SnapshotAdapter;
import akka.persistence.typed.SnapshotCompleted;
import akka.persistence.typed.SnapshotFailed;
import akka.persistence.typed.javadsl.CommandHandler;
import akka.persistence.typed.javadsl.Effect;
import akka.persistence.typed.javadsl.EventHandler;
import akka.persistence.typed.javadsl.EventSourcedBehavior;
import akka.persistence.typed.javadsl.SignalHandler;
import akka.persistence.typed.javadsl.SignalHandlerBuilder;
import io.stockledger.server.domain.AppliedIds;
import io.stockledger.server.domain.Decider;
import io.stockledger.server.domain.Decision;
import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.domain.Refusal;
import io.stockledger.server.domain.Stock;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.server.journal.Snapshot;
import io.stockledger.server.journal.SnapshotCodec;
import io.stockledger.server.journal.SnapshotCodec.Standing;
import io.stockledger.server.journal.StockSnapshotDao;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The persistent actor of one SKU. Its {@link Gatherer} hands it one lot of work at a time; it decides the lot in
 * order against the evolving stock, writes what came of it as one journal row, and gives everything back once that
 * row is committed. Nobody is answered before.
 *
 * <p>The stock evolves while the lot is decided, before the row is written. If the write fails this actor stops, the
 * stock with it, and its successor replays the journal: what was not written was never there.
 */
final class StockEntity extends EventSourcedBehavior<StockEntity.Message, GroupRow, StockEntity.State> {
    /** What a persistent actor is told. */
    sealed interface Message {}

    /**
     * To be told first, and once: which SKU is its own.
     *
     * @param gatherer told once the SKU's rows are replayed, and what came of each lot
     */
    record Begin(String sku, ActorRef<Gatherer.Message> gatherer) implements Message {}

    /**
     * A lot to decide; may be empty, then only what is overdue expires.
     *
     * @param save whether to make a snapshot too
     */
    record Work(List<Waiting> lot, boolean save) implements Message {}

    /**
     * A lot come back.
     *
     * @param lot the lot that was handed on
     * @param answers to be given now
     * @param lookUps mutations that can't be decided before the journal was looked at
     * @param held mutations that must not overtake one of those
     * @param leftOver what did not fit into the row, in order
     * @param committed whether a row was written
     * @param sequence where the SKU stands, committed
     * @param nextDueMs when its first hold is due; 0: nothing is held
     * @param worthSaving whether much is in no snapshot yet
     * @param tally what came of the lot, for the measurements
     */
    record Done(
            List<Waiting> lot,
            List<Runnable> answers,
            List<Waiting.ForDecision> lookUps,
            List<Waiting.ForDecision> held,
            List<Waiting> leftOver,
            boolean committed,
            long sequence,
            long nextDueMs,
            boolean worthSaving,
            EntityMeasurements.Tally tally) implements Gatherer.Message {}

    /** The SKU as it stands, and how much has been written since the last snapshot. */
    static final class State {
        final ActorRef<Gatherer.Message> gatherer;
        Stock stock;
        byte[] digest;
        /** The row that was just decided, on its way to the journal; null: none. */
        GroupRow decided;
        long announcedDueMs;
        long nowMs;
        int rowsSinceSnapshot;
        int entriesSinceSnapshot;

        State(ActorRef<Gatherer.Message> gatherer, Standing standing) {
            this.gatherer = gatherer;
            restore(standing);
        }

        void restore(Standing standing) {
            stock = standing.stock();
            digest = standing.digest();
            announcedDueMs = standing.announcedDueMs();
        }

        void saved() {
            rowsSinceSnapshot = 0;
            entriesSinceSnapshot = 0;
        }
    }

    /** A snapshot may write so many ids, of eight bytes, for each row that it spares a replay. */
    private static final int IDS_A_ROW_MAX = 32;

    /** What all SKUs of a node share: 100,000 of them would each keep what was made for it alone. */
    private record Node(EntitySettings settings, Decider decider, SignalHandler<State> signalHandler) {}

    private final ActorContext<Message> context;
    private final String sku;
    private final EntitySettings settings;
    private final Decider decider;
    private final SignalHandler<State> signalHandler;
    /** The only one: Akka keeps the empty state for life, so what a snapshot tells is put into it. */
    private final State state;

    private StockEntity(ActorContext<Message> context, Node node, Begin begin) {
        // A persistence id of its own making: the SKU itself, whatever characters it has, since nothing else persists.
        super(PersistenceId.ofUniqueId(begin.sku()));
        this.context = context;
        this.sku = begin.sku();
        this.settings = node.settings();
        this.decider = node.decider();
        this.signalHandler = node.signalHandler();
        this.state = new State(begin.gatherer(),
                new Standing(new Stock(sku, settings.noIds()), GroupRow.noDigest(), 0));
    }

    /** One for all SKUs of a node, so that what Akka keeps of it is kept once; hence it is told its SKU afterwards. */
    static Behavior<Message> create(EntitySettings settings, EntityMeasurements measurements) {
        Node node = new Node(settings, new Decider(settings.limits()), signalHandler(settings, measurements));
        return Behaviors.setup(context -> Behaviors.receiveMessage(
                message -> new StockEntity(context, node, (Begin) message)));
    }

    private static SignalHandler<State> signalHandler(EntitySettings settings, EntityMeasurements measurements) {
        return SignalHandlerBuilder.<State>builder()
                .onSignal(RecoveryCompleted.instance(), state -> state.gatherer.tell(new Gatherer.Replayed(isWorthSaving(state, settings))))
                .onSignal(SnapshotCompleted.class, (state, done) -> measurements.snapshot(true))
                .onSignal(SnapshotFailed.class, (state, failed) -> measurements.snapshot(false))
                .build();
    }

    @Override
    public SignalHandler<State> signalHandler() {
        return signalHandler;
    }

    @Override
    public State emptyState() {
        return state;
    }

    @Override
    public CommandHandler<Message, GroupRow, State> commandHandler() {
        return (state, message) -> {
            Work work = (Work) message;
            Group group = new Group(state);
            group.decide(work.lot());
            Optional<GroupRow> row = group.close();
            state.decided = row.orElse(null);
            Consumer<State> giveBack = after -> {
                if (work.save()) {
                    save(after);
                }
                after.gatherer.tell(group.done(work.lot(), row.isPresent()));
            };
            return row.isPresent()
                    ? Effect().persist(row.get()).thenRun(giveBack::accept)
                    : Effect().none().thenRun(giveBack::accept);
        };
    }

    @Override
    public EventHandler<State, GroupRow> eventHandler() {
        return (state, row) -> {
            // By the row itself: what a stored row tells of its own sequences is not to be believed before it is held whole.
            if (row == state.decided) {
                state.decided = null;
            } else {
                requireWhole(row, state);
                row.replay(sku, state.stock::evolve);
            }
            state.digest = row.digest();
            if (row.announcedDueMs() > 0) {
                state.announcedDueMs = row.announcedDueMs();
            }
            state.rowsSinceSnapshot++;
            state.entriesSinceSnapshot += row.entryCount();
            return state;
        };
    }

    /** A SKU whose past was changed by hand decides nothing: a wrong stock is worse than none. */
    private void requireWhole(GroupRow row, State state) {
        if (!row.isWhole() || !Arrays.equals(row.previousDigest(), state.digest)) {
            throw new GroupRow.DamagedException("the row of " + sku + " from entry " + (state.stock.sequence() + 1)
                    + " on is not the one that was written there");
        }
    }

    /** Beside Akka's own snapshots, which follow a write: nothing may be left to write. */
    private void save(State state) {
        if (StockSnapshotDao.save(Adapter.toClassic(context.getSystem()), sku, lastSequenceNumber(context), state.nowMs,
                encoded(state))) {
            state.saved();
        }
    }

    private static Snapshot encoded(State state) {
        return SnapshotCodec.encode(new Standing(state.stock, state.digest, state.announcedDueMs));
    }

    private static boolean isWorthSaving(State state, EntitySettings settings) {
        return state.entriesSinceSnapshot >= settings.quietSnapshotEntries();
    }

    @Override
    public boolean shouldSnapshot(State state, GroupRow row, long rowNumber) {
        boolean due = state.rowsSinceSnapshot >= Math.max(settings.snapshotRows(), state.stock.appliedIds().openCount() / IDS_A_ROW_MAX)
                || state.entriesSinceSnapshot >= settings.snapshotEntries();
        if (due) {
            state.saved();
        }
        return due;
    }

    @Override
    public SnapshotAdapter<State> snapshotAdapter() {
        return new SnapshotAdapter<>() {
            @Override
            public Object toJournal(State state) {
                return encoded(state);
            }

            @Override
            public State fromJournal(Object from) {
                state.restore(SnapshotCodec.decode((Snapshot) from, settings.noIds()));
                return state;
            }
        };
    }

    /** One lot on its way to one row. */
    private final class Group {
        private final State state;
        private final Stock stock;
        private final long nowMs;
        private final GroupRow.Builder row = new GroupRow.Builder();
        private final List<Runnable> answers = new ArrayList<>();
        private final List<Waiting.ForDecision> lookUps = new ArrayList<>();
        private final List<Waiting.ForDecision> held = new ArrayList<>();
        private final Set<Long> heldLanes = new HashSet<>();
        private final EntityMeasurements.Tally tally = new EntityMeasurements.Tally();
        private List<Waiting> leftOver = List.of();

        Group(State state) {
            this.state = state;
            this.stock = state.stock;
            // Never backwards, whatever the clock does: who was told a time can rely on it.
            this.nowMs = Math.max(settings.clock().millis(), Math.max(state.nowMs, stock.recordedAtMs()));
            state.nowMs = nowMs;
        }

        void decide(List<Waiting> lot) {
            boolean nothingOverdue = expireOverdue();
            int next = 0;
            while (nothingOverdue && next < lot.size() && !isFull()) {
                Waiting waiting = lot.get(next++);
                if (waiting instanceof Waiting.ForDecision mutation) {
                    decide(mutation);
                } else if (waiting instanceof Waiting.ForLook look) {
                    look(look.look());
                }
            }
            leftOver = lot.subList(next, lot.size());
        }

        /** Holds that are due expire before anything else is decided. False: more are due than fit into this row. */
        private boolean expireOverdue() {
            while (true) {
                Optional<Entry> expired = decider.expireFirst(stock, nowMs);
                if (expired.isEmpty()) {
                    return true;
                }
                if (isFull()) {
                    return false;
                }
                write(expired.get());
            }
        }

        private void decide(Waiting.ForDecision waiting) {
            long lane = waiting.submission.lane();
            if (lane != 0 && heldLanes.contains(lane)) {
                held.add(waiting);
                return;
            }
            Mutation mutation = waiting.mutation;
            if (waiting.submission.isOverdue(System.nanoTime())) {
                fail(waiting, Outcome.Failure.DEADLINE_PASSED);
            } else if (isApplied(waiting)) {
                lookUp(waiting);
            } else if (mutation.createdAtMs() > 0 && !isInWindow(mutation.createdAtMs())) {
                fail(waiting, Outcome.Failure.MUTATION_EXPIRED);
            } else if (mayBeForgotten(waiting)) {
                lookUp(waiting);
            } else if (mutation.notAfterMs() > 0 && nowMs > mutation.notAfterMs()) {
                fail(waiting, Outcome.Failure.NOT_AFTER_PASSED);
            } else if (mutation.operation() instanceof Operation.Count count && count.needsHistory(stock)) {
                lookUp(waiting);
            } else {
                Decision decision = decider.decide(stock, mutation, nowMs);
                if (decision instanceof Entry entry) {
                    write(entry);
                    tally.applied();
                    answers.add(() -> waiting.answer(new Outcome.Applied(entry, false)));
                } else if (decision instanceof Refusal refusal) {
                    tally.refused(refusal.reason());
                    answers.add(() -> waiting.answer(new Outcome.Refused(refusal)));
                }
            }
        }

        /** Its id's fingerprint stands at entries: the journal tells whether one is the same mutation's. */
        private boolean isApplied(Waiting.ForDecision waiting) {
            Mutation mutation = waiting.mutation;
            waiting.foundAt = stock.appliedAs(mutation.mutationId(), mutation.createdAtMs(), waiting.clearedThrough);
            return waiting.foundAt.length > 0;
        }

        /** Its id may be one of those that are forgotten: the journal tells. */
        private boolean mayBeForgotten(Waiting.ForDecision waiting) {
            AppliedIds ids = stock.appliedIds();
            if (ids.forgottenSequence() <= waiting.clearedThrough || !isInWindow(ids.forgottenRecordedAtMs())) {
                return false;
            }
            long createdAtMs = waiting.mutation.createdAtMs();
            return createdAtMs == 0 || createdAtMs <= ids.forgottenCreatedAtMs();
        }

        private boolean isInWindow(long timeMs) {
            return timeMs >= nowMs - settings.window().toMillis();
        }

        private void lookUp(Waiting.ForDecision waiting) {
            waiting.forgottenThrough = mayBeForgotten(waiting) ? stock.appliedIds().forgottenSequence() : 0;
            // Not where this lot will end: a copy of it may be applied later in the lot.
            waiting.toldAt = stock.sequence();
            lookUps.add(waiting);
            if (waiting.submission.lane() != 0) {
                heldLanes.add(waiting.submission.lane());
            }
        }

        private void fail(Waiting.ForDecision waiting, Outcome.Failure failure) {
            tally.failed(failure);
            answers.add(() -> waiting.fail(failure));
        }

        private void look(Look look) {
            AppliedIds ids = stock.appliedIds();
            Look.Seen seen = new Look.Seen(stock.sequence(), List.copyOf(stock.balances()),
                    stock.reservation(look.mutationId()), stock.appliedAs(look.mutationId(), 0, 0),
                    isInWindow(ids.forgottenRecordedAtMs()) ? ids.forgottenSequence() : 0,
                    ids.forgottenSequence() > 0, nowMs);
            answers.add(() -> look.reply().seen(seen));
        }

        private void write(Entry entry) {
            stock.evolve(entry);
            row.add(entry);
        }

        private boolean isFull() {
            return row.entryCount() >= settings.groupEntriesMax() || row.length() >= settings.groupBytesMax();
        }

        Optional<GroupRow> close() {
            if (row.entryCount() == 0) {
                tally.closed();
                return Optional.empty();
            }
            long nextDueMs = stock.nextDueMs();
            long news = nextDueMs == state.announcedDueMs ? 0 : nextDueMs;
            GroupRow closed = row.build(state.digest, nextDueMs, news, stock.locationCount());
            tally.closed(closed);
            return Optional.of(closed);
        }

        Done done(List<Waiting> lot, boolean committed) {
            tally.committed();
            return new Done(lot, answers, lookUps, held, leftOver, committed, stock.sequence(), stock.nextDueMs(),
                    isWorthSaving(state, settings), tally);
        }
    }
}
