package io.stockledger.client;

import java.util.ArrayList;
import java.util.List;
import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/**
 * How the tests of what threads share look for an order of steps that breaks it. Everyday, real threads run each
 * scenario thousands of times. With {@code -Dinterleavings=N} Lincheck runs the threads one at a time in 100 times N
 * orders, switching where they read and write what is shared, and shows a failure step by step; that takes minutes.
 */
final class Interleavings {

    private static final int TIMES = Integer.getInteger("interleavings", 1);
    private static final boolean ASKED_FOR = System.getProperty("interleavings") != null;
    private static final int SCENARIOS = 10;
    private static final int ORDERS = 100;

    private Interleavings() {}

    /** A scenario starts and joins its threads, and asserts; much library code may run along. */
    static void ofLarge(int rounds, Runnable scenario) {
        if (!ASKED_FOR) {
            ofThreads(rounds, scenario);
            return;
        }
        // Once outside, so that what classes do when they are first used is no part of it.
        scenario.run();
        Lincheck.runConcurrentTest(ORDERS * TIMES, scenario);
    }

    /** As {@link #ofLarge}, where threads wait for each other or are not the scenario's own: Lincheck can't lead those. */
    static void ofThreads(int rounds, Runnable scenario) {
        for (int i = 0; i < rounds * TIMES; i++) {
            scenario.run();
        }
    }

    /** Holds a structure against itself in one thread's hands: random scenarios, each in many orders. */
    static void check(Class<?> operations) {
        new ModelCheckingOptions().iterations(SCENARIOS).invocationsPerIteration(ORDERS * TIMES)
                .threads(2).actorsPerThread(3).actorsBefore(2).actorsAfter(2)
                .check(operations);
    }

    /** Runs these at the same time and waits for them; what one of them throws is thrown. */
    static void together(Runnable... parts) {
        List<Throwable> thrown = new ArrayList<>();
        List<Thread> threads = new ArrayList<>();
        for (Runnable part : parts) {
            Thread thread = new Thread(() -> {
                try {
                    part.run();
                } catch (Throwable e) {
                    synchronized (thrown) {
                        thrown.add(e);
                    }
                }
            });
            threads.add(thread);
        }
        threads.forEach(Thread::start);
        threads.forEach(thread -> {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        for (Throwable one : thrown) {
            throw new AssertionError(one);
        }
    }
}
