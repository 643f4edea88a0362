package io.stockledger.server.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.Status;
import io.stockledger.server.Interleavings;
import org.junit.jupiter.api.Test;

/** A unary call's one answer, where several threads have one to give and the caller may hang up. */
class AnswerThreadsTest {
    @Test
    void ofAnAnswerAnErrorAndAHangUpOnlyTheFirstCounts() {
        Status status = Status.newBuilder().setCode(14).build();
        Interleavings.of(500, () -> {
            KeptAnswers<String> caller = new KeptAnswers<>(true);
            Answer<String> answer = new Answer<>(caller);
            Interleavings.together(() -> answer.give("one"), () -> answer.fail(status), caller::hangUp);
            assertEquals(caller.answers.size(), caller.completions);
            assertTrue(caller.completions + caller.errors <= 1, "more than one answer");
            assertEquals(0, caller.faults);
        });
    }
}
