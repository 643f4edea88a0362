package io.stockledger.server.domain;

/** The verb of an {@link Entry}. */
public enum EntryKind {
    EXPECT,
    CANCEL_EXPECTED,
    RECEIVE,
    RESERVE,
    EXTEND,
    RELEASE,
    COMMIT,
    FULFILL,
    CANCEL_COMMITTED,
    SELL,
    RETURN,
    SET_ASIDE,
    PUT_BACK,
    SHIP_TRANSFER,
    RECEIVE_TRANSFER,
    ADJUST,
    COUNT,
    SET_SAFETY_STOCK,
    SET_CHANNEL_ALLOCATION,
    /** Written by the ledger itself: a hold's time to live passed. */
    EXPIRE
}
