package io.stockledger.loadtest.drill;

import io.stockledger.client.EntryListener;
import io.stockledger.client.FeedProgress;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.Entry;
import io.stockledger.v1.EntryKind;
import io.stockledger.v1.Reservation;
import io.stockledger.v1.SubscribeRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Holds whose time passes: while the SKU is in memory, after it left it, and while the server is down. Where nobody
 * looks, the feed tells when the ledger expired them; where somebody looks first, the look shows it.
 */
final class Expiry {
    private static final long LATE_MS_MAX = 2_000;
    private static final int SKUS = 50;

    private final Ground ground;
    private final Map<String, Instant> expiredAt = new ConcurrentHashMap<>();

    Expiry(Ground ground) {
        this.ground = ground;
    }

    void run() {
        ServerProcess server = ground.server("stockledger.entity.idle-after = 1 s\n");
        LedgerClient client = ground.client(server.target());
        client.subscribe(SubscribeRequest.newBuilder().setFromBeginning(true).build(), new EntryListener() {
            @Override
            public void onEntries(List<Entry> entries, FeedProgress progress) {
                for (Entry entry : entries) {
                    if (entry.getKind() == EntryKind.ENTRY_KIND_EXPIRE) {
                        expiredAt.putIfAbsent(entry.getSku(), Instant.now());
                    }
                }
            }
        });

        unseen("in memory, nobody looks", hold(client, "AWAKE", Duration.ofMillis(1_000)));
        unseen("passivated, nobody looks", hold(client, "ASLEEP", Duration.ofMillis(6_000)));

        // What expires while the server is down.
        Map<String, Instant> looked = hold(client, "LOOKED", Duration.ofSeconds(3));
        Map<String, Instant> down = hold(client, "DOWN", Duration.ofSeconds(3));
        server.kill();
        Ground.await(Duration.ofSeconds(10), () -> Instant.now().isAfter(latest(down)) && Instant.now().isAfter(latest(looked)));
        server.start();
        Instant started = Instant.now();
        long right = looked.keySet().stream().filter(sku -> client.stock(sku).getAvailableToSell() == 6).count();
        ground.check(right == SKUS, "expired while the server was down: the first look shows %d of %d SKUs free again, %d ms after the port answered",
                right, SKUS, Duration.between(started, Instant.now()).toMillis());
        long told = looked.keySet().stream().map(sku -> client.reservation(sku, "hold-" + sku)).flatMap(java.util.Optional::stream)
                .filter(reservation -> reservation.getExpired() == 4 && reservation.getHeld() == 0).map(Reservation::getSku).count();
        ground.check(told == SKUS, "and %d reservations say that they expired", told);
        boolean all = Ground.await(Duration.ofSeconds(20), () -> expiredAt.keySet().containsAll(down.keySet()));
        long worst = down.keySet().stream().filter(expiredAt::containsKey)
                .mapToLong(sku -> Duration.between(started, expiredAt.get(sku)).toMillis()).max().orElse(-1);
        ground.check(all && worst <= LATE_MS_MAX, "where nobody looks they expire by themselves: the last of %d is in the feed %d ms after the start",
                down.size(), worst);
        long onceOnly = java.util.stream.Stream.concat(looked.keySet().stream(), down.keySet().stream())
                .filter(sku -> client.stock(sku).getSequence() == 3).count();
        ground.check(onceOnly == 2 * SKUS, "each has one entry for it");
    }

    /** Six units received, four held; SKU to when the hold is due. */
    private Map<String, Instant> hold(LedgerClient client, String prefix, Duration timeToLive) {
        Map<String, Instant> due = new ConcurrentHashMap<>();
        List<String> skus = java.util.stream.IntStream.range(0, SKUS).mapToObj(i -> prefix + "-" + i).toList();
        skus.stream().map(sku -> client.submit(Mutations.receive(sku, 6).build())).toList().forEach(java.util.concurrent.CompletableFuture::join);
        skus.stream().map(sku -> client.submit(Mutations.reserve(sku, 4, timeToLive).setMutationId("hold-" + sku).build())
                .thenAccept(outcome -> due.put(sku, ((Outcome.Applied) outcome).expiresAt().orElseThrow()))).toList()
                .forEach(java.util.concurrent.CompletableFuture::join);
        return due;
    }

    private void unseen(String how, Map<String, Instant> due) {
        boolean all = Ground.await(Duration.ofSeconds(20), () -> expiredAt.keySet().containsAll(due.keySet()));
        long worst = due.keySet().stream().filter(expiredAt::containsKey)
                .mapToLong(sku -> Duration.between(due.get(sku), expiredAt.get(sku)).toMillis()).max().orElse(-1);
        long early = due.keySet().stream().filter(expiredAt::containsKey).filter(sku -> expiredAt.get(sku).isBefore(due.get(sku))).count();
        ground.check(all && worst <= LATE_MS_MAX && early == 0, "%s: %d holds expire by themselves, in the feed at most %d ms after they were due, %d too early",
                how, due.size(), worst, early);
    }

    private static Instant latest(Map<String, Instant> due) {
        return due.values().stream().max(Instant::compareTo).orElseThrow();
    }
}
