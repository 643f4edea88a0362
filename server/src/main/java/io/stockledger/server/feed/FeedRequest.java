package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import java.time.Duration;

/**
 * What a subscriber asks for.
 *
 * @param chainHeads whether it wants the chain heads of what it is sent
 */
public record FeedRequest(Selection selection, Start start, boolean initialStock, Duration heartbeatInterval, boolean chainHeads) {
    public FeedRequest(Selection selection, Start start, boolean initialStock, Duration heartbeatInterval) {
        this(selection, start, initialStock, heartbeatInterval, false);
    }

    /** Where to begin. */
    public sealed interface Start {
        record Beginning() implements Start {}

        record Now() implements Start {}

        record After(Cursor cursor) implements Start {}
    }
}
