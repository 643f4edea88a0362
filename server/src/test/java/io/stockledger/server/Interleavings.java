package io.stockledger.server;

import org.jetbrains.lincheck.Lincheck;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/**
 * How the tests of what threads share look for an order of steps that breaks it. Lincheck runs the threads one at a
 * time and switches between them where they read and write what is shared, so no clock and no luck is in it, and a
 * failure is shown step by step. {@code -Dinterleavings=N} looks at N times as many orders as an everyday test does.
 */
public final class Interleavings {
    private static final int TIMES = Integer.getInteger("interleavings", 1);
    private static final boolean ASKED_FOR = System.getProperty("interleavings") != null;
    private static final int SCENARIOS = 10;
    private static final int ROUNDS = 5_000;

    private Interleavings() {}

    /** Holds a scenario in so many orders; it starts and joins its threads, and asserts. */
    public static void of(int count, Runnable scenario) {
        // Once outside, so that what classes do when they are first used is no part of it.
        scenario.run();
        Lincheck.runConcurrentTest(count * TIMES, scenario);
    }

    /**
     * As {@link #of}, for scenarios in which much library code runs along (protobuf, gRPC, Akka): Lincheck takes
     * minutes for those, so it looks only where it is asked to. Everyday, real threads run them {@value #ROUNDS} times.
     */
    public static void ofLarge(Runnable scenario) {
        if (ASKED_FOR) {
            of(100, scenario);
            return;
        }
        for (int i = 0; i < ROUNDS; i++) {
            scenario.run();
        }
    }

    /** Holds a structure against itself in one thread's hands: random scenarios, each in so many orders. */
    public static void check(int count, Class<?> operations) {
        new ModelCheckingOptions().iterations(SCENARIOS).invocationsPerIteration(count * TIMES)
                .threads(2).actorsPerThread(3).actorsBefore(2).actorsAfter(2)
                .check(operations);
    }

    /** Runs these at the same time and waits for them; what one of them throws is thrown. */
    public static void together(Runnable... parts) {
        Thread[] threads = new Thread[parts.length];
        Throwable[] thrown = new Throwable[parts.length];
        for (int i = 0; i < parts.length; i++) {
            int place = i;
            threads[i] = new Thread(() -> {
                try {
                    parts[place].run();
                } catch (Throwable e) {
                    thrown[place] = e;
                }
            });
        }
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        for (Throwable one : thrown) {
            if (one != null) {
                throw new AssertionError(one);
            }
        }
    }
}
