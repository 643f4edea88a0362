/**
 * The rules of the ledger, pure: {@link io.stockledger.server.domain.Decider} turns a mutation into an
 * {@link io.stockledger.server.domain.Entry} or a {@link io.stockledger.server.domain.Refusal},
 * {@link io.stockledger.server.domain.Stock} evolves by entries. No clock, no input or output, nothing but
 * {@code java.*}. Quantities are whole units, times are milliseconds since 1970 (0: absent), texts are never null
 * (empty: absent).
 */
package io.stockledger.server.domain;
