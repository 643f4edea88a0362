package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.stockledger.server.Interleavings;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.domain.Operation;
import io.stockledger.server.journal.History;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The turns that SKUs take at look-ups. These need no journal: each id can stand nowhere. */
class LookUpsThreadsTest {
    private static final int THREADS = 3;
    private static final int WAITING_MAX = 16;
    private static final int CALLERS = 4;
    private static final int LOOK_UPS = 5_000;

    private final LookUps lookUps = new LookUps(new History(null), Duration.ofDays(7), InstantSource.system(), THREADS,
            WAITING_MAX, new EntityMeasurements(new CompositeMeterRegistry()));

    @AfterEach
    void close() {
        lookUps.close();
    }

    @Test
    void whatIsTakenIsDoneOnceAndNoSkuEverHasAllThreads() throws Exception {
        AtomicIntegerArray done = new AtomicIntegerArray(CALLERS * LOOK_UPS);
        AtomicIntegerArray taken = new AtomicIntegerArray(CALLERS * LOOK_UPS);
        Semaphore told = new Semaphore(0);
        Map<String, AtomicInteger> underWay = new ConcurrentHashMap<>();
        Queue<String> faults = new ConcurrentLinkedQueue<>();
        Runnable[] callers = new Runnable[CALLERS];
        for (int i = 0; i < CALLERS; i++) {
            int first = i * LOOK_UPS;
            callers[i] = () -> {
                for (int number = first; number < first + LOOK_UPS; number++) {
                    int mine = number;
                    String sku = number % 4 == 0 ? "cold-" + number % 3 : "hot";
                    boolean began = begin(sku, "m" + number, finding -> {
                        int now = underWay.computeIfAbsent(sku, name -> new AtomicInteger()).incrementAndGet();
                        if (now > THREADS - 1) {
                            faults.add(sku + " has " + now + " threads");
                        }
                        if (!(finding instanceof LookUps.Cleared cleared && cleared.mutation().mutationId().equals("m" + mine))) {
                            faults.add("m" + mine + " was told " + finding);
                        }
                        done.incrementAndGet(mine);
                        Thread.yield();
                        underWay.get(sku).decrementAndGet();
                        told.release();
                    });
                    if (began) {
                        taken.incrementAndGet(mine);
                    } else {
                        Thread.yield();
                    }
                    if (lookUps.waiting() > WAITING_MAX) {
                        faults.add(lookUps.waiting() + " wait");
                    }
                }
            };
        }
        Interleavings.together(callers);
        int all = 0;
        for (int i = 0; i < taken.length(); i++) {
            all += taken.get(i);
        }
        assertTrue(all > WAITING_MAX, all + " of " + taken.length() + " were taken");
        assertTrue(told.tryAcquire(all, 20, TimeUnit.SECONDS), () -> "some that were taken are never done: " + told);
        for (int i = 0; i < taken.length(); i++) {
            assertEquals(taken.get(i), done.get(i), "look-up " + i);
        }
        assertEquals(List.of(), List.copyOf(faults));
        assertAllRoomIsFree();
    }

    /** Whatever went before, as many fit in as at first. */
    private void assertAllRoomIsFree() throws InterruptedException {
        CountDownLatch gate = new CountDownLatch(1);
        CountDownLatch atWork = new CountDownLatch(THREADS);
        Consumer<LookUps.Finding> holds = finding -> {
            atWork.countDown();
            try {
                gate.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        assertTrue(begin("hot", "a", holds) && begin("hot", "b", holds) && begin("cold-0", "c", holds));
        assertTrue(atWork.await(20, TimeUnit.SECONDS));
        int fit = 0;
        for (int sku = 0; sku < WAITING_MAX; sku++) {
            for (int i = 0; i < WAITING_MAX; i++) {
                fit += begin(sku == 0 ? "hot" : "new-" + sku, "d", finding -> { }) ? 1 : 0;
            }
            assertEquals(Math.min(WAITING_MAX, (sku + 1) * WAITING_MAX / 4), fit, "wait for " + (sku + 1) + " SKUs");
        }
        assertEquals(WAITING_MAX, lookUps.waiting());
        gate.countDown();
    }

    private boolean begin(String sku, String id, Consumer<LookUps.Finding> whenDone) {
        Mutation mutation = new Mutation(id, sku, "main", "", "", "", 0, 0, 0, Mutation.ANY_SEQUENCE, 0,
                new Operation.Receive(1, false));
        Waiting.ForDecision told = new Waiting.ForDecision(new Submission(sku, List.of(mutation), 0,
                Submission.NO_DEADLINE, (index, outcome) -> { }), 0);
        told.foundAt = new long[0];
        return lookUps.begin(told, whenDone);
    }
}
