/**
 * Stock as SQL tables, for listings and for whatever speaks SQL: built from the feed, each entry exactly once, and built
 * anew beside the tables that are read. Nothing decides by it, and it may be thrown away at any time.
 */
package io.stockledger.server.projection;
