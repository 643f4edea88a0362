package io.stockledger.server.audit;

import io.stockledger.server.journal.AuditReader;
import io.stockledger.server.journal.ChainHead;
import io.stockledger.server.journal.Database;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The audit: replays SKUs from the journal and holds journal, snapshots, projections and chain heads against the replay.
 * Holds one page and one SKU's stock at a time, whatever the journal's size, and rests as the pace says.
 */
public final class JournalAudit {
    private static final int SKUS_A_PAGE = 500;

    private final JournalReader journal;
    private final AuditReader reader;
    private final List<AuditedProjection> projections;
    private final Pace pace;

    /**
     * @param projections held against the replay beside the journal
     * @param pace kept while it reads
     */
    public JournalAudit(Database database, JournalReader journal, List<AuditedProjection> projections, Pace pace) {
        this.journal = journal;
        this.reader = new AuditReader(database);
        this.projections = List.copyOf(projections);
        this.pace = pace;
    }

    /**
     * One SKU, audited.
     *
     * @param head where its chain stands; empty where there is no row, or a finding
     */
    public record Verdict(String sku, long rows, long entries, List<Finding> findings, Optional<ChainHead> head) {}

    /**
     * How far an audit is.
     *
     * @param lastSku the last that is done; empty: none
     */
    public record Progress(String lastSku, long skus, long rows, long entries, long findings) {
        public static final Progress NONE = new Progress("", 0, 0, 0, 0);

        private Progress with(SkuAudit underWay) {
            return new Progress(lastSku, skus, rows + underWay.rows(), entries + underWay.entries(), findings);
        }

        private Progress with(Verdict done) {
            return new Progress(done.sku(), skus + 1, rows + done.rows(), entries + done.entries(), findings + done.findings().size());
        }
    }

    /** Who follows an audit, and may stop it. */
    public interface Follower {
        /** Before each page; false stops the audit. */
        boolean goesOn(Progress soFar);

        /** A SKU is done; false stops the audit. */
        boolean done(Verdict verdict, Progress soFar);
    }

    /** One SKU and what to hold it against beside the rest: chain heads that were kept elsewhere. */
    public record Asked(String sku, List<ChainHead> heads) {}

    /** Audits these SKUs in turn; empty where the follower stopped it. */
    public Optional<Progress> some(List<Asked> asked, Follower follower) throws SQLException {
        return audit(asked, Progress.NONE, follower);
    }

    /**
     * Audits every SKU after the last of {@code before}, in the order of their bytes; empty where the follower stopped it.
     *
     * @param before of an earlier audit that goes on now
     */
    public Optional<Progress> all(Progress before, Follower follower) throws SQLException {
        Progress progress = before;
        while (true) {
            List<String> page = reader.skusAfter(progress.lastSku(), SKUS_A_PAGE);
            if (page.isEmpty()) {
                return Optional.of(progress);
            }
            Optional<Progress> after = audit(page.stream().map(sku -> new Asked(sku, List.of())).toList(), progress, follower);
            if (after.isEmpty()) {
                return after;
            }
            progress = after.get();
        }
    }

    private Optional<Progress> audit(List<Asked> skus, Progress before, Follower follower) throws SQLException {
        Progress progress = before;
        Map<String, List<Long>> snapshotRows = reader.snapshotRows(skus.stream().map(Asked::sku).toList());
        for (Asked asked : skus) {
            SkuAudit audit = new SkuAudit(asked, snapshotRows.getOrDefault(asked.sku(), List.of()), journal, reader, projections);
            Optional<Verdict> verdict = Optional.empty();
            while (verdict.isEmpty()) {
                if (Thread.currentThread().isInterrupted() || !follower.goesOn(progress.with(audit))) {
                    return Optional.empty();
                }
                Pace.Turn turn = pace.begin();
                verdict = audit.page(turn);
                turn.end();
            }
            progress = progress.with(verdict.get());
            if (!follower.done(verdict.get(), progress)) {
                return Optional.empty();
            }
        }
        return Optional.of(progress);
    }
}
