package io.stockledger.server.journal;

import io.stockledger.server.domain.Entry;
import io.stockledger.server.domain.Reservation;
import java.util.List;
import java.util.Optional;

/** What a SKU's rows tell about its past. Every call reads the journal and takes its time. */
public interface History {
    /**
     * The entry that a mutation wrote.
     *
     * @param hintSequence where it may be found at once; 0: nowhere in particular
     * @param sinceMs entries recorded before that time need not be looked at
     */
    Optional<Entry> entryOf(String sku, String mutationId, long hintSequence, long sinceMs);

    /** The SKU's entries from a sequence on, as they are stored; at most so many. */
    List<io.stockledger.v1.Entry> entries(String sku, long fromSequence, int max);

    /** On hand at a location right after the SKU's entry {@code atSequence}. */
    long onHandAtSequence(String sku, String location, long atSequence);

    /** On hand at a location after the SKU's last entry recorded at or before a time. */
    long onHandAtTime(String sku, String location, long atTimeMs);

    /**
     * Returns once every write transaction that is under way in the store now has ended, so that what is read
     * afterwards can't be overtaken by a write from before; throws where that takes too long.
     */
    void settle();

    /** A reservation, open or closed, as the SKU's rows tell it; its id is that of the mutation that made it. */
    Optional<Reservation> reservation(String sku, String reservationId);
}
