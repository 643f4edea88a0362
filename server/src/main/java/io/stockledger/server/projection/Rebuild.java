package io.stockledger.server.projection;

/**
 * How a rebuild stands.
 *
 * @param entries in the set that is being built
 * @param entriesShown in the set that is read meanwhile, about what the other will come to; 0: there is none yet
 */
public record Rebuild(boolean underWay, long entries, long entriesShown) {}
