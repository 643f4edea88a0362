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
    static final String WARM = "warm";

    private final String target;
    private final Path snapshot;
    private final Path notes;

    ViewProcess(String target, Path snapshot, Path notes) {
        this.target = target;
        this.snapshot = snapshot;
        this.notes = notes;
    }

    void run() throws Exception {
        boolean first = !Files.exists(snapshot);
        try (LedgerClient client = LedgerClient.connect(target);
                StockView view = client.stockViewBuilder().snapshot(snapshot).snapshotInterval(Duration.ofNanos(1)).open()) {
            String how = first ? "first" : view.skus().isEmpty() || view.coldStart().isPresent() ? COLD : WARM;
            Files.writeString(notes, how + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            new CountDownLatch(1).await();
        }
    }
}
