package io.stockledger.server.entity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.cluster.sharding.typed.ShardingEnvelope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HousekeepingTest {
    private static final int SKUS = 3_000;
    private static final Duration NEVER = Duration.ofHours(1);
    /** Of three walks and more. */
    private static final int STEPS = 200;

    private final QueueOnly<ShardingEnvelope<Gatherer.Message>> sharding = new QueueOnly<>();
    private final Inboxes inboxes = new Inboxes(sharding);

    private record Sku(String name, QueueOnly<Gatherer.Message> gatherer, Inbox inbox) {}

    private List<Sku> inMemory(int skus) {
        return inMemory("S", skus);
    }

    private List<Sku> inMemory(String name, int skus) {
        return IntStream.range(0, skus).mapToObj(number -> {
            QueueOnly<Gatherer.Message> gatherer = new QueueOnly<>();
            long before = System.nanoTime();
            while (System.nanoTime() == before) {
                // So that each is used later than the one before.
                Thread.onSpinWait();
            }
            return new Sku(name + number, gatherer, inboxes.join(name + number, gatherer));
        }).toList();
    }

    private static List<Sku> told(List<Sku> skus, Gatherer.Message what) {
        return skus.stream().filter(sku -> sku.gatherer().told.contains(what)).toList();
    }

    @Test
    void thousandsThatNobodyCallsAnyMoreLeaveAFewAtAStep() {
        List<Sku> skus = new ArrayList<>(inMemory(SKUS));
        Housekeeping housekeeping = new Housekeeping(inboxes, Duration.ZERO, NEVER, SKUS);
        for (int step = 0; !skus.isEmpty(); step++) {
            List<Sku> leaving = leavingAtAStep(housekeeping, skus);
            assertTrue(leaving.size() <= 4, () -> leaving.size() + " at once");
            assertTrue(step < SKUS, "some never leave");
        }
    }

    @Test
    void ofTooManyTheLongestUnusedLeaveHoweverMany() {
        List<Sku> skus = new ArrayList<>(inMemory(SKUS));
        int stay = 100;
        Set<Sku> newest = new HashSet<>(skus.subList(SKUS - stay, SKUS));
        Housekeeping housekeeping = new Housekeeping(inboxes, NEVER, NEVER, stay);
        for (int step = 0; step < STEPS; step++) {
            leavingAtAStep(housekeeping, skus);
        }
        assertEquals(newest, new HashSet<>(skus));
    }

    @Test
    void ofTooManyThatCameDuringAWalkTheLongestUnusedLeaveSoonTooHoweverManyLeaveAnyway() {
        int idle = SKUS;
        List<Sku> skus = new ArrayList<>(inMemory(idle));
        Housekeeping housekeeping = new Housekeeping(inboxes, Duration.ZERO, NEVER, idle);
        housekeeping.step();
        skus.addAll(inMemory("late", 2 * idle));
        for (int step = 0; step < STEPS; step++) {
            leavingAtAStep(housekeeping, skus);
        }
        assertTrue(skus.size() <= idle, () -> skus.size() + " stay");
    }

    private List<Sku> leavingAtAStep(Housekeeping housekeeping, List<Sku> skus) {
        housekeeping.step();
        List<Sku> leaving = told(skus, Gatherer.Unused.INSTANCE);
        leaving.forEach(sku -> inboxes.leave(sku.name(), sku.inbox()));
        skus.removeAll(leaving);
        return leaving;
    }

    @Test
    void whoIsQuietAndWorthItMakesASnapshot() {
        List<Sku> skus = inMemory(SKUS);
        skus.get(7).inbox().worthSaving(true);
        Housekeeping housekeeping = new Housekeeping(inboxes, NEVER, Duration.ZERO, SKUS);
        for (int step = 0; step < STEPS; step++) {
            housekeeping.step();
        }
        assertEquals(List.of(skus.get(7)), told(skus, Gatherer.Quiet.INSTANCE));
        assertEquals(List.of(), told(skus, Gatherer.Unused.INSTANCE));
    }
}
