package io.stockledger.server.domain;

/** Where units are. Every movement takes them out of one bucket and puts them into another. */
public enum Bucket {
    /** On the shelf and free to promise. */
    AVAILABLE,
    /** On the shelf, held for a checkout, with an expiry. */
    RESERVED,
    /** On the shelf, promised to a placed order. */
    COMMITTED,
    /** On the shelf, not to be sold. */
    UNAVAILABLE,
    /** On a purchase order or a transfer, not here yet. */
    INCOMING,
    /** The outside world that units come from. */
    SUPPLIER,
    /** The outside world that units are sold to. */
    CUSTOMER,
    /** The outside world that units vanish into, or turn up from. */
    SHRINKAGE
}
