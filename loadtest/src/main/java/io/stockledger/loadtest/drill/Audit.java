package io.stockledger.loadtest.drill;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import io.stockledger.v1.Bucket;
import io.stockledger.v1.ChainHead;
import io.stockledger.v1.Entry;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Mutation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Fills a ledger, a hot SKU and thousands of others, and audits all of it: nothing is found. Then somebody changes what
 * lies in the database, one way after the other, and the audit names each at its first bad entry. With kills: the
 * ledger is killed over and over under load, and the audit finds nothing.
 */
final class Audit {
    private static final int SKUS = 5_000;
    private static final int IN_FLIGHT = 30_000;
    /** While it is killed. */
    private static final int UNDER_WAY = 2_000;
    /** A SKU gets these in turn; {@link #mutation} knows them. */
    private static final int VERBS = 5;
    private static final String HOT = "HOT";

    private final Ground ground;
    private final ServerProcess server;
    private final LedgerClient client;
    private final Map<String, Planted> planted = new TreeMap<>();

    private record Planted(String what, AuditFindingKind kind, long sequence) {}

    private record Audited(List<AuditFinding> findings, List<ChainHead> heads, AuditTotal total, double seconds) {}

    Audit(Ground ground) {
        this.ground = ground;
        // By itself it would audit beside, and disturb the figures.
        this.server = ground.server("stockledger.audit.background = false");
        this.client = ground.client(server.target());
    }

    // ---- A million entries, and what was planted among them ----

    void faults(long entries) throws Exception {
        client.awaitReachable(Duration.ofSeconds(10));
        fill(entries);
        prepareVictims();
        long before = residentKiB();
        AtomicBoolean auditing = new AtomicBoolean(true);
        AtomicLong highest = new AtomicLong(before);
        Thread watch = new Thread(() -> {
            while (auditing.get()) {
                highest.accumulateAndGet(residentKiB(), Math::max);
                Ground.pause(50);
            }
        }, "memory");
        watch.start();
        Audited clean = audit(client.auditAll("", true));
        auditing.set(false);
        watch.join();
        ground.check(clean.total().getClean() && clean.total().getEntries() >= entries && clean.total().getSkus() > SKUS,
                "an audit of everything finds nothing in %,d entries of %,d SKUs, %,d rows: %.1f s, %,.0f entries a second",
                clean.total().getEntries(), clean.total().getSkus(), clean.total().getRows(), clean.seconds(), clean.total().getEntries() / clean.seconds());
        ground.say("the server's resident memory: %,d MiB before, %,d MiB at most meanwhile", before >> 10, highest.get() >> 10);
        ground.check(clean.heads().size() == clean.total().getSkus(), "%,d chain heads were exported", clean.heads().size());

        plant();
        Audited broken = audit(client.auditAll("", false));
        ground.say("the audit after that: %.1f s", broken.seconds());
        compare(broken.findings(), AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED);
        Audited held = audit(client.auditHeads(clean.heads().stream().filter(head -> head.getSku().startsWith("V-")).toList()));
        for (String sku : List.of("V-TRUNCATED", "V-REWRITTEN")) {
            first(held.findings(), sku, planted.get(sku));
        }
        int code = ground.keep(new Killed(server.verb(ground.folder().resolve("audit.log"), List.of("audit", "V-BYTE")))).process().waitFor();
        ground.check(code == 3, "`stockledger audit V-BYTE` ends with exit code %d", code);
    }

    private void fill(long entries) throws InterruptedException {
        long begun = System.nanoTime();
        Semaphore room = new Semaphore(IN_FLIGHT);
        AtomicLong failed = new AtomicLong();
        for (long i = 0; i < entries; i++) {
            // Every second one to the hot SKU; the others in turns.
            boolean hot = i % 2 == 0;
            String sku = hot ? HOT : "SKU-" + i / 2 % SKUS;
            send(client, mutation(sku, hot ? i / 2 : i / 2 / SKUS), room, failed);
        }
        room.acquire(IN_FLIGHT);
        ground.check(failed.get() == 0, "filled with %,d entries in %.0f s (%,d were not applied)", entries, Ground.secondsSince(begun), failed.get());
    }

    /** The SKU's mutation of this number, from 0 on: all of them can be applied one after the other. */
    private static Mutation mutation(String sku, long number) {
        String hold = sku + "-" + (number - number % VERBS + 1);
        Mutation.Builder mutation = switch ((int) (number % VERBS)) {
            case 0 -> Mutations.receive(sku, 3);
            case 1 -> Mutations.reserve(sku, 2, Duration.ofDays(7));
            case 2 -> Mutations.commit(sku, hold);
            case 3 -> Mutations.fulfill(sku, hold);
            default -> Mutations.sell(sku, 1);
        };
        return mutation.setMutationId(sku + "-" + number).build();
    }

    private static void send(LedgerClient client, Mutation mutation, Semaphore room, AtomicLong failed) throws InterruptedException {
        room.acquire();
        client.submit(mutation).whenComplete((outcome, error) -> {
            if (error != null || !(outcome instanceof Outcome.Applied)) {
                failed.incrementAndGet();
            }
            room.release();
        });
    }

    /** SKUs of six rows, an entry each. */
    private void prepareVictims() {
        for (String victim : List.of("BYTE", "COLUMN", "DELETED", "SWAPPED", "UNITS", "HOLD", "BELOW", "TRUNCATED", "REWRITTEN")) {
            for (int i = 0; i < 6; i++) {
                client.apply(Mutations.receive("V-" + victim, 10).build());
            }
        }
        for (String victim : List.of("STOCK", "MOVED", "CLOSED")) {
            String sku = "V-" + victim;
            client.apply(Mutations.receive(sku, 10).build());
            client.apply(Mutations.reserve(sku, 2, Duration.ofDays(7)).setMutationId(sku).build());
            client.apply(Mutations.release(sku, sku).build());
        }
    }

    private void plant() throws Exception {
        try (Vandal vandal = ground.keep(new Vandal(server))) {
            // Else they would take over what was forged.
            String last = "SELECT count(*) FROM projection.reservations WHERE sku = ? AND NOT open";
            ground.check(Ground.await(Duration.ofMinutes(2), () -> look(vandal, last, "V-CLOSED") == 1), "the SQL tables have all that was written");

            String update = "UPDATE event_journal SET event_payload = set_byte(event_payload, length(event_payload) / 2,"
                    + " get_byte(event_payload, length(event_payload) / 2) # 1) WHERE persistence_id = ? AND sequence_number = ?";
            vandal.change(update, "V-BYTE", 3);
            planted.put("V-BYTE", new Planted("a changed byte", AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED, 3));

            vandal.change("UPDATE event_journal SET first_sequence = 77 WHERE persistence_id = ? AND sequence_number = ?", "V-COLUMN", 3);
            planted.put("V-COLUMN", new Planted("a column that says other than its row", AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED, 3));

            vandal.change("DELETE FROM event_journal WHERE persistence_id = ? AND sequence_number = ?", "V-DELETED", 4);
            planted.put("V-DELETED", new Planted("a deleted row", AuditFindingKind.AUDIT_FINDING_KIND_SEQUENCE_GAP, 4));

            String move = "UPDATE event_journal SET sequence_number = ? WHERE persistence_id = ? AND sequence_number = ?";
            vandal.change(move, 99, "V-SWAPPED", 2);
            vandal.change(move, 2, "V-SWAPPED", 3);
            vandal.change(move, 3, "V-SWAPPED", 99);
            planted.put("V-SWAPPED", new Planted("a swapped pair", AuditFindingKind.AUDIT_FINDING_KIND_SEQUENCE_GAP, 2));

            vandal.rewrite("V-UNITS", from(4, entry -> entry.setMovements(0, entry.getMovements(0).toBuilder().setQuantity(30))));
            planted.put("V-UNITS", new Planted("an entry of other units than its balances, chained right",
                    AuditFindingKind.AUDIT_FINDING_KIND_BALANCE_DRIFT, 4));

            vandal.rewrite("V-HOLD", from(5, entry -> {
                if (entry.getSequence() == 5) {
                    entry.setMovements(0, entry.getMovements(0).toBuilder().setTo(Bucket.BUCKET_RESERVED));
                }
                balance(entry, balance -> balance.setAvailable(balance.getAvailable() - 10).setReserved(10));
            }));
            planted.put("V-HOLD", new Planted("units reserved for nobody, chained right", AuditFindingKind.AUDIT_FINDING_KIND_HOLDS_DRIFT, 5));

            vandal.rewrite("V-BELOW", from(2, entry -> {
                if (entry.getSequence() == 2) {
                    entry.setMovements(0, entry.getMovements(0).toBuilder().setFrom(Bucket.BUCKET_AVAILABLE).setTo(Bucket.BUCKET_SUPPLIER).setQuantity(90));
                }
                balance(entry, balance -> balance.setAvailable(balance.getAvailable() - 100));
                entry.setBelowZero(entry.getBalances(0).getAvailable() < 0);
            }));
            planted.put("V-BELOW", new Planted("a bucket below zero that nothing explains, chained right", AuditFindingKind.AUDIT_FINDING_KIND_BELOW_ZERO, 2));

            long snapshotRow = vandal.look("SELECT max(sequence_number) FROM snapshot WHERE persistence_id = ?", HOT);
            vandal.change("UPDATE snapshot SET snapshot_payload = set_byte(snapshot_payload, 99, get_byte(snapshot_payload, 99) # 1)"
                    + " WHERE persistence_id = ? AND sequence_number = ?", HOT, snapshotRow);
            planted.put(HOT, new Planted("an altered snapshot", AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT, vandal.look(
                    "SELECT first_sequence + ('x' || encode(substring(event_payload FROM 13 FOR 4), 'hex'))::bit(32)::int - 1"
                            + " FROM event_journal WHERE persistence_id = ? AND sequence_number = ?", HOT, snapshotRow)));

            plantInTables(vandal);

            vandal.change("DELETE FROM event_journal WHERE persistence_id = ? AND sequence_number > ?", "V-TRUNCATED", 4);
            planted.put("V-TRUNCATED", new Planted("deleted last rows", AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED, 5));

            vandal.rewrite("V-REWRITTEN", from(3, entry -> {
                if (entry.getSequence() == 3) {
                    entry.setMovements(0, entry.getMovements(0).toBuilder().setQuantity(9));
                }
                balance(entry, balance -> balance.setAvailable(balance.getAvailable() - 1));
            }));
            planted.put("V-REWRITTEN", new Planted("a history rewritten without a flaw", AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED, 1));
        }
    }

    private void plantInTables(Vandal vandal) throws SQLException {
        String shown = vandal.look("SELECT count(*) FROM projection.sets WHERE name = 'a' AND state = 'shown'") == 1 ? "_a" : "_b";

        vandal.change("UPDATE projection.stock" + shown + " SET available = 9, reserved = 1 WHERE sku = ?", "V-STOCK");
        planted.put("V-STOCK", new Planted("an edited row of stock", AuditFindingKind.AUDIT_FINDING_KIND_PROJECTION_DRIFT, 3));

        vandal.change("UPDATE projection.daily_movements" + shown + " SET units = 3 WHERE sku = ? AND kind = 'reserve'", "V-MOVED");
        planted.put("V-MOVED", new Planted("edited daily movements", AuditFindingKind.AUDIT_FINDING_KIND_PROJECTION_DRIFT, 2));

        vandal.change("UPDATE projection.reservations" + shown + " SET released = 1, expired = 1 WHERE sku = ?", "V-CLOSED");
        planted.put("V-CLOSED", new Planted("an edited closed reservation", AuditFindingKind.AUDIT_FINDING_KIND_PROJECTION_DRIFT, 3));
    }

    private static long look(Vandal vandal, String sql, Object... parameters) {
        try {
            return vandal.look(sql, parameters);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static UnaryOperator<Entry> from(long sequence, Consumer<Entry.Builder> forgery) {
        return entry -> {
            if (entry.getSequence() < sequence) {
                return entry;
            }
            Entry.Builder forged = entry.toBuilder();
            forgery.accept(forged);
            return forged.build();
        };
    }

    private static void balance(Entry.Builder entry, Consumer<LocationBalance.Builder> forgery) {
        LocationBalance.Builder balance = entry.getBalances(0).toBuilder();
        forgery.accept(balance);
        entry.setBalances(0, balance);
    }

    /**
     * Each that was planted is found where it is, and nothing elsewhere. What only heads can tell is left for them,
     * though the SQL tables bear witness to it, too.
     */
    private void compare(List<AuditFinding> findings, AuditFindingKind byHeads) {
        planted.forEach((sku, fault) -> {
            if (fault.kind() != byHeads) {
                first(findings, sku, fault);
            }
        });
        List<AuditFinding> elsewhere = findings.stream().filter(finding -> !planted.containsKey(finding.getSku())
                || planted.get(finding.getSku()).kind() == byHeads
                        && finding.getKind() != AuditFindingKind.AUDIT_FINDING_KIND_PROJECTION_DRIFT).toList();
        ground.check(elsewhere.isEmpty(), "nothing is found where nothing was planted %s", elsewhere.isEmpty() ? "" : elsewhere.get(0));
    }

    private void first(List<AuditFinding> findings, String sku, Planted fault) {
        List<AuditFinding> ofSku = findings.stream().filter(finding -> finding.getSku().equals(sku)).toList();
        long first = ofSku.stream().mapToLong(AuditFinding::getSequence).min().orElse(0);
        boolean named = ofSku.stream().anyMatch(finding -> finding.getKind() == fault.kind() && finding.getSequence() == fault.sequence());
        ground.check(named && first == fault.sequence(), "%s: %s is found at entry %,d (%d findings)", sku, fault.what(), first, ofSku.size());
        ofSku.stream().filter(finding -> finding.getKind() == fault.kind()).findFirst().ifPresent(finding -> ground.say("        %s: expected %s, found %s",
                finding.getKind().name().replace("AUDIT_FINDING_KIND_", ""), finding.getExpected(), finding.getFound()));
    }

    private static Audited audit(Iterator<AuditResponse> messages) {
        long begun = System.nanoTime();
        List<AuditFinding> findings = new ArrayList<>();
        List<ChainHead> heads = new ArrayList<>();
        AuditTotal total = AuditTotal.getDefaultInstance();
        while (messages.hasNext()) {
            AuditResponse message = messages.next();
            switch (message.getMessageCase()) {
                case FINDING -> findings.add(message.getFinding());
                case CHAIN_HEAD -> heads.add(message.getChainHead());
                case TOTAL -> total = message.getTotal();
                case VERDICT, PROGRESS, MESSAGE_NOT_SET -> { }
            }
        }
        return new Audited(findings, heads, total, Ground.secondsSince(begun));
    }

    /** 0 where the system does not tell. */
    private long residentKiB() {
        try (var lines = Files.lines(Path.of("/proc", Long.toString(server.pid()), "status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }

    // ---- Kills ----

    void kills(int kills) throws Exception {
        // Patient: a mutation may meet many kills before it is answered.
        LedgerClient patient = ground.keep(LedgerClient.builder(server.target()).callTimeout(Duration.ofSeconds(10))
                .mutationTimeout(Duration.ofHours(2)).maxInFlight(IN_FLIGHT).build());
        patient.awaitReachable(Duration.ofSeconds(10));
        AtomicBoolean loading = new AtomicBoolean(true);
        AtomicLong sent = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        Semaphore room = new Semaphore(UNDER_WAY);
        Thread load = new Thread(() -> {
            try {
                for (long i = 0; loading.get(); i++) {
                    String sku = i % 2 == 0 ? HOT : "SKU-" + i / 2 % 200;
                    send(patient, mutation(sku, i % 2 == 0 ? i / 2 : i / 2 / 200), room, failed);
                    sent.incrementAndGet();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, "load");
        load.start();
        int met = 0;
        for (int kill = 1; kill <= kills; kill++) {
            // Each life of the ledger has come to answering before it ends.
            long answered = sent.get();
            met += Ground.await(Duration.ofMinutes(2), () -> sent.get() > answered + UNDER_WAY) ? 1 : 0;
            Ground.pause(ground.chance(0, 500));
            if (kill % 10 == 0) {
                server.killPostgresql();
            }
            server.kill();
            server.start();
        }
        ground.check(met == kills, "%d of %d kills met a ledger that was answering", met, kills);
        loading.set(false);
        load.join();
        ground.check(room.tryAcquire(UNDER_WAY, 3, TimeUnit.MINUTES),
                "every mutation was answered after %d kills of the server, every tenth with its PostgreSQL", kills);
        ground.check(failed.get() == 0, "%,d mutations were applied (%,d were not)", sent.get(), failed.get());
        Audited audited = audit(client.auditAll("", false));
        ground.check(audited.total().getClean() && audited.total().getEntries() == sent.get(), "the audit finds nothing in %,d entries of %,d SKUs",
                audited.total().getEntries(), audited.total().getSkus());
        int code = ground.keep(new Killed(server.verb(ground.folder().resolve("audit.log"), List.of("audit")))).process().waitFor();
        ground.check(code == 0, "`stockledger audit` ends with exit code %d", code);
    }
}
