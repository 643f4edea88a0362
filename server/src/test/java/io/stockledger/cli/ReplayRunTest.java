package io.stockledger.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.client.Outcome;
import io.stockledger.v1.Bucket;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.Movement;
import io.stockledger.v1.Mutation;
import io.stockledger.v1.RefusalReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplayRunTest {
    private static final String HEADER = "order_id,sku,quantity,occurred_at,channel\n";
    private static final long OPENING = 10;

    @TempDir
    private Path folder;

    /** What must come out, by a few lines that know nothing of a ledger. */
    private record Expected(long accepted, long refused, long onHand) {
        static Map<String, Expected> of(Path csv, long opening) throws IOException {
            Map<String, Expected> skus = new TreeMap<>();
            for (String line : Files.readAllLines(csv).stream().skip(1).toList()) {
                String[] fields = line.split(",");
                long quantity = Long.parseLong(fields[2]);
                Expected was = skus.getOrDefault(fields[1], new Expected(0, 0, opening));
                skus.put(fields[1], quantity <= was.onHand
                        ? new Expected(was.accepted + 1, was.refused, was.onHand - quantity)
                        : new Expected(was.accepted, was.refused + 1, was.onHand));
            }
            return skus;
        }
    }

    /** Receives, sells and takes back in memory; loses answers, and the connection, when told to. */
    private static final class Ledger {
        private final Map<String, Long> onHand = new HashMap<>();
        private final List<Entry> entries = new ArrayList<>();
        private final Map<String, Outcome> applied = new HashMap<>();
        private final Set<String> underWay = new HashSet<>();
        private final List<Runnable> unanswered = new ArrayList<>();
        private final Random random;
        private int breaksAfter = Integer.MAX_VALUE;
        private int mutations;

        Ledger(Random random) {
            this.random = random;
        }

        synchronized CompletableFuture<Outcome> submit(Mutation mutation) {
            assertTrue(underWay.add(mutation.getSku()), "two mutations of one SKU are under way");
            mutations++;
            CompletableFuture<Outcome> answer = new CompletableFuture<>();
            // Decided now or after its connection broke: the caller cannot know.
            boolean broken = mutations > breaksAfter;
            Optional<Outcome> outcome = !broken || random.nextBoolean() ? Optional.of(decide(mutation)) : Optional.empty();
            unanswered.add(() -> {
                underWay.remove(mutation.getSku());
                if (broken) {
                    answer.completeExceptionally(new IllegalStateException("no answer"));
                } else {
                    answer.complete(outcome.orElseThrow());
                }
            });
            // Answers come late and in any order.
            while (unanswered.size() > random.nextInt(20)) {
                unanswered.remove(random.nextInt(unanswered.size())).run();
            }
            return answer;
        }

        private Outcome decide(Mutation mutation) {
            if (applied.containsKey(mutation.getMutationId())) {
                return applied.get(mutation.getMutationId());
            }
            long delta = switch (mutation.getOperationCase()) {
                case RECEIVE -> mutation.getReceive().getQuantity();
                case RETURN -> mutation.getReturn().getQuantity();
                case SELL -> -mutation.getSell().getQuantity();
                default -> throw new IllegalStateException("replay has no business with " + mutation.getOperationCase());
            };
            long after = onHand.getOrDefault(mutation.getSku(), 0L) + delta;
            if (after < 0) {
                return new Outcome.Refused(mutation.getMutationId(), RefusalReason.REFUSAL_REASON_INSUFFICIENT_STOCK, after - delta, entries.size());
            }
            onHand.put(mutation.getSku(), after);
            entries.add(Entry.newBuilder().setSku(mutation.getSku()).setMutationId(mutation.getMutationId()).setReference(mutation.getReference())
                    .setKind(delta < 0 ? EntryKind.ENTRY_KIND_SELL : mutation.hasReturn() ? EntryKind.ENTRY_KIND_RETURN : EntryKind.ENTRY_KIND_RECEIVE)
                    .addMovements(Movement.newBuilder().setQuantity(Math.abs(delta)).setFrom(Bucket.BUCKET_AVAILABLE).setTo(Bucket.BUCKET_CUSTOMER))
                    .build());
            Outcome outcome = new Outcome.Applied(mutation.getMutationId(), entries.size(), Instant.EPOCH, false, List.of(), Optional.empty());
            applied.put(mutation.getMutationId(), outcome);
            return outcome;
        }

        void restart() {
            underWay.clear();
            unanswered.clear();
        }
    }

    private record Run(ReplayPlan plan, ReplayRun run, boolean whole) {
    }

    @RepeatedTest(30)
    void anyNumberOfBrokenRunsEndsAsOneWholeRunDoes(RepetitionInfo repetition) throws Exception {
        Random random = new Random(repetition.getCurrentRepetition());
        Path csv = sales(random, 3_000);
        Ledger ledger = new Ledger(random);
        Run run;
        do {
            ledger.restart();
            ledger.breaksAfter = ledger.mutations + random.nextInt(1_500);
            run = replay(csv, ledger);
        } while (!run.whole());

        Map<String, Expected> expected = Expected.of(csv, OPENING);
        Map<String, Expected> actual = new TreeMap<>();
        run.plan().skus().forEach((sku, of) -> actual.put(sku,
                new Expected(of.accepted(), of.lines() - of.accepted(), ledger.onHand.get(sku))));
        assertEquals(expected, actual);
        assertEquals(3_000, run.plan().linesRead());
        assertEquals(3_000, run.run().settled());
        assertEquals(3_000, run.plan().accepted() + run.plan().refused());
    }

    @Test
    void aSecondRunSendsOnlyTheRefusedLinesAfterTheLastThatIsHeld() throws Exception {
        Path csv = Files.writeString(folder.resolve("a.csv"), HEADER
                + "1,MUG,11,2010-12-01T08:26:00Z,\n"
                + "1,MUG,4,2010-12-01T08:26:00Z,\n"
                + "1,PEN,10,2010-12-01T08:26:00Z,\n"
                + "1,MUG,7,2010-12-01T08:26:00Z,\n"
                + "1,MUG,8,2010-12-01T08:26:00Z,\n");
        Ledger ledger = new Ledger(new Random(1));
        Run first = replay(csv, ledger);
        Run second = replay(csv, ledger);
        assertEquals(5, first.run().linesSent());
        assertEquals(2, first.run().openingsSent());
        assertEquals(2, second.run().linesSent());
        assertEquals(0, second.run().openingsSent());
        assertEquals(first.plan().accepted(), second.plan().accepted());
        assertEquals(first.plan().refused(), second.plan().refused());
        assertEquals(4, ledger.entries.size());
    }

    @Test
    void aFileWithTheNameOfAnotherIsNotTakenForIt() throws Exception {
        Ledger ledger = new Ledger(new Random(1));
        replay(Files.writeString(folder.resolve("a.csv"), HEADER + "1,MUG,1,2010-12-01T08:26:00Z,\n"), ledger);
        Path other = Files.writeString(folder.resolve("a.csv"), HEADER + "1,MUG,2,2010-12-01T08:26:00Z,\n");
        int before = ledger.mutations;
        assertTrue(assertThrows(Failure.class, () -> replay(other, ledger)).getMessage().contains("another name"));
        assertEquals(before, ledger.mutations);
    }

    @Test
    void anotherOpeningStockIsToldNotMixedIn() throws Exception {
        Path csv = Files.writeString(folder.resolve("a.csv"), HEADER + "1,MUG,1,2010-12-01T08:26:00Z,\n");
        Ledger ledger = new Ledger(new Random(1));
        replay(csv, ledger);
        ReplayPlan plan = plan(csv, ledger);
        assertTrue(assertThrows(Failure.class, () -> plan.checkHeld(csv, 99)).getMessage().contains("--opening 10"));
    }

    @Test
    void namesAreTheSameForGzipAndPlainAndFitTheContract() {
        ReplayNames names = ReplayNames.of(Path.of("/some/where/sales.csv.gz"));
        assertEquals(names, ReplayNames.of(Path.of("sales.csv")));
        assertEquals("sales.csv:7", names.reference(7));
        assertEquals(7, names.line(names.id(7)).orElseThrow());
        assertTrue(names.line(names.openingId(7)).isEmpty());
        assertTrue(names.isOpening(names.openingId(7)));
        assertTrue(names.openingId(Long.MAX_VALUE).length() <= 64);
        ReplayNames long1 = ReplayNames.of(Path.of("x".repeat(200) + "1.csv"));
        assertTrue(long1.reference(Long.MAX_VALUE).length() <= 128);
        assertTrue(!long1.file().equals(ReplayNames.of(Path.of("x".repeat(200) + "2.csv")).file()));
    }

    private Run replay(Path csv, Ledger ledger) throws InterruptedException {
        ReplayPlan plan = plan(csv, ledger);
        plan.checkHeld(csv, OPENING);
        ReplayRun run = new ReplayRun(plan, OPENING, ledger::submit, settled -> { }, malformed -> { });
        Thread answers = new Thread(() -> {
            // What is still unanswered when nothing more is sent.
            while (!Thread.currentThread().isInterrupted()) {
                synchronized (ledger) {
                    if (!ledger.unanswered.isEmpty()) {
                        ledger.unanswered.remove(0).run();
                    }
                }
                Thread.onSpinWait();
            }
        });
        answers.start();
        try (SalesLog log = SalesLog.open(csv)) {
            run.send(log);
            return new Run(plan, run, true);
        } catch (IllegalStateException noAnswer) {
            return new Run(plan, run, false);
        } finally {
            answers.interrupt();
            answers.join();
        }
    }

    private static ReplayPlan plan(Path csv, Ledger ledger) {
        ReplayPlan plan = ReplayPlan.read(csv, ReplayNames.of(csv), malformed -> { });
        ledger.entries.forEach(plan::holds);
        return plan;
    }

    private Path sales(Random random, int lines) throws IOException {
        StringBuilder csv = new StringBuilder(HEADER);
        for (int i = 0; i < lines; i++) {
            int quantity = random.nextInt(8) == 0 ? -1 - random.nextInt(6) : 1 + random.nextInt(6);
            csv.append(i).append(",SKU-").append((int) Math.sqrt(random.nextInt(10_000))).append(',').append(quantity)
                    .append(",2010-12-01T08:26:00Z,web\n");
        }
        return Files.writeString(folder.resolve("sales.csv"), csv);
    }
}
