package io.stockledger.server.feed;

import io.stockledger.server.journal.Cursor;
import io.stockledger.server.journal.JournalRow;
import java.time.Duration;

/**
 * What a subscriber asks for, and what it has had already of that.
 *
 * @param chainHeads whether it wants the chain heads of what it is sent
 */
public record FeedRequest(Selection selection, Start start, boolean initialStock, Duration heartbeatInterval, boolean chainHeads, Had had) {
    public FeedRequest(Selection selection, Start start, boolean initialStock, Duration heartbeatInterval) {
        this(selection, start, initialStock, heartbeatInterval, false);
    }

    public FeedRequest(Selection selection, Start start, boolean initialStock, Duration heartbeatInterval, boolean chainHeads) {
        this(selection, start, initialStock, heartbeatInterval, chainHeads, row -> 0);
    }

    /** How many entries of a row are not to be sent, from its first on; {@link Cursor#WHOLE_ROW}: none of it is. */
    @FunctionalInterface
    public interface Had {
        int of(JournalRow row);
    }

    /** Where to begin. */
    public sealed interface Start {
        record Beginning() implements Start {}

        record Now() implements Start {}

        record After(Cursor cursor) implements Start {}
    }
}
