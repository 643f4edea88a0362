package io.stockledger.server.audit;

import io.stockledger.server.audit.Finding.Kind;
import io.stockledger.server.journal.ChainHead;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;

/** Holds a SKU's rows against chain heads of it that were kept elsewhere. */
final class HeadCheck {
    private final Findings findings;
    private final Deque<ChainHead> heads;
    /** The last entry that a head has vouched for. */
    private long confirmed;

    HeadCheck(List<ChainHead> heads, Findings findings) {
        this.findings = findings;
        this.heads = new ArrayDeque<>(heads.stream().sorted(Comparator.comparingLong(ChainHead::rowNumber)).toList());
    }

    void row(ChainHead row) {
        while (!heads.isEmpty() && heads.peek().rowNumber() <= row.rowNumber()) {
            ChainHead kept = heads.remove();
            if (kept.agreesWith(row)) {
                confirmed = row.sequence();
            } else {
                findings.add(Kind.HEAD_CONTRADICTED, confirmed + 1, kept + ", as it was kept elsewhere",
                        kept.rowNumber() == row.rowNumber() ? row.toString() : "no row " + kept.rowNumber());
            }
        }
    }

    /** After the last row. */
    void end(long rowNumber, long sequence) {
        if (!heads.isEmpty()) {
            findings.add(Kind.HEAD_CONTRADICTED, sequence + 1, heads.peekLast() + ", as it was kept elsewhere",
                    rowNumber == 0 ? "no row at all" : "row " + rowNumber + ", entry " + sequence + " as the last");
        }
    }
}
