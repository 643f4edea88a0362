package io.stockledger.server.domain;

/**
 * Units held for a checkout, and what became of them: {@code quantity = held + committed + released + expired +
 * fulfilled + cancelled}, always. Its id is that of the mutation that made it.
 */
public record Reservation(
        String id,
        String location,
        String channel,
        String reference,
        long quantity,
        long held,
        long committed,
        long released,
        long expired,
        long fulfilled,
        long cancelled,
        long expiresAtMs,
        long sequence) {

    public boolean open() {
        return held > 0 || committed > 0;
    }

    /** What a Reserve's entry made. */
    public static Reservation madeBy(Entry entry) {
        long quantity = entry.quantity();
        return new Reservation(entry.reservationId(), entry.location(), entry.channel(), entry.reference(), quantity,
                quantity, 0, 0, 0, 0, 0, entry.expiresAtMs(), entry.sequence());
    }

    /** This reservation after an entry that names it. */
    public Reservation after(Entry entry) {
        long units = entry.quantity();
        return switch (entry.kind()) {
            case RELEASE -> with(held - units, committed, released + units, expired, fulfilled, cancelled);
            case EXPIRE -> with(held - units, committed, released, expired + units, fulfilled, cancelled);
            case COMMIT -> with(held - units, committed + units, released, expired, fulfilled, cancelled);
            case FULFILL -> with(held, committed - units, released, expired, fulfilled + units, cancelled);
            case CANCEL_COMMITTED -> with(held, committed - units, released, expired, fulfilled, cancelled + units);
            case EXTEND -> new Reservation(id, location, channel, reference, quantity, held, committed, released,
                    expired, fulfilled, cancelled, entry.expiresAtMs(), sequence);
            case RESERVE, EXPECT, CANCEL_EXPECTED, RECEIVE, SELL, RETURN, SET_ASIDE, PUT_BACK, SHIP_TRANSFER,
                    RECEIVE_TRANSFER, ADJUST, COUNT, SET_SAFETY_STOCK, SET_CHANNEL_ALLOCATION ->
                    throw new IllegalArgumentException(entry.kind() + " changes no reservation");
        };
    }

    private Reservation with(long held, long committed, long released, long expired, long fulfilled, long cancelled) {
        return new Reservation(id, location, channel, reference, quantity, held, committed, released, expired,
                fulfilled, cancelled, expiresAtMs, sequence);
    }

    /** What became of a reservation, told by the entries that name it, in order; the first must have made it. */
    public static Reservation from(Iterable<Entry> entries) {
        Reservation reservation = null;
        for (Entry entry : entries) {
            reservation = reservation == null ? madeBy(entry) : reservation.after(entry);
        }
        if (reservation == null) {
            throw new IllegalArgumentException("no entry made the reservation");
        }
        return reservation;
    }
}
