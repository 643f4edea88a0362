package io.stockledger.server.feed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.stockledger.server.Interleavings;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A subscription's steps, asked for by the tail, the tick, the transport and itself. */
class TurnsThreadsTest {
    /** Rows come and are sent; each step sends as many as a message takes. */
    private static final class Sender {
        final Turns turns = new Turns();
        final AtomicInteger rows = new AtomicInteger();
        final AtomicBoolean atWork = new AtomicBoolean();
        final int messageRows;
        int sent;

        Sender(int messageRows) {
            this.messageRows = messageRows;
        }

        void comes() {
            rows.incrementAndGet();
            if (turns.wake()) {
                boolean leftWork;
                do {
                    leftWork = step();
                } while (turns.goesOn(leftWork));
            }
        }

        private boolean step() {
            assertFalse(atWork.getAndSet(true), "two steps at once");
            int there = rows.get();
            int taken = Math.min(there - sent, messageRows);
            sent += taken;
            atWork.set(false);
            return sent < there;
        }
    }

    @Test
    void noWakeUpIsLostAndOneStepRunsAtATime() {
        Interleavings.of(500, () -> {
            Sender sender = new Sender(10);
            Interleavings.together(() -> {
                sender.comes();
                sender.comes();
            }, sender::comes, sender::comes);
            assertEquals(4, sender.sent);
        });
    }

    @Test
    void workThatAStepLeftIsDoneByTheNext() {
        Interleavings.of(500, () -> {
            Sender sender = new Sender(1);
            Interleavings.together(() -> {
                sender.comes();
                sender.comes();
            }, sender::comes);
            assertEquals(3, sender.sent);
        });
    }
}
