package io.stockledger.loadtest.drill;

import io.stockledger.client.LedgerClient;
import io.stockledger.client.StockView;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** A stock view that may be killed at any moment, and writes its snapshot as often as it can so that it is in its midst. */
final class ViewProcess {
    static final String COLD = "cold";
    static final String EMPTY = "empty";
    static final String WARM = "warm";
    private static final Duration CONNECT_MAX = Duration.ofSeconds(60);

    private final String target;
    private final Path snapshot;
    private final Path notes;

    ViewProcess(String target, Path snapshot, Path notes) {
        this.target = target;
        this.snapshot = snapshot;
        this.notes = notes;
    }

    void run() throws Exception {
        try (LedgerClient client = LedgerClient.connect(target);
                StockView view = client.stockViewBuilder().snapshot(snapshot).snapshotInterval(Duration.ofNanos(1)).open()) {
            String how = view.coldStart().isPresent() ? COLD : view.skus().isEmpty() ? EMPTY : WARM;
            // Noted once it follows: from then on there is something new to write.
            Ground.await(CONNECT_MAX, () -> view.stalenessMillis() < Long.MAX_VALUE);
            Files.writeString(notes, how + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            new CountDownLatch(1).await();
        }
    }
}
