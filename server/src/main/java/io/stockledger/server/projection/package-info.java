/**
 * Stock as SQL tables, for listings and for whatever speaks SQL: built from the feed, each entry exactly once, and built
 * anew beside the tables that are read. Nothing decides by it, and it may be thrown away at any time. A row that is not
 * what was written is passed over, so that other SKUs go on; a rebuild after the row's repair makes its SKU right.
 */
package io.stockledger.server.projection;
