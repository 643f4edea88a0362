package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import java.time.Duration;

/** What a subscriber asks for. */
public record FeedRequest(Selection selection, Start start, boolean initialStock, Duration heartbeatInterval) {
    /** Where to begin. */
    public sealed interface Start {
        record Beginning() implements Start {}

        record Now() implements Start {}

        record After(Cursor cursor) implements Start {}
    }
}
