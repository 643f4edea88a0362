package io.stockledger.client;

import com.google.protobuf.ByteString;
import io.stockledger.v1.SubscribeRequest;
import java.util.Optional;

/** One reader's place in the feed. */
public final class Subscription implements AutoCloseable {

    /** Where a subscription stands. */
    public enum State {
        /** No connection: the first is under way, or one broke and the next is tried. */
        CONNECTING,
        /** Connected; there is more in the ledger than has been delivered. */
        CATCHING_UP,
        /** Everything committed has been delivered. */
        CAUGHT_UP,
        /** Ended for good by an error; {@link EntryListener#onFailed} has told which. */
        FAILED,
        /** Closed by its owner. */
        CLOSED
    }

    static Subscription open(LedgerClient client, SubscribeRequest request, EntryListener listener) {
        return new Subscription();
    }

    /** The cursor after the last message that the listener was done with; empty before the first. */
    public Optional<ByteString> cursor() {
        return Optional.empty();
    }

    /** Where it stands now. */
    public State state() {
        return State.CONNECTING;
    }

    /** Ends it; once this returns the listener is called no more (unless called from the listener itself). */
    @Override
    public void close() {}
}
