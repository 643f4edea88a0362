package io.stockledger.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.channels.ClosedChannelException;
import org.junit.jupiter.api.Test;

/** What follows from an attempt without an outcome, where gRPC's status alone would mislead. */
class FailureTest {

    @Test
    void connectionThatClosedUnderACallIsNoAnswerHoweverGrpcNamesIt() {
        Failure failure = Failure.of(
                Status.UNKNOWN.withDescription("channel closed").withCause(new ClosedChannelException()), new Metadata());
        assertEquals(Failure.Verdict.NO_ANSWER, failure.verdict());
        assertTrue(failure.mayBeApplied());
        assertEquals("the connection to the ledger at here:1 broke (channel closed)", failure.line("here:1"));
    }

    @Test
    void unknownFromTheOtherSideIsFinal() {
        Failure failure = Failure.of(Status.UNKNOWN.withDescription("a proxy's"), new Metadata());
        assertEquals(Failure.Verdict.FINAL, failure.verdict());
        assertTrue(failure.mayBeApplied());
    }
}
