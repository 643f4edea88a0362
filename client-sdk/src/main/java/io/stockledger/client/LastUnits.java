package io.stockledger.client;

import io.stockledger.v1.Stock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What to show a shopper: from memory while there is plenty, from the ledger itself once there are few left, where a
 * picture that is a moment old would be wrong most often. Showing is not promising: what was shown may be gone a
 * moment later, so a checkout reserves ({@code Reserve}) and heeds a refusal.
 *
 * <p>The ledger is spared: of one SKU and channel at most one question is under way from here, and who asks meanwhile
 * gets its answer. Where it does not answer, the view's figure is shown, and says so.
 */
public final class LastUnits {

    private final StockView view;
    private final LedgerClient ledger;
    private final long few;
    private final Duration staleMax;
    private final Map<Asked, Question> underWay = new ConcurrentHashMap<>();

    private record Asked(String sku, String channel) {}

    private record Question(long askedNanos, CompletableFuture<Long> answer) {}

    /**
     * Units to show.
     *
     * @param exact true where the ledger was asked just now; false where the view told
     * @param ageMillis how old it may be at most: the time since the ledger was asked, or the view's staleness
     */
    public record Shown(long units, boolean exact, long ageMillis) {}

    /**
     * Policy over a view and the ledger that it follows; it owns neither.
     *
     * @param few below so many units in the view the ledger is asked
     * @param staleMax it is asked too where the view may be older than that
     */
    public LastUnits(StockView view, LedgerClient ledger, long few, Duration staleMax) {
        this.view = view;
        this.ledger = ledger;
        this.few = few;
        this.staleMax = staleMax;
    }

    /** Units available to sell on the channel, over all locations. May wait for the ledger, up to its call timeout. */
    public Shown availableToSell(String sku, String channel) {
        long known = view.availableToSell(sku, channel);
        if (known >= few && !view.isStale(staleMax)) {
            return new Shown(known, false, view.stalenessMillis());
        }
        Asked asked = new Asked(sku, channel);
        Question mine = new Question(System.nanoTime(), new CompletableFuture<>());
        Question first = underWay.putIfAbsent(asked, mine);
        try {
            long units = first == null ? ask(asked, mine) : first.answer.join();
            long askedNanos = first == null ? mine.askedNanos : first.askedNanos;
            return new Shown(units, true, Duration.ofNanos(System.nanoTime() - askedNanos).toMillis() + 1);
        } catch (LedgerException | CompletionException noAnswer) {
            return new Shown(view.availableToSell(sku, channel), false, view.stalenessMillis());
        }
    }

    private long ask(Asked asked, Question mine) {
        try {
            Stock stock = ledger.stock(asked.sku, asked.channel);
            mine.answer.complete(stock.getAvailableToSell());
            return stock.getAvailableToSell();
        } catch (RuntimeException | Error e) {
            mine.answer.completeExceptionally(e);
            throw e;
        } finally {
            underWay.remove(asked, mine);
        }
    }
}
