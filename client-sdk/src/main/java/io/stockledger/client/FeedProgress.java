package io.stockledger.client;

import com.google.protobuf.ByteString;
import java.time.Instant;
import java.util.Optional;

/**
 * How far a message of the feed reaches.
 *
 * @param cursor come back after this one; opaque, of use to any later subscription with the same filter and share
 * @param ledgerTime the ledger's clock when it made the message
 * @param completeTime everything committed before this moment, by the ledger's clock, has been delivered; empty while
 *     catching up
 */
public record FeedProgress(ByteString cursor, Instant ledgerTime, Optional<Instant> completeTime) {}
