package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.stockledger.v1.AcknowledgeCursorRequest;
import io.stockledger.v1.AcknowledgeCursorResponse;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What tells the ledger what was applied, where the subscription, the transport, the timer and who closes it meet. */
class AcknowledgerThreadsTest {
    private static final int ROUNDS = 2_000;
    private static final int ACKNOWLEDGEMENTS = 100_000;
    private static final Duration LONG = Duration.ofSeconds(20);

    @Test
    void theLastIsToldInTheEndNeverAnOlderOneAfterItAndNeverTwoAtOnce() {
        Interleavings.ofLarge(ROUNDS, () -> {
            Wire wire = new Wire();
            Interleavings.together(
                    () -> {
                        wire.acknowledge(1);
                        wire.acknowledge(2);
                        wire.acknowledge(3);
                    },
                    wire::answerOne,
                    () -> {
                        wire.failOne(Status.UNAVAILABLE);
                        wire.timerFires();
                    });
            wire.settle();
            wire.assertTold(3);
        });
    }

    @Test
    void whoWaitsForAllToBeToldWaitsUntilThen() {
        Wire wire = new Wire();
        AtomicBoolean over = new AtomicBoolean();
        Interleavings.together(
                () -> {
                    try {
                        for (int n = 1; n <= ACKNOWLEDGEMENTS; n++) {
                            wire.acknowledge(n);
                            if (n % 1_000 == 0) {
                                wire.acknowledger.flush(LONG);
                                wire.assertTold(n);
                            }
                        }
                    } finally {
                        over.set(true);
                    }
                },
                () -> {
                    for (int n = 0; !over.get(); n++) {
                        if (n % 3 == 0) {
                            wire.failOne(Status.UNAVAILABLE);
                        } else {
                            wire.answerOne();
                        }
                    }
                },
                () -> {
                    while (!over.get()) {
                        wire.timerFires();
                    }
                });
    }

    @Test
    void onceItIsClosedNothingMoreIsSentAndNobodyWaits() {
        Interleavings.ofThreads(ROUNDS, () -> {
            Wire wire = new Wire();
            Interleavings.together(
                    () -> {
                        wire.acknowledge(1);
                        wire.acknowledge(2);
                    },
                    () -> wire.failOne(Status.UNAVAILABLE),
                    wire.acknowledger::close);
            int sent = wire.sent.get();
            wire.acknowledge(3);
            wire.settle();
            assertEquals(sent, wire.sent.get());
            wire.acknowledger.flush(LONG);
            assertEquals(0, wire.faults.get());
        });
    }

    /** A connection to a ledger that answers acknowledgements when the test says so. */
    private static final class Wire extends StandInChannel {
        final Acknowledger acknowledger;
        final AtomicInteger sent = new AtomicInteger();
        final AtomicInteger faults = new AtomicInteger();
        private final AtomicInteger underWay = new AtomicInteger();
        private final ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
        private final AtomicInteger told = new AtomicInteger();

        Wire() {
            acknowledger = new Acknowledger(link(), timer, AcknowledgeCursorRequest.getDefaultInstance());
        }

        void acknowledge(int n) {
            acknowledger.acknowledge(ScriptedLedger.cursor(n));
        }

        boolean answerOne() {
            Call call = calls.poll();
            if (call == null) {
                return false;
            }
            int n = Integer.parseInt(call.request.getAcknowledgement().toStringUtf8().substring(1));
            if (told.getAndSet(n) > n) {
                faults.incrementAndGet();
            }
            underWay.decrementAndGet();
            call.listener.onMessage(AcknowledgeCursorResponse.getDefaultInstance());
            call.listener.onClose(Status.OK, new Metadata());
            return true;
        }

        void failOne(Status why) {
            Call call = calls.poll();
            if (call != null) {
                underWay.decrementAndGet();
                call.listener.onClose(why, new Metadata());
            }
        }

        /** Lets everything come that still comes. */
        void settle() {
            boolean more = true;
            while (more) {
                more = answerOne() | timerFires();
            }
        }

        void assertTold(int last) {
            assertEquals(last, told.get());
            assertEquals(0, faults.get(), "two under way at once, or an older one told after a newer");
        }

        @Override
        @SuppressWarnings("unchecked")
        public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions options) {
            return (ClientCall<Q, A>) new Call();
        }

        private final class Call extends ClientCall<AcknowledgeCursorRequest, AcknowledgeCursorResponse> {
            private volatile Listener<AcknowledgeCursorResponse> listener;
            private volatile AcknowledgeCursorRequest request;

            @Override
            public void start(Listener<AcknowledgeCursorResponse> answers, Metadata headers) {
                listener = answers;
            }

            @Override
            public void request(int count) {}

            @Override
            public void cancel(String message, Throwable cause) {}

            @Override
            public void sendMessage(AcknowledgeCursorRequest message) {
                request = message;
            }

            @Override
            public void halfClose() {
                sent.incrementAndGet();
                if (underWay.incrementAndGet() > 1) {
                    faults.incrementAndGet();
                }
                calls.add(this);
            }
        }
    }
}
