package io.stockledger.server.projection;

import java.util.List;

/** What came of asking for a page of the projection. */
public sealed interface Listing<T> {
    /** Rows in order, whether more follow, and what they reflect: all of them one moment. */
    record Page<T>(List<T> rows, boolean more, Freshness freshness) implements Listing<T> {}

    /** It has never been complete yet: the first build is under way. */
    record NotBuilt<T>() implements Listing<T> {}

    /** The database ended the query: what was asked for takes too long to find. */
    record TookTooLong<T>() implements Listing<T> {}
}
