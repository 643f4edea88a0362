package io.stockledger.server.domain;

/**
 * How much one SKU may hold open. Each is a setting ({@code stockledger.limits} in reference.conf has the defaults).
 *
 * @param locations at most so many locations
 * @param openReservations at most so many reservations with something held or committed
 * @param expectedReferences at most so many references with incoming units
 * @param allocations at most so many channels with an allocation at one location
 */
public record Limits(int locations, int openReservations, int expectedReferences, int allocations) {
    /** The most that one mutation may move: 10^12 units. */
    public static final long QUANTITY_MAX = 1_000_000_000_000L;
    /** The most that one bucket may hold: 10^18 units, so that sums of buckets never overflow. */
    public static final long BALANCE_MAX = 1_000_000_000_000_000_000L;

    public static final Limits DEFAULT = new Limits(10_000, 100_000, 10_000, 100);
}
