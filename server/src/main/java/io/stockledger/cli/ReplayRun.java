package io.stockledger.cli;

import io.grpc.Status;
import io.stockledger.client.LedgerException;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.v1.Mutation;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;

/**
 * Sends what the ledger does not hold yet of a file.
 *
 * <p>Of one SKU a single mutation is under way at a time, over all SKUs many. A
 * refused line writes nothing, so the ledger would decide a second copy of it
 * afresh: if a later line of its SKU were under way beside it, a resend after a
 * broken connection could find other stock than the line's place in the file
 * had. One thread does everything; answers come to it through a queue.
 */
final class ReplayRun {
    /** Mutations under way. */
    static final int OUTSTANDING_MAX = 2_000;

    /** Lines read that wait for an earlier line of their SKU. */
    static final int WAITING_LINES_MAX = 65_536;

    private final ReplayPlan plan;
    private final long opening;
    private final Function<Mutation, CompletableFuture<Outcome>> ledger;
    private final LongConsumer settledLines;
    private final Consumer<SalesLog.Malformed> malformedByLedger;

    private final Map<String, Lane> lanes = new HashMap<>();
    private final BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
    private final Deque<Lane> ready = new ArrayDeque<>();
    private int outstanding;
    private int waiting;
    private long settled;
    private long linesSent;
    private long openingsSent;
    private long malformed;

    /** What waits and what is under way of one SKU. */
    private static final class Lane {
        private final ReplayPlan.Sku sku;
        private final Deque<SalesLog.Movement> lines = new ArrayDeque<>();
        private boolean opened;
        private boolean busy;

        Lane(ReplayPlan.Sku sku, boolean opened) {
            this.sku = sku;
            this.opened = opened;
        }
    }

    private record Answer(Lane lane, Optional<SalesLog.Movement> line, Optional<Outcome> outcome, Optional<Throwable> failure) {
    }

    ReplayRun(ReplayPlan plan, long opening, Function<Mutation, CompletableFuture<Outcome>> ledger,
            LongConsumer settledLines, Consumer<SalesLog.Malformed> malformedByLedger) {
        this.plan = plan;
        this.opening = opening;
        this.ledger = ledger;
        this.settledLines = settledLines;
        this.malformedByLedger = malformedByLedger;
    }

    long linesSent() {
        return linesSent;
    }

    long openingsSent() {
        return openingsSent;
    }

    /** Lines whose outcome is known, in this run or an earlier one. */
    long settled() {
        return settled;
    }

    /** Lines that only the ledger took for malformed. */
    long malformed() {
        return malformed;
    }

    /** Sends to the end of the file; throws what no resend could mend. */
    void send(SalesLog log) throws InterruptedException {
        boolean atEnd = false;
        while (true) {
            for (Answer answer = answers.poll(); answer != null; answer = answers.poll()) {
                take(answer);
            }
            while (outstanding < OUTSTANDING_MAX && !ready.isEmpty()) {
                sendNext(ready.poll());
            }
            if (!atEnd && waiting < WAITING_LINES_MAX && outstanding < OUTSTANDING_MAX) {
                Optional<SalesLog.Line> next = log.next();
                atEnd = next.isEmpty();
                next.ifPresent(this::queue);
            } else if (outstanding > 0) {
                take(answers.take());
            } else if (atEnd) {
                return;
            }
        }
    }

    private void queue(SalesLog.Line next) {
        if (!(next instanceof SalesLog.Movement line)) {
            settle();
            return;
        }
        ReplayPlan.Sku sku = plan.skus().get(line.sku());
        if (sku == null) {
            throw new Failure("the file changed while it was read; run the same command again");
        }
        if (line.number() <= sku.lastLineHeld()) {
            settle();
            return;
        }
        Lane lane = lanes.computeIfAbsent(line.sku(), name -> new Lane(sku, opening == 0 || sku.openingHeld().isPresent()));
        lane.lines.add(line);
        waiting++;
        if (!lane.busy) {
            lane.busy = true;
            ready.add(lane);
        }
    }

    private void sendNext(Lane lane) {
        outstanding++;
        if (!lane.opened) {
            openingsSent++;
            SalesLog.Movement first = lane.lines.element();
            submit(lane, Optional.empty(), openingStock(first, lane.sku.firstLine()));
            return;
        }
        SalesLog.Movement line = lane.lines.remove();
        waiting--;
        linesSent++;
        submit(lane, Optional.of(line), mutation(line));
    }

    private void submit(Lane lane, Optional<SalesLog.Movement> line, Mutation mutation) {
        ledger.apply(mutation).whenComplete((outcome, failure) ->
                answers.add(new Answer(lane, line, Optional.ofNullable(outcome), Optional.ofNullable(failure))));
    }

    private void take(Answer answer) {
        outstanding--;
        Lane lane = answer.lane();
        if (answer.failure().isPresent()) {
            takeFailure(answer, unwrapped(answer.failure().get()));
        } else if (answer.line().isEmpty()) {
            if (!(answer.outcome().orElseThrow() instanceof Outcome.Applied)) {
                throw new Failure("the ledger refused an opening stock of " + opening + "; lower --opening");
            }
            lane.opened = true;
        } else {
            if (answer.outcome().orElseThrow() instanceof Outcome.Applied) {
                lane.sku.lineWasApplied();
            }
            settle();
        }
        lane.busy = !lane.lines.isEmpty();
        if (lane.busy) {
            ready.add(lane);
        }
    }

    private void takeFailure(Answer answer, Throwable failure) {
        if (failure instanceof LedgerException e && e.code() == Status.Code.INVALID_ARGUMENT && answer.line().isPresent()) {
            malformed++;
            answer.lane().sku.lineWasMalformed();
            malformedByLedger.accept(new SalesLog.Malformed(answer.line().get().number(), e.getMessage()));
            settle();
        } else if (failure instanceof LedgerException e && e.code() == Status.Code.ALREADY_EXISTS) {
            throw new Failure("the ledger holds other content for "
                    + answer.line().map(line -> "line " + line.number()).orElse("the opening stock of a SKU")
                    + " of a file named " + plan.names().file() + "; give this file another name", e);
        } else if (failure instanceof LedgerException e) {
            throw e;
        } else {
            throw new IllegalStateException(failure);
        }
    }

    private void settle() {
        settled++;
        settledLines.accept(settled);
    }

    private Mutation openingStock(SalesLog.Movement first, long firstLine) {
        return Mutations.receive(first.sku(), opening)
                .setMutationId(plan.names().openingId(firstLine))
                .setReference(plan.names().reference(firstLine))
                .build();
    }

    private Mutation mutation(SalesLog.Movement line) {
        Mutation.Builder mutation = line.quantity() > 0
                ? Mutations.sell(line.sku(), line.quantity())
                : Mutations.returned(line.sku(), -line.quantity());
        return mutation.setMutationId(plan.names().id(line.number()))
                .setReference(plan.names().reference(line.number()))
                .setChannel(line.channel())
                .setOccurredAt(Converters.timestamp(line.occurredAt()))
                .build();
    }

    private static Throwable unwrapped(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }
}
