package io.stockledger.loadtest.drill;

import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerClient;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Entry;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * Replays a file while the ledger is killed at random places in it, and its PostgreSQL once; ends as a count that
 * never saw a ledger does, SKU by SKU.
 */
final class ReplayCrash {
    private static final long OPENING = 100;
    private static final Duration STUCK_AFTER = Duration.ofSeconds(180);

    private enum Kill { SERVER, POSTGRESQL, REPLAY }

    /** Kill what, once the feed has told so many entries. */
    private record Blow(long atEntries, Kill kill) {}

    private final Ground ground;
    private final Path file;
    private final int kills;
    private final boolean killReplay;
    private final Path stockOut;
    private final Path replayLog;
    private int runs;

    ReplayCrash(Ground ground, Path file, int kills, boolean killReplay) {
        this.ground = ground;
        this.file = file;
        this.kills = kills;
        this.killReplay = killReplay;
        this.stockOut = ground.folder().resolve("stock.tsv");
        this.replayLog = ground.folder().resolve("replay.log");
    }

    void run() throws Exception {
        PlainCount count = PlainCount.of(file, OPENING);
        ServerProcess server = ground.server();
        LedgerClient client = ground.client(server.target());
        AtomicLong told = new AtomicLong();
        client.subscribe(SubscribeRequest.newBuilder().setFromBeginning(true).build(), new EntryListener() {
            @Override
            public void onEntries(List<Entry> entries, FeedProgress progress) {
                told.addAndGet(entries.size());
            }
        });

        int struck = 0;
        List<Blow> blows = blows(count.entries());
        Process replay = replay(server);
        for (Blow blow : blows) {
            replay = awaitEntries(server, replay, told, blow.atEntries());
            if (told.get() >= count.entries()) {
                break;
            }
            struck++;
            strike(blow, server, replay, told.get());
        }
        ground.check(struck == blows.size(), "%d of %d kills met the replay in its middle", struck, blows.size());

        boolean done = end(replay) == 0;
        for (int again = 0; !done && again < 5; again++) {
            done = end(replay(server)) == 0;
        }
        ground.check(done, "the replay came to its end, in %d runs", runs);
        compare(count);
        byte[] first = Files.readAllBytes(stockOut);
        long entries = entries(client, count);
        ground.check(entries == count.entries(), "%,d entries in the ledger; %,d expected", entries, count.entries());
        ground.check(Ground.await(Duration.ofSeconds(30), () -> told.get() >= count.entries()) && told.get() == count.entries(),
                "a subscription over all of it was told %,d entries", told.get());

        ground.check(end(replay(server)) == 0 && java.util.Arrays.equals(first, Files.readAllBytes(stockOut))
                && entries(client, count) == entries, "one more replay changed nothing");
        audit(server);
    }

    private List<Blow> blows(long entries) {
        List<Kill> kinds = new ArrayList<>(Collections.nCopies(kills, Kill.SERVER));
        kinds.add(Kill.POSTGRESQL);
        if (killReplay) {
            kinds.addAll(Collections.nCopies(kills, Kill.REPLAY));
        }
        Collections.shuffle(kinds, ground.random());
        List<Long> places = kinds.stream().map(kind -> ground.chance(entries / 100, entries * 9 / 10)).sorted().toList();
        List<Blow> blows = new ArrayList<>();
        for (int i = 0; i < kinds.size(); i++) {
            blows.add(new Blow(places.get(i), kinds.get(i)));
        }
        return blows;
    }

    /** Waits for the place; where the replay gave up before it, runs it again. */
    private Process awaitEntries(ServerProcess server, Process running, AtomicLong told, long entries) throws IOException {
        Process replay = running;
        long last = told.get();
        long movedAt = System.nanoTime();
        while (told.get() < entries) {
            if (!replay.isAlive()) {
                if (replay.exitValue() == 0) {
                    return replay;
                }
                replay = replay(server);
            }
            if (told.get() != last) {
                last = told.get();
                movedAt = System.nanoTime();
            }
            if (System.nanoTime() - movedAt > STUCK_AFTER.toNanos()) {
                throw new IOException("nothing has moved for " + STUCK_AFTER.toSeconds() + " s, at " + last + " entries");
            }
            Ground.pause(1);
        }
        return replay;
    }

    private void strike(Blow blow, ServerProcess server, Process replay, long told) {
        switch (blow.kill()) {
            case SERVER -> {
                server.kill();
                long away = ground.chance(0, 3_000);
                Ground.pause(away);
                Duration start = server.start();
                ground.say("killed the server at %,d entries, away for %d ms, started again in %d ms", told, away, start.toMillis());
            }
            case POSTGRESQL -> ground.say("killed PostgreSQL (pid %d) at %,d entries", server.killPostgresql(), told);
            case REPLAY -> {
                replay.destroyForcibly();
                ground.say("killed the replay at %,d entries", told);
            }
        }
    }

    private Process replay(ServerProcess server) {
        runs++;
        return ground.keep(new Killed(server.verb(replayLog, List.of("replay", file.toString(), "--opening", Long.toString(OPENING),
                "--stock-out", stockOut.toString(), "--json")))).process();
    }

    private int end(Process replay) throws InterruptedException {
        if (!replay.waitFor(10, TimeUnit.MINUTES)) {
            replay.destroyForcibly();
            ground.check(false, "the replay ended within ten minutes");
        }
        return replay.waitFor();
    }

    private void compare(PlainCount count) throws IOException {
        Map<String, String> ledger = new TreeMap<>();
        for (String line : Files.readAllLines(stockOut)) {
            int tab = line.indexOf('\t');
            ledger.put(line.substring(0, tab), line.substring(tab + 1));
        }
        Map<String, String> plain = count.skus().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, sku -> sku.getValue().toString(), (a, b) -> a, TreeMap::new));
        long differing = plain.entrySet().stream().filter(sku -> !sku.getValue().equals(ledger.get(sku.getKey()))).count();
        plain.entrySet().stream().filter(sku -> !sku.getValue().equals(ledger.get(sku.getKey()))).limit(5)
                .forEach(sku -> ground.say("differs: %s is %s, must be %s", sku.getKey(), ledger.get(sku.getKey()), sku.getValue()));
        ground.check(differing == 0 && ledger.equals(plain), "accepted, refused and on hand are as counted without the ledger, for each of %,d SKUs (%d differ)",
                plain.size(), differing);
        ground.say("totals: %,d lines, %,d accepted, %,d refused, %,d SKUs, %,d on hand",
                count.lines(), count.accepted(), count.refused(), count.skus().size(), count.onHand());
    }

    private static long entries(LedgerClient client, PlainCount count) {
        return client.stocks(count.skus().keySet(), "").stream().mapToLong(Stock::getSequence).sum();
    }

    private void audit(ServerProcess server) throws InterruptedException {
        ground.check(end(ground.keep(new Killed(server.verb(ground.folder().resolve("audit.log"), List.of("audit")))).process()) == 0,
                "an audit of everything finds nothing");
    }
}
