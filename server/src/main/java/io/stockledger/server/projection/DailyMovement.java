package io.stockledger.server.projection;

import java.time.LocalDate;

/**
 * Units of one SKU that went from one bucket to another on one day (UTC, when they were recorded), and by how many
 * entries. Buckets and kinds are the contract's, in small letters; {@code toLocation} differs only in a transfer.
 */
public record DailyMovement(LocalDate day, String location, String toLocation, String fromBucket, String toBucket,
        String kind, String channel, long units, long entries) {}
