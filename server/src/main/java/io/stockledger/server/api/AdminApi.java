package io.stockledger.server.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.audit.SkuAudit;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.server.journal.Pace;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditVerdict;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.ImportStockResponse;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** AdminService: for the operator. */
final class AdminApi extends AdminServiceGrpc.AdminServiceImplBase {
    private static final int SKUS_MAX = 1_000;
    /** A caller who does not take a message for so long has the thread that others wait for. */
    private static final long NOT_READ_MAX_MS = 30_000;

    private final JournalReader journal;
    private final Reads audits;
    private final Pace pace;
    private final StockImports imports;

    /** @param pace kept between the pages of an audit */
    AdminApi(JournalReader journal, Reads audits, Pace pace, StockImports imports) {
        this.journal = journal;
        this.audits = audits;
        this.pace = pace;
        this.imports = imports;
    }

    @Override
    public void importStock(ImportStockRequest request, StreamObserver<ImportStockResponse> observer) {
        imports.take(request, Principal.current(), LedgerApi.deadlineNanos(), new Answer<>(observer));
    }

    @Override
    public void audit(AuditRequest request, StreamObserver<AuditResponse> observer) {
        ServerCallStreamObserver<AuditResponse> answers = (ServerCallStreamObserver<AuditResponse>) observer;
        Outlet outlet = new Outlet(answers);
        try {
            int count = request.getSkusCount();
            if (count == 0 || count > SKUS_MAX) {
                throw InvalidRequest.field("skus", "holds " + count + " SKUs; must be 1 to " + SKUS_MAX);
            }
            List<String> skus = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                skus.add(Fields.sku("skus[" + i + "]", request.getSkus(i)));
            }
            audits.run(status -> answers.onError(Errors.exception(status)), () -> audit(skus, outlet));
        } catch (InvalidRequest e) {
            answers.onError(Errors.exception(e.status()));
        }
    }

    private void audit(List<String> skus, Outlet outlet) throws SQLException {
        for (String sku : skus) {
            Optional<SkuAudit.Verdict> verdict = SkuAudit.of(sku, journal, pace, outlet::isOpen);
            if (verdict.isEmpty()) {
                return;
            }
            for (SkuAudit.Finding finding : verdict.get().findings()) {
                if (!outlet.send(AuditResponse.newBuilder().setFinding(finding(finding)).build())) {
                    return;
                }
            }
            if (!outlet.send(AuditResponse.newBuilder().setVerdict(AuditVerdict.newBuilder()
                    .setSku(sku)
                    .setRows(verdict.get().rows())
                    .setEntries(verdict.get().entries())
                    .setClean(verdict.get().findings().isEmpty())).build())) {
                return;
            }
        }
        outlet.answers.onCompleted();
    }

    /** Where an audit's messages go: no faster than its caller reads, and no longer than he does. */
    private static final class Outlet {
        private final ServerCallStreamObserver<AuditResponse> answers;

        Outlet(ServerCallStreamObserver<AuditResponse> answers) {
            this.answers = answers;
            answers.setOnReadyHandler(this::changed);
            answers.setOnCancelHandler(this::changed);
        }

        private synchronized void changed() {
            notifyAll();
        }

        boolean isOpen() {
            return !answers.isCancelled();
        }

        /** Whether it went out; where not, the call is over. */
        synchronized boolean send(AuditResponse message) {
            long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(NOT_READ_MAX_MS);
            while (!answers.isReady()) {
                long leftMs = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (!isOpen()) {
                    return false;
                }
                if (leftMs <= 0) {
                    answers.onError(Errors.exception(Errors.tooMany("AUDIT_NOT_READ",
                            "the audit's messages were not read for 30 s; others may wait for its place", Duration.ofSeconds(5))));
                    return false;
                }
                try {
                    wait(leftMs);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    answers.onError(Errors.exception(Errors.of(Outcome.Failure.NOT_STARTED)));
                    return false;
                }
            }
            answers.onNext(message);
            return true;
        }
    }

    private static AuditFinding finding(SkuAudit.Finding finding) {
        AuditFindingKind kind = switch (finding.kind()) {
            case ROW_CHANGED -> AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED;
            case CHAIN_BROKEN -> AuditFindingKind.AUDIT_FINDING_KIND_CHAIN_BROKEN;
            case SEQUENCE_GAP -> AuditFindingKind.AUDIT_FINDING_KIND_SEQUENCE_GAP;
            case BALANCE_DRIFT -> AuditFindingKind.AUDIT_FINDING_KIND_BALANCE_DRIFT;
        };
        return AuditFinding.newBuilder()
                .setSku(finding.sku())
                .setKind(kind)
                .setSequence(finding.sequence())
                .setExpected(finding.expected())
                .setFound(finding.found())
                .build();
    }
}
