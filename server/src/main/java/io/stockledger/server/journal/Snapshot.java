package io.stockledger.server.journal;

import io.stockledger.server.journal.snapshot.StockSnapshot;
import java.util.List;

/**
 * A SKU as a snapshot has it.
 *
 * @param stock all but the ids
 * @param olderIds what {@link io.stockledger.server.domain.AppliedIds} keeps of ids before the newest, part by part,
 *     oldest first; not to be changed
 * @param newestIds the words of each part of the newest, of which the message has the bounds
 */
public record Snapshot(StockSnapshot stock, List<long[]> olderIds, List<long[]> newestIds) {}
