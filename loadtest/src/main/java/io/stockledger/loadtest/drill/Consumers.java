package io.stockledger.loadtest.drill;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.drill.ConsumerProcess.Note;
import io.stockledger.v1.NamedSubscription;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Three consumers of one named subscription, each a process, follow a replay. At random moments new ones join, and then
 * those before them are killed, or told to stop; a fourth comes, freezes, and thaws when others have its SKUs; the server is
 * killed once; their acknowledgements may be thrown away too. In the end every entry has been applied, each SKU's in
 * order, and none too late.
 */
final class Consumers {
    private static final String NAME = "drill";
    private static final int CONSUMERS = 3;
    /** The ledger asks after 5 s of silence, and waits 10 s for the answer. */
    private static final long FROZEN_MS = 17_000;

    private final Ground ground;
    private final Path file;
    private final double lost;
    private final Duration behindMax;
    private final List<Path> notes = new CopyOnWriteArrayList<>();
    private final AtomicInteger kills = new AtomicInteger();
    private final AtomicInteger stops = new AtomicInteger();
    private final AtomicInteger freezes = new AtomicInteger();
    private final AtomicInteger joins = new AtomicInteger();
    private volatile boolean over;

    /**
     * @param lost the share of acknowledgements that is thrown away
     * @param behindMax how old an entry may be when it is first applied
     */
    Consumers(Ground ground, Path file, double lost, Duration behindMax) {
        this.ground = ground;
        this.file = file;
        this.lost = lost;
        this.behindMax = behindMax;
    }

    void run() throws Exception {
        PlainCount count = PlainCount.of(file, 100);
        ServerProcess server = ground.server();
        LedgerClient client = ground.client(server.target());
        client.awaitReachable(Duration.ofSeconds(10));
        List<Thread> lives = new ArrayList<>();
        for (int i = 0; i < CONSUMERS; i++) {
            lives.add(background(() -> consumer(server, client)));
        }
        lives.add(background(() -> frozen(server, client)));
        Ground.await(Duration.ofSeconds(90), () -> named(client).getConsumersCount() >= CONSUMERS);

        Process replay = replay(server);
        Ground.pause(ground.chance(4_000, 8_000));
        boolean wasUnderWay = replay.isAlive();
        long killed = System.nanoTime();
        server.kill();
        Ground.pause(ground.chance(0, 2_000));
        Duration start = server.start();
        long back = System.nanoTime();
        boolean replayed = replay.waitFor() == 0 || replay(server).waitFor() == 0;
        ground.check(replayed && wasUnderWay, "the replay came to its end, the server killed once in its middle (back after %d ms)", start.toMillis());
        over = true;
        for (Thread life : lives) {
            life.join(60_000);
        }
        boolean acknowledged = Ground.await(Duration.ofSeconds(60), () -> lag(client) == 0);
        ground.say("%d consumers joined, %d were killed, %d stopped, %d frozen; %.0f %% of the acknowledgements thrown away",
                joins.get(), kills.get(), stops.get(), freezes.get(), 100 * lost);
        ground.check(acknowledged, "all is acknowledged");
        judge(count, killed, back);
    }

    private void judge(PlainCount count, long killed, long back) {
        List<Note> all = told();
        all.sort(Comparator.comparingLong(Note::nanos));
        Map<String, Long> last = new HashMap<>();
        List<Long> ages = new ArrayList<>();
        long repeats = 0;
        long gaps = 0;
        for (Note note : all) {
            long before = last.getOrDefault(note.sku(), 0L);
            if (note.sequence() <= before) {
                repeats++;
                continue;
            }
            gaps += note.sequence() == before + 1 ? 0 : 1;
            last.put(note.sku(), note.sequence());
            // Nobody can be told anything by a ledger that is down.
            long recorded = note.nanos() - TimeUnit.MILLISECONDS.toNanos(note.ageMs());
            long down = Math.max(0, Math.min(note.nanos(), back) - Math.max(recorded, killed));
            ages.add(note.ageMs() - TimeUnit.NANOSECONDS.toMillis(down));
        }
        ages.sort(Comparator.naturalOrder());
        long distinct = ages.size();
        ground.check(distinct == count.entries() && last.size() == count.skus().size(),
                "together they were told %,d entries of %,d SKUs: all of them", distinct, last.size());
        ground.check(gaps == 0, "each SKU's in order over all consumers, repeats left out (%,d repeats, %.2f %%)", repeats, 100.0 * repeats / distinct);
        ground.check(ages.get(ages.size() - 1) <= behindMax.toMillis(), "no entry was older than %d s when it was first applied, the time that the ledger was down left out: p50 %,d ms, p99 %,d ms, most %,d ms",
                behindMax.toSeconds(), ages.get(ages.size() / 2), ages.get((int) (ages.size() * 0.99)), ages.get(ages.size() - 1));
    }

    private List<Note> told() {
        List<Note> all = new ArrayList<>();
        for (Path path : notes) {
            try {
                all.addAll(ConsumerProcess.read(path));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return all;
    }

    /** One after the other, each a process that is ended at a random moment after the next has joined; the last stay. */
    private void consumer(ServerProcess server, LedgerClient client) {
        Random random = new Random(ground.random().nextLong());
        Process process = join(server, client);
        while (true) {
            Process next = join(server, client);
            rest(1_000 + random.nextInt(5_000));
            if (over) {
                return;
            }
            if (random.nextInt(3) > 0) {
                process.destroyForcibly();
                kills.incrementAndGet();
            } else {
                process.destroy();
                stops.incrementAndGet();
            }
            process = next;
        }
    }

    /** One that freezes for longer than the ledger waits for a sign of life, goes on as if nothing had been, and is killed. */
    private void frozen(ServerProcess server, LedgerClient client) {
        while (!over) {
            Process process = join(server, client);
            rest(2_000);
            ServerProcess.signal(process, "-STOP");
            freezes.incrementAndGet();
            rest(FROZEN_MS);
            ServerProcess.signal(process, "-CONT");
            rest(2_000);
            process.destroyForcibly();
        }
    }

    private void rest(long millis) {
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (!over && System.nanoTime() < end) {
            Ground.pause(20);
        }
    }

    /** A process, once the ledger has it among the name's consumers, or the drill is over. */
    private Process join(ServerProcess server, LedgerClient client) {
        int number = joins.incrementAndGet();
        Process process = launch(server, number);
        Ground.await(Duration.ofSeconds(90), () -> over || named(client).getConsumersList().stream()
                .anyMatch(consumer -> consumer.getConsumer().equals(consumerName(number)) && consumer.getSlots() > 0));
        return process;
    }

    private static String consumerName(int number) {
        return "consumer-" + number;
    }

    private Process launch(ServerProcess server, int number) {
        Path path = ground.folder().resolve(consumerName(number) + ".notes");
        notes.add(path);
        try {
            Process process = new ProcessBuilder(System.getProperty("stockledger.java"), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                    "-cp", System.getProperty("java.class.path"), Drill.class.getName(), "consumer", "--target", server.target(), "--name", NAME,
                    "--consumer", consumerName(number), "--notes", path.toString(), "--lost", Double.toString(lost))
                    .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.appendTo(ground.folder().resolve("consumers.log").toFile())).start();
            ground.keep(new Killed(process));
            return process;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Process replay(ServerProcess server) {
        return ground.keep(new Killed(server.verb(ground.folder().resolve("replay.log"), List.of("replay", file.toString())))).process();
    }

    private static long lag(LedgerClient client) {
        return named(client).getLagEntries();
    }

    private static NamedSubscription named(LedgerClient client) {
        try {
            return client.subscriptions().get(NAME);
        } catch (LedgerException notYet) {
            return NamedSubscription.newBuilder().setLagEntries(1).build();
        }
    }

    private static Thread background(Runnable work) {
        Thread thread = new Thread(work, "drill");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
