package io.stockledger.loadtest.drill;

import io.stockledger.client.DualWrite;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.Mutations;
import io.stockledger.client.Outcome;
import io.stockledger.client.Routing;
import io.stockledger.v1.LocationBalance;
import io.stockledger.v1.Mutation;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/**
 * A shop that works off a log of orders by the log's own clock: the cron job every quarter of an hour of it, new goods
 * every Monday. Who decides about a line is asked each time; whoever does not decide follows.
 */
final class ShopRun {
    private static final Duration JOB_EVERY = Duration.ofMinutes(15);
    private static final Duration GOODS_EVERY = Duration.ofDays(7);

    private final long opening;
    private final Optional<LegacyShop> old;
    private final Optional<LedgerClient> ledger;
    private final Optional<DualWrite> dual;
    private final BiFunction<String, String, Routing.Decider> decides;
    /** What the ledger said last: where there are no old tables to ask for what is running out. */
    private final Map<String, Long> heard = new LinkedHashMap<>();
    private Instant nextJob = Instant.EPOCH;
    private Instant nextGoods = Instant.EPOCH;
    private long arrivals;
    private Tally tally = new Tally();

    /** What became of the lines. */
    static final class Tally {
        long sold;
        long refused;
        /** Lines that were confirmed though the units were not there. */
        long oversold;
        long oversoldUnits;
        /** Lines that each of the two decided. */
        long byOldPath;
        long byLedger;
        long jobs;

        @Override
        public String toString() {
            return String.format(java.util.Locale.ROOT, "%,d lines sold, %,d refused, %,d oversold (%,d units); decided by the old path %,d, by the ledger %,d; %,d runs of the job",
                    sold, refused, oversold, oversoldUnits, byOldPath, byLedger, jobs);
        }
    }

    /**
     * @param old the shop's tables; none: the ledger alone
     * @param dual how the ledger follows the old path; none: it does not
     */
    ShopRun(long opening, Optional<LegacyShop> old, Optional<LedgerClient> ledger, Optional<DualWrite> dual,
            BiFunction<String, String, Routing.Decider> decides) {
        this.opening = opening;
        this.old = old;
        this.ledger = ledger;
        this.dual = dual;
        this.decides = decides;
    }

    /** What became of the lines since it was last asked. */
    Tally tally() {
        Tally so = tally;
        tally = new Tally();
        return so;
    }

    void work(List<Orders.Order> orders) throws SQLException {
        for (Orders.Order order : orders) {
            if (nextJob.equals(Instant.EPOCH)) {
                nextJob = order.at().plus(JOB_EVERY);
                nextGoods = order.at().plus(GOODS_EVERY);
            }
            if (!order.at().isBefore(nextGoods)) {
                goods();
                nextGoods = nextGoods.plus(GOODS_EVERY);
            }
            if (!order.at().isBefore(nextJob)) {
                // At night, too, but that changes nothing.
                nextJob = order.at().plus(JOB_EVERY);
                if (old.isPresent()) {
                    old.get().copy();
                    tally.jobs++;
                }
            }
            take(order);
        }
    }

    private void take(Orders.Order order) throws SQLException {
        List<CompletableFuture<Outcome>> asked = new ArrayList<>();
        List<Orders.Line> askedLines = new ArrayList<>();
        int number = 0;
        for (Orders.Line line : order.lines()) {
            number++;
            String id = "order-" + order.number() + "/" + number;
            switch (decides.apply(line.sku(), order.channel())) {
                case OLD_PATH -> byOldPath(order, line, id);
                case LEDGER -> {
                    tally.byLedger++;
                    Mutation.Builder mutation = line.quantity() > 0
                            ? Mutations.sell(line.sku(), line.quantity()) : Mutations.returned(line.sku(), -line.quantity());
                    asked.add(ledger.orElseThrow().submit(mutation.setMutationId(id).setChannel(order.channel()).build()));
                    askedLines.add(line);
                }
            }
        }
        for (int i = 0; i < asked.size(); i++) {
            byLedger(askedLines.get(i), asked.get(i).join());
        }
    }

    private void byOldPath(Orders.Order order, Orders.Line line, String id) throws SQLException {
        tally.byOldPath++;
        LegacyShop shop = old.orElseThrow();
        if (line.quantity() < 0) {
            shop.move(line.sku(), -line.quantity());
            dual.ifPresent(way -> way.after(Mutations.returned(line.sku(), -line.quantity()).setMutationId(id).setChannel(order.channel()).build()));
            return;
        }
        OptionalLong left = shop.sell(order.channel(), line.sku(), line.quantity());
        if (left.isEmpty()) {
            tally.refused++;
            return;
        }
        tally.sold++;
        if (left.getAsLong() < 0) {
            tally.oversold++;
            tally.oversoldUnits += Math.min(line.quantity(), -left.getAsLong());
        }
        dual.ifPresent(way -> way.after(Mutations.sellAlreadyHappened(line.sku(), line.quantity()).setMutationId(id).setChannel(order.channel()).build()));
    }

    private void byLedger(Orders.Line line, Outcome outcome) throws SQLException {
        if (!(outcome instanceof Outcome.Applied applied)) {
            tally.refused++;
            return;
        }
        long available = applied.balances().stream().mapToLong(LocationBalance::getAvailable).sum();
        heard.put(line.sku(), available);
        if (line.quantity() > 0) {
            tally.sold++;
            if (available < 0) {
                tally.oversold++;
                tally.oversoldUnits += Math.min(line.quantity(), -available);
            }
        }
        if (old.isPresent()) {
            old.get().move(line.sku(), -line.quantity());
        }
    }

    /** On Mondays the buyer fills up what runs out. */
    private void goods() throws SQLException {
        Map<String, Long> stock = old.isPresent() ? old.get().warehouse() : heard;
        for (Map.Entry<String, Long> sku : List.copyOf(stock.entrySet())) {
            if (sku.getValue() >= opening / 5) {
                continue;
            }
            long units = opening - sku.getValue();
            Mutation receive = Mutations.receive(sku.getKey(), units).setMutationId("goods-" + arrivals++ + "/" + sku.getKey()).build();
            if (old.isPresent()) {
                old.get().move(sku.getKey(), units);
            }
            if (dual.isPresent()) {
                dual.get().after(receive);
            } else if (ledger.isPresent()) {
                ledger.get().apply(receive);
                heard.put(sku.getKey(), opening);
            }
        }
    }
}
