package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.stockledger.v1.FeedServiceGrpc;
import io.stockledger.v1.GetStockRequest;
import io.stockledger.v1.GetStockResponse;
import io.stockledger.v1.LedgerServiceGrpc;
import io.stockledger.v1.Stock;
import io.stockledger.v1.SubscribeRequest;
import io.stockledger.v1.SubscribeResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The last units of a SKU, which many shoppers want to be shown at once. */
@Timeout(30)
class LastUnitsThreadsTest {
    private static final int SHOPPERS = 2;
    private static final int TIMES = 800;

    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger answered = new AtomicInteger();
    /** By answer. */
    private final Map<Integer, Long> askedNanos = new ConcurrentHashMap<>();
    private final Queue<String> faults = new ConcurrentLinkedQueue<>();
    private Server server;
    private LedgerClient client;

    @BeforeEach
    void start() throws IOException {
        server = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
                .addService(new Ledger())
                .addService(new SilentFeed())
                .build()
                .start();
        client = LedgerClient.connect("127.0.0.1:" + server.getPort());
    }

    @AfterEach
    void stop() {
        client.close();
        server.shutdownNow();
    }

    @Test
    void oneQuestionIsUnderWayAndNobodyIsShownAnOlderAnswerThanItSays() {
        try (StockView view = client.stockView()) {
            LastUnits lastUnits = new LastUnits(view, client, 5, Duration.ofMinutes(5));
            AtomicInteger arrived = new AtomicInteger();
            Runnable shopper = () -> {
                for (int n = 1; n <= TIMES; n++) {
                    arrived.incrementAndGet();
                    while (arrived.get() < SHOPPERS * n && !Thread.interrupted()) {
                        // They ask just when the others do.
                        Thread.onSpinWait();
                    }
                    int answeredBefore = answered.get();
                    long before = System.nanoTime();
                    LastUnits.Shown shown = lastUnits.availableToSell("A", "web");
                    if (!shown.exact() || shown.units() < answeredBefore) {
                        faults.add(shown + ", when " + answeredBefore + " was answered");
                    } else if (before - askedNanos.get((int) shown.units()) > Duration.ofMillis(shown.ageMillis()).toNanos()) {
                        faults.add(shown + " is older than it says");
                    }
                }
            };
            Interleavings.together(shopper, shopper);
            assertEquals(List.of(), List.copyOf(faults));
            assertTrue(asked.get() < SHOPPERS * TIMES, "nobody ever shared an answer");
            int last = answered.get();
            assertEquals(last + 1, lastUnits.availableToSell("A", "web").units(), "who asks later is shown an answer of then");
        }
    }

    /** Tells how often it was asked in place of what may be sold. */
    private final class Ledger extends LedgerServiceGrpc.LedgerServiceImplBase {
        @Override
        public void getStock(GetStockRequest request, StreamObserver<GetStockResponse> answer) {
            if (underWay.incrementAndGet() > 1) {
                faults.add("two questions at once");
            }
            int n = asked.incrementAndGet();
            askedNanos.put(n, System.nanoTime());
            answered.set(n);
            underWay.decrementAndGet();
            answer.onNext(GetStockResponse.newBuilder()
                    .setStock(Stock.newBuilder().setSku(request.getSku()).setAvailableToSell(n))
                    .build());
            answer.onCompleted();
        }
    }

    /** The view knows nothing, so that each look is a question. */
    private static final class SilentFeed extends FeedServiceGrpc.FeedServiceImplBase {
        @Override
        public void subscribe(SubscribeRequest request, StreamObserver<SubscribeResponse> answer) {
            // It never says a word.
        }
    }
}
