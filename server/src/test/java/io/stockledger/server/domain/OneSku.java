package io.stockledger.server.domain;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/**
 * One SKU under test: does around the rules what its actor does (expire what is overdue, look up history, decide,
 * evolve), with a clock that the test sets and every entry kept.
 */
final class OneSku {
    static final String NAME = "shirt/blue|M";
    static final long START_MS = 1_700_000_000_000L;
    static final String MAIN = "main";

    final Stock stock;
    final List<Entry> entries = new ArrayList<>();
    long nowMs = START_MS;

    private final Decider decider;
    private int asked;

    OneSku(Limits limits, int idsKept) {
        this.decider = new Decider(limits);
        this.stock = new Stock(NAME, noIds(idsKept));
    }

    /** At least so many newest ids are kept, and none before those. */
    static AppliedIds noIds(int idsKept) {
        return new AppliedIds(idsKept, 0, 7 * 24 * 3_600_000L, 42);
    }

    OneSku(Limits limits) {
        this(limits, 1_000);
    }

    OneSku() {
        this(Limits.DEFAULT);
    }

    /** Decides and, unless refused, takes over the entry. */
    Decision apply(Mutation mutation) {
        expireOverdue();
        Decision decision = decider.decide(stock, withHistory(mutation), nowMs);
        if (decision instanceof Entry entry) {
            write(entry);
        }
        return decision;
    }

    void expireOverdue() {
        for (var due = decider.expireFirst(stock, nowMs); due.isPresent(); due = decider.expireFirst(stock, nowMs)) {
            write(due.get());
        }
    }

    /** Whatever was decided, a recount comes to the same: what an audit holds entries against. */
    private void write(Entry entry) {
        Map<String, Balance> counted = Recount.of(stock, entry);
        for (Balance balance : entry.balances()) {
            assertEquals(counted.getOrDefault(balance.location(), stock.balance(balance.location())), balance);
        }
        stock.evolve(entry);
        entries.add(entry);
    }

    private Mutation withHistory(Mutation mutation) {
        if (!(mutation.operation() instanceof Operation.Count count) || !count.needsHistory(stock)) {
            return mutation;
        }
        long then = 0;
        for (Entry entry : entries) {
            boolean before = count.atTimeMs() > 0
                    ? entry.recordedAtMs() <= count.atTimeMs() : entry.sequence() <= count.atSequence();
            for (Balance balance : entry.balances()) {
                if (before && balance.location().equals(mutation.location())) {
                    then = balance.onHand();
                }
            }
        }
        return mutation.withOperation(count.withOnHandThen(then));
    }

    // What follows makes examples short: asked at `main`, on no channel, under a fresh id, unless said otherwise.

    Ask ask(Operation operation) {
        String location = operation instanceof Operation.OnReservation ? "" : MAIN;
        return new Ask(this, "m" + ++asked, location, "", "", Mutation.ANY_SEQUENCE, operation);
    }

    Entry accepted(Operation operation) {
        return ask(operation).accepted();
    }

    Refusal refused(Operation operation) {
        return ask(operation).refused();
    }

    /** A mutation in the making. */
    record Ask(OneSku sku, String id, String location, String channel, String reference, long expectedSequence,
            Operation operation) {
        Ask as(String id) {
            return new Ask(sku, id, location, channel, reference, expectedSequence, operation);
        }

        Ask at(String location) {
            return new Ask(sku, id, location, channel, reference, expectedSequence, operation);
        }

        Ask on(String channel) {
            return new Ask(sku, id, location, channel, reference, expectedSequence, operation);
        }

        Ask under(String reference) {
            return new Ask(sku, id, location, channel, reference, expectedSequence, operation);
        }

        Ask expecting(long sequence) {
            return new Ask(sku, id, location, channel, reference, sequence, operation);
        }

        Decision decided() {
            return sku.apply(new Mutation(id, NAME, location, channel, reference, "test", 0, 0, 0, expectedSequence,
                    AppliedIds.fingerprintWithoutKey(id), operation));
        }

        Entry accepted() {
            if (decided() instanceof Entry entry) {
                return entry;
            }
            throw new AssertionError(operation + " should have been accepted");
        }

        Refusal refused() {
            if (decided() instanceof Refusal refusal) {
                return refusal;
            }
            throw new AssertionError(operation + " should have been refused");
        }
    }

    Balance main() {
        return stock.balance(MAIN);
    }

    long availableToSell(String channel) {
        return main().availableToSell(channel);
    }

    static OptionalLong all() {
        return OptionalLong.empty();
    }

    static OptionalLong units(long quantity) {
        return OptionalLong.of(quantity);
    }

    /** All that a stock shows of itself, to hold one against another. */
    record Shown(String sku, long sequence, long recordedAtMs, Map<String, Balance> balances,
            Set<Reservation> reservations, Map<Stock.Incoming, Long> incoming, long nextDueMs, Set<List<Long>> ids,
            long forgottenSequence) {
        static Shown of(Stock stock) {
            Map<String, Balance> balances = new TreeMap<>();
            stock.balances().forEach(balance -> balances.put(balance.location(), balance));
            Set<List<Long>> ids = new HashSet<>();
            stock.appliedIds().forEachPart(new AppliedIds.PartVisitor() {
                @Override
                public void older(IdsPart part) {
                    throw new AssertionError("no older ids are kept here");
                }

                @Override
                public void newest(long beforeSequence, IdsPart part, long createdAtMsMax, long recordedAtMsMax) {
                    Arrays.stream(part.words()).forEach(word -> ids.add(List.of(beforeSequence, word)));
                }
            });
            return new Shown(stock.sku(), stock.sequence(), stock.recordedAtMs(), balances,
                    new HashSet<>(stock.reservations()), Map.copyOf(stock.incoming()), stock.nextDueMs(), ids,
                    stock.appliedIds().forgottenSequence());
        }
    }
}
