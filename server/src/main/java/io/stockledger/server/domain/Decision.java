package io.stockledger.server.domain;

/** What comes of a mutation: an {@link Entry} to be written, or a {@link Refusal}, which writes nothing. */
public sealed interface Decision permits Entry, Refusal {}
