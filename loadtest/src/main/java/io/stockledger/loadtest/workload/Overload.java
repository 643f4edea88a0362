package io.stockledger.loadtest.workload;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Callers;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.loadtest.engine.LeftOut;
import io.stockledger.loadtest.engine.Metrics;
import io.stockledger.loadtest.engine.Settings;
import io.stockledger.loadtest.engine.Workload;
import io.stockledger.loadtest.figure.Figure;
import io.stockledger.loadtest.figure.Goal;
import io.stockledger.loadtest.figure.Percentiles;
import io.stockledger.loadtest.report.Numbers;
import io.stockledger.v1.ApplyMutationResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/**
 * Three times of what the ledger can do, offered for a minute: what is still sold, and what becomes of the rest. Each
 * latency counts from the time at which its call was due: where generator or transport hold a call back, that is in it.
 *
 * <p>Where the cores bound the peak, as they do beside a generator that shares them, a call that is refused costs
 * nearly what a sale does, so there is no room for three times of it. Hence two workloads: one on the defaults, and one
 * whose journal bounds the peak, by few entries a row, as a slow disk would.
 */
public final class Overload implements Workload {
    /** As many as a peak has that the cores bound. */
    private static final int CALLERS = 512;
    /** So few entries a row bound the peak so far below what the cores could do that they can turn three times of it away. */
    private static final int ENTRIES_A_ROW_BOUNDED = 2;
    /** Enough for full rows, one behind the other, and few enough that nobody is refused before the overload. */
    private static final int CALLERS_BOUNDED = 16;
    private static final int TIMES = 3;
    /** Fewer times of the peak on the way are no such overload: the figures then are of something else. */
    private static final double TIMES_MIN = 2.5;
    /** Above what one SKU lets wait, so that the ledger meets its own bound; below what fills the generator's heap. */
    private static final int UNDER_WAY_MAX = 100_000;
    /** What a caller at a till bears: the most that a SKU lets wait, and as much again on the way. */
    private static final double ACCEPTED_P99_MS_MAX = 2_000;
    /**
     * The longest that a SKU lets anybody wait (stockledger.entity.queue-wait-max): a caller who is turned away later than
     * that would have been served no later.
     */
    private static final double REFUSED_P99_MS_MAX = 1_000;
    /**
     * What may stay of any mutations is bounded: the feed's newest rows (32 MiB of payload in up to 65,536 objects) and
     * the SKU's ids (7 MiB). Of the crowd nothing may; were it kept, a KiB a call, it would be 100 MiB and more.
     */
    private static final double HEAP_GROWTH_MIB_MAX = 64;
    private static final int LOOK_SECONDS = 2;
    private static final String WAITING = "stockledger_waiting";
    private static final int REASONS_SHOWN = 5;
    private static final int ANSWERS_WAIT_SECONDS = 20;
    /** Beyond an hour is out of range for the histogram, and for everybody else. */
    private static final long LATENCY_MAX_NANOS = TimeUnit.HOURS.toNanos(1);

    private final String name;
    private final String where;
    private final int callers;
    private final String settings;

    private Overload(String name, String where, int callers, String settings) {
        this.name = name;
        this.where = where;
        this.callers = callers;
        this.settings = settings;
    }

    /** Of the ledger as it is. */
    public static Overload ofTheCores() {
        return new Overload("overload-cores", "", CALLERS, "");
    }

    /** Of a ledger whose journal takes few entries a row. */
    public static Overload ofTheJournal() {
        return new Overload("overload-journal", " (" + ENTRIES_A_ROW_BOUNDED + " entries a row at most)", CALLERS_BOUNDED,
                "stockledger.entity.group-entries-max = " + ENTRIES_A_ROW_BOUNDED + "\n");
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String group() {
        return "overload";
    }

    @Override
    public String about() {
        return "a hot SKU offered 3x of its peak" + where + ": goodput, how soon the rest is refused, the server's heap";
    }

    @Override
    public double seconds(Settings settings) {
        return 25 + settings.seconds(1) + overloadSeconds(settings);
    }

    @Override
    public void run(Ground ground) throws Exception {
        ServerProcess ledger = ground.ownLedger(settings);
        Metrics metrics = new Metrics(ledger.metrics());
        ServerHeap heap = ServerHeap.of(ledger);
        Sales sales = new Sales(ground.fresh("ov"));
        String sku = ground.fresh("HOT");
        List<ManagedChannel> channels = IntStream.range(0, ground.settings().connections())
                .mapToObj(i -> ground.channelTo(ledger.target())).toList();
        List<LedgerServiceGrpc.LedgerServiceStub> stubs = channels.stream().map(LedgerServiceGrpc::newStub).toList();
        sales.stockUp(channels.get(0), List.of(sku));
        List<Double> peak = ground.peak(name + "-peak", Callers.<ApplyMutationResponse>unary(callers,
                (caller, answer) -> stubs.get(caller % stubs.size()).applyMutation(sales.request(sku), answer),
                answer -> Sales.requireApplied(answer.getResult()))).rounds();
        Figure peakFigure = Figure.of(name + "-peak", "hot SKU, unary, " + Plots.callers(callers) + ", before the overload" + where, peak, "mutations/s");
        ground.add(peakFigure);

        long liveBefore = heap.liveBytes();
        Offer offer = new Offer(stubs, sales, sku, peakFigure.value() * TIMES);
        List<Long> used = new ArrayList<>();
        List<Double> waiting = new ArrayList<>();
        Thread looks = new Thread(() -> look(heap, used, metrics, waiting), "overload-looks");
        looks.setDaemon(true);
        looks.start();
        offer.run(overloadSeconds(ground.settings()));
        looks.interrupt();
        looks.join();
        long liveAfter = heap.liveBytes();

        if (offer.other.get() != null) {
            throw new IllegalStateException("something else than applied or RESOURCE_EXHAUSTED: " + offer.other.get(), offer.other.get());
        }
        double seconds = overloadSeconds(ground.settings());
        Percentiles accepted = Percentiles.ofNanos(offer.accepted.copy());
        Percentiles refused = Percentiles.ofNanos(offer.refused.copy());
        ground.add(figure("offered", "calls that went out while 3x of the peak is offered", offer.sent.sum() / seconds, "mutations/s")
                .goal(Goal.times(TIMES_MIN, name + "-peak"))
                .note("not met: the generator could not offer it, beside a server on the same cores; then what follows is of the rate that went out"));
        ground.add(figure("goodput", "applied while 3x of the peak is offered", offer.appliedInTime / seconds, "mutations/s")
                .goal(Goal.times(0.8, name + "-peak"))
                .note(String.format(Locale.ROOT, "%,.0f/s offered of %,.0f/s meant, for %.0f s; %,.0f/s more were due while %,d were under way, so not sent",
                        offer.sent.sum() / seconds, peakFigure.value() * TIMES, seconds, offer.notSent.getTotalCount() / seconds, UNDER_WAY_MAX)));
        ground.add(figure("refused", "refused with RESOURCE_EXHAUSTED", offer.refused.getTotalCount() / seconds, "mutations/s")
                .note(offer.reasons.entrySet().stream().limit(REASONS_SHOWN)
                        .map(reason -> String.format(Locale.ROOT, "%,d times: %s", reason.getValue(), reason.getKey())).toList().toString()));
        ground.add(figure("unanswered", "not answered " + ANSWERS_WAIT_SECONDS + " s after the overload", offer.unanswered, "mutations")
                .goal(Goal.atMost(0)));
        String sentOnly = String.format(Locale.ROOT, "of calls that went out; with the %,d that did not: %s", offer.notSent.getTotalCount(), name + "-due-p99");
        ground.add(figure("accepted-p99", "overload, the applied, p99, from when each was due", accepted.atMs(99), "ms").percentiles(accepted)
                .goal(Goal.atMost(ACCEPTED_P99_MS_MAX)).note(sentOnly)
                .note("from when each was due; a SKU lets wait for a second at most (stockledger.entity.queue-wait-max), the rest is the transport's and the generator's"));
        if (refused.count() > 0) {
            ground.add(figure("refused-p99", "overload, the refused, p99, from when each was due", refused.atMs(99), "ms").percentiles(refused)
                    .goal(Goal.atMost(REFUSED_P99_MS_MAX)).note(sentOnly)
                    .note("who is turned away should know it before those who are let in are served: within stockledger.entity.queue-wait-max"));
        }
        Percentiles all = Percentiles.ofNanos(offer.all());
        ground.add(figure("due-p99", "overload, p99, all that were due", all.atMs(99), "ms").percentiles(all)
                .note(String.format(Locale.ROOT, "applied or refused; the %,d that were never sent, and what was not answered, with the least that each waited:"
                        + " until the end of the overload, or of the wait for answers", offer.notSent.getTotalCount())));
        double waitingMost = waiting.stream().mapToDouble(Double::doubleValue).max().orElse(0);
        ground.add(figure("waiting", "the most that waited within the ledger at once", waitingMost, "mutations")
                .note(String.format(Locale.ROOT, "of at most %,d under way: where the accepted waited longer than these take, it was on the way. By the ledger's"
                        + " metrics, every %d s: %s", UNDER_WAY_MAX, LOOK_SECONDS, waiting.stream().map(Numbers::shown).toList())));
        ground.add(figure("heap-growth", "live heap after the overload less before", (liveAfter - liveBefore) / 1048576.0, "MiB")
                .goal(Goal.atMost(HEAP_GROWTH_MIB_MAX))
                .note("the feed's newest rows and the SKU's ids may fill up meanwhile, to fixed bounds; the crowd may leave nothing")
                .note(String.format(Locale.ROOT, "%,d MiB before, %,d after a full collection; in use while it ran, looked at every %d s: %s",
                        liveBefore >> 20, liveAfter >> 20, LOOK_SECONDS,
                        used.isEmpty() ? "this collector does not tell" : used.stream().map(bytes -> (bytes >> 20) + " MiB").toList())));
    }

    private Figure figure(String of, String title, double value, String unit) {
        return Figure.of(name + "-" + of, title + where, value, unit);
    }

    private static void look(ServerHeap heap, List<Long> used, Metrics metrics, List<Double> waiting) {
        boolean told = true;
        try {
            while (true) {
                TimeUnit.SECONDS.sleep(LOOK_SECONDS);
                metrics.read().ifPresent(reading -> waiting.add(reading.values().getOrDefault(WAITING, 0.0)));
                try {
                    if (told) {
                        used.add(heap.usedBytes());
                    }
                } catch (LeftOut anotherCollector) {
                    // What is in use is a note only; what waits is still looked at.
                    told = false;
                }
            }
        } catch (InterruptedException | IllegalStateException over) {
            // The overload is over.
        }
    }

    /** Calls at a rate that asks nobody whether the last were answered, as a crowd does. */
    private static final class Offer {
        private final List<LedgerServiceGrpc.LedgerServiceStub> stubs;
        private final Sales sales;
        private final String sku;
        private final double perSecond;
        private final AtomicInteger underWay = new AtomicInteger();
        private final LongAdder sent = new LongAdder();
        private final LongAdder applied = new LongAdder();
        private final ConcurrentHistogram accepted = new ConcurrentHistogram(LATENCY_MAX_NANOS, 3);
        private final ConcurrentHistogram refused = new ConcurrentHistogram(LATENCY_MAX_NANOS, 3);
        private final AtomicReference<Throwable> other = new AtomicReference<>();
        private final Map<String, Long> reasons = new ConcurrentHashMap<>();
        private final Histogram notSent = new Histogram(LATENCY_MAX_NANOS, 3);
        private long appliedInTime;
        private int unanswered;

        private Offer(List<LedgerServiceGrpc.LedgerServiceStub> stubs, Sales sales, String sku, double perSecond) {
            this.stubs = stubs;
            this.sales = sales;
            this.sku = sku;
            this.perSecond = perSecond;
        }

        private void run(int seconds) throws InterruptedException {
            long begun = System.nanoTime();
            long end = begun + TimeUnit.SECONDS.toNanos(seconds);
            long number = 0;
            for (long now = begun; now < end && other.get() == null; now = System.nanoTime()) {
                long due = (long) ((now - begun) * perSecond / 1e9);
                while (number < due) {
                    if (underWay.get() >= UNDER_WAY_MAX) {
                        // Each as the newest of them.
                        notSent.recordValueWithCount(Math.max(0, end - dueNanos(begun, due - 1)), due - number);
                        number = due;
                    } else {
                        call(number, dueNanos(begun, number));
                        number++;
                    }
                }
                LockSupport.parkNanos(200_000);
            }
            appliedInTime = applied.sum();
            long last = System.nanoTime() + TimeUnit.SECONDS.toNanos(ANSWERS_WAIT_SECONDS);
            while (underWay.get() > 0 && System.nanoTime() < last) {
                TimeUnit.MILLISECONDS.sleep(10);
            }
            unanswered = underWay.get();
        }

        private long dueNanos(long begun, long number) {
            return begun + (long) (number * 1e9 / perSecond);
        }

        /** From when each was due to its answer, or the least that it can have been. */
        private Histogram all() {
            Histogram all = notSent.copy();
            all.add(accepted.copy());
            all.add(refused.copy());
            if (unanswered > 0) {
                all.recordValueWithCount(TimeUnit.SECONDS.toNanos(ANSWERS_WAIT_SECONDS), unanswered);
            }
            return all;
        }

        private void call(long number, long dueNanos) {
            underWay.incrementAndGet();
            sent.increment();
            stubs.get((int) (number % stubs.size())).applyMutation(sales.request(sku), new StreamObserver<>() {
                @Override
                public void onNext(ApplyMutationResponse answer) {
                    if (answer.getResult().hasApplied()) {
                        applied.increment();
                        accepted.recordValue(System.nanoTime() - dueNanos);
                    } else {
                        other.compareAndSet(null, new IllegalStateException("not applied: " + answer));
                    }
                }

                @Override
                public void onError(Throwable e) {
                    if (Status.fromThrowable(e).getCode() == Status.Code.RESOURCE_EXHAUSTED) {
                        refused.recordValue(System.nanoTime() - dueNanos);
                        // What it says is about the ledger, not about the call: few different ones.
                        reasons.merge(String.valueOf(Status.fromThrowable(e).getDescription()), 1L, Long::sum);
                    } else {
                        other.compareAndSet(null, e);
                    }
                    underWay.decrementAndGet();
                }

                @Override
                public void onCompleted() {
                    underWay.decrementAndGet();
                }
            });
        }
    }

    private static int overloadSeconds(Settings settings) {
        return settings.quick() ? 10 : 60;
    }
}
