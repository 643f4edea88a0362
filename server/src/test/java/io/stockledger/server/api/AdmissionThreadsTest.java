package io.stockledger.server.api;

import io.stockledger.server.Interleavings;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Test;

/** The node's bound, as all transport threads and actors use it at once. */
public class AdmissionThreadsTest {
    private final Admission admission = new Admission(4);

    @Operation
    public boolean tryEnter(@Param(gen = IntGen.class, conf = "1:4") int more) {
        return admission.tryEnter(more);
    }

    @Operation
    public void leave(@Param(gen = IntGen.class, conf = "1:2") int fewer) {
        admission.leave(fewer);
    }

    @Test
    void boundIsNeverPassedAndWhoDoesNotFitKeepsOutNobodyWhoDoes() {
        Interleavings.check(1000, AdmissionThreadsTest.class);
    }
}
