package io.stockledger.client;

import com.google.protobuf.ByteString;
import java.time.Instant;
import java.util.Optional;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** What readers of a stock view see of its age while its subscription's thread is told of the ledger's clock. */
public class FeedClockThreadsTest {
    private static final long NOW_NANOS = 10_000_000_000L;

    private final FeedClock clock = new FeedClock(() -> NOW_NANOS);

    @Operation(nonParallelGroup = "subscription")
    public void connected(@Param(gen = IntGen.class, conf = "1:5") int second) {
        clock.connected(NOW_NANOS - 1_000_000, at(second));
    }

    @Operation(nonParallelGroup = "subscription")
    public void exchanged(@Param(gen = IntGen.class, conf = "1:5") int second) {
        clock.exchanged(NOW_NANOS, at(second));
    }

    @Operation(nonParallelGroup = "subscription")
    public void told(@Param(gen = IntGen.class, conf = "1:5") int second) {
        clock.told(new FeedProgress(ByteString.EMPTY, at(second), Optional.of(at(second - 1))));
    }

    @Operation(nonParallelGroup = "subscription")
    public void caughtUp(@Param(gen = IntGen.class, conf = "1:5") int second) {
        clock.caughtUp(new FeedProgress(ByteString.EMPTY, at(second), Optional.empty()));
    }

    @Operation
    public long stalenessMillis() {
        return clock.stalenessMillis();
    }

    @Operation
    public long completeTime() {
        return clock.completeTime().map(Instant::getEpochSecond).orElse(-1L);
    }

    @Test
    void anAgeIsOfOneMomentWhateverItsThreadIsToldMeanwhile() {
        Interleavings.check(FeedClockThreadsTest.class);
    }

    private static Instant at(int second) {
        return Instant.ofEpochSecond(second);
    }
}
