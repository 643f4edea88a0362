package io.stockledger.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.stockledger.server.Interleavings;
import io.stockledger.v1.AuditResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An audit that waits for its caller, while the transport says that he reads, or has gone. */
class AuditOutletThreadsTest {
    /** Who misses that something has changed waits for good. */
    private static final long NEVER_MS = 3_600_000;
    private static final int MESSAGES = 3;
    private static final int ROUNDS = 2_000;

    @Test
    @Timeout(60)
    void everyMessageGoesOutOnceItsCallerReads() {
        for (int round = 0; round < ROUNDS; round++) {
            KeptAnswers<AuditResponse> caller = new KeptAnswers<>(false);
            AuditOutlet outlet = new AuditOutlet(caller, NEVER_MS);
            Interleavings.together(() -> {
                for (int i = 0; i < MESSAGES; i++) {
                    assertTrue(outlet.send(AuditResponse.getDefaultInstance()));
                }
            }, () -> {
                for (int read = 0; read < MESSAGES; read++) {
                    caller.becomeReadyForOne();
                    while (caller.isReady()) {
                        Thread.onSpinWait();
                    }
                }
            });
            assertEquals(MESSAGES, caller.answers.size());
            assertEquals(0, caller.faults);
        }
    }

    @Test
    @Timeout(60)
    void whoWaitsForACallerWhoHangsUpIsToldSo() {
        for (int round = 0; round < ROUNDS; round++) {
            KeptAnswers<AuditResponse> caller = new KeptAnswers<>(false);
            AuditOutlet outlet = new AuditOutlet(caller, NEVER_MS);
            Interleavings.together(() -> assertFalse(outlet.send(AuditResponse.getDefaultInstance())), caller::hangUp);
            assertEquals(0, caller.answers.size() + caller.errors);
        }
    }
}
