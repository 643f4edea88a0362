package io.stockledger.server.feed;

/**
 * Where one subscription's messages go. The feed calls it from one thread at a time, and sends only
 * while it is ready; what it took while ready it must buffer itself.
 */
public interface FeedSink {
    /** Whether a message would go out soon. Once it turns true again, {@link Subscription#wake} is called by the sink's owner. */
    boolean isReady();

    void send(FeedMessage message);

    /** The last call. */
    void end(End why);

    /** Why the feed ends a subscription by itself. */
    enum End {
        /** The cursor names a row that the journal does not hold: it is from before a restore. */
        CURSOR_EXPIRED,
        /** The server stops. */
        CLOSING,
        /** The node serves as many subscriptions as it may. */
        TOO_MANY,
        /** A stored row is not what was written. */
        JOURNAL_DAMAGED,
        /** The ledger could not go on with it, for a reason that its log tells. */
        FAILED,
        /** The named subscription was deleted. */
        DELETED,
        /** The named subscription goes on from elsewhere. */
        REWOUND,
        /** The stream's lease on its slots has ended. */
        MOVED,
        /** A newer stream is the same consumer's. */
        TAKEN_OVER,
        /** What was sent was not acknowledged for too long. */
        NOT_ACKNOWLEDGED
    }
}
