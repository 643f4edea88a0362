package io.stockledger.server.audit;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * From which entry on a copy differs, part by part (a location, a reservation, a day's movements). Where a part stands as it did after an
 * earlier entry, the next entry that changed it is the first that the copy lacks; where it never stood so, the last is
 * in doubt.
 */
final class Doubt<P> {
    private final Map<P, Long> from = new HashMap<>();
    private final Set<P> onceSame = new HashSet<>();

    /** After an entry that changed the part: whether the copy stands as the ledger did then. */
    void entry(P part, long sequence, boolean same) {
        if (same) {
            onceSame.add(part);
            from.remove(part);
        } else if (onceSame.contains(part)) {
            from.putIfAbsent(part, sequence);
        } else {
            from.put(part, sequence);
        }
    }

    /** Of a part that is no more, here and in the copy. */
    void forget(P part) {
        from.remove(part);
        onceSame.remove(part);
    }

    /** The first entry in doubt of a part that differs; {@code otherwise} where no entry changed it. */
    long of(P part, long otherwise) {
        return from.getOrDefault(part, otherwise);
    }
}
