package io.stockledger.server.domain;

/**
 * Some of a SKU's ids, which never change any more: the same object for as long as they are kept, so that whoever stores
 * them knows them again. Any thread.
 */
public interface IdsPart {
    /** Not to be changed; may be put together anew for each who asks. */
    long[] words();

    static IdsPart of(long[] words) {
        return () -> words;
    }
}
