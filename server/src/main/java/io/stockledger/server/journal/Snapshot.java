package io.stockledger.server.journal;

import io.stockledger.server.domain.IdsPart;
import io.stockledger.server.journal.snapshot.StockSnapshot;
import java.util.List;

/**
 * A SKU as a snapshot has it.
 *
 * @param stock all but the ids
 * @param olderIds what {@link io.stockledger.server.domain.AppliedIds} keeps of ids before the newest, part by part,
 *     oldest first
 * @param newestIds each part of the newest, of which the message has the bounds; the last is stored with it
 */
public record Snapshot(StockSnapshot stock, List<IdsPart> olderIds, List<IdsPart> newestIds) {}
