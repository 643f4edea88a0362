package io.stockledger.server.api;

import io.stockledger.server.entity.Look;
import io.stockledger.server.entity.Outcome;
import io.stockledger.v1.BatchGetStockResponse;
import io.stockledger.v1.Stock;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The stock of many SKUs in one answer, a lot of them after the other: those that are not in memory come back for it, and
 * a thousand of them at once would stand before a checkout's next write.
 */
final class StockBatch {
    private final Consumer<Look> looks;
    private final Admission admission;
    private final List<String> skus;
    private final String channel;
    private final String location;
    private final int bytesMax;
    private final int atOnce;
    private final Answer<BatchGetStockResponse> answer;
    private final Stock[] stocks;
    private final AtomicInteger open;
    private final AtomicInteger bytesLeft;

    /**
     * @param looks takes a look to its SKU
     * @param admission which all of the SKUs have entered
     * @param bytesMax of the answer; one that would be longer is refused
     * @param atOnce how many SKUs are a lot
     */
    StockBatch(Consumer<Look> looks, Admission admission, List<String> skus, String channel, String location, int bytesMax,
            int atOnce, Answer<BatchGetStockResponse> answer) {
        this.looks = looks;
        this.admission = admission;
        this.skus = skus;
        this.channel = channel;
        this.location = location;
        this.bytesMax = bytesMax;
        this.atOnce = atOnce;
        this.answer = answer;
        this.stocks = new Stock[skus.size()];
        this.open = new AtomicInteger(skus.size());
        this.bytesLeft = new AtomicInteger(bytesMax);
    }

    /** Answers once each SKU has; never blocks. */
    void begin() {
        lookFrom(0);
    }

    /** Never two lots at once: the next begins when all of the last have answered, if anybody still waits for it. */
    private void lookFrom(int first) {
        if (!answer.isAwaited()) {
            admission.leave(skus.size() - first);
            return;
        }
        int end = Math.min(skus.size(), first + atOnce);
        AtomicInteger underWay = new AtomicInteger(end - first);
        for (int i = first; i < end; i++) {
            int place = i;
            looks.accept(new Look(skus.get(place), "", new Look.Reply() {
                @Override
                public void seen(Look.Seen seen) {
                    try {
                        take(place, seen);
                    } finally {
                        over();
                    }
                }

                @Override
                public void failed(Outcome.Failure failure) {
                    answer.fail(Errors.of(failure));
                    over();
                }

                private void over() {
                    admission.leave(1);
                    if (underWay.decrementAndGet() == 0 && end < skus.size()) {
                        lookFrom(end);
                    }
                }
            }));
        }
    }

    private void take(int place, Look.Seen seen) {
        Optional<Stock> stock = Stocks.stock(skus.get(place), channel, location, seen, bytesLeft.get());
        if (stock.isEmpty() || bytesLeft.addAndGet(-stock.get().getSerializedSize()) < 0) {
            // What is built of the others goes to nobody: it must not pile up.
            bytesLeft.set(Integer.MIN_VALUE / 2);
            Arrays.fill(stocks, null);
            answer.fail(Errors.stockTooLarge(bytesMax));
            return;
        }
        stocks[place] = stock.get();
        if (open.decrementAndGet() == 0) {
            answer.give(BatchGetStockResponse.newBuilder().addAllStocks(Arrays.asList(stocks)).build());
        }
    }
}
