package io.stockledger.server.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.audit.SkuAudit;
import io.stockledger.server.journal.JournalReader;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditVerdict;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** AdminService: for the operator. */
final class AdminApi extends AdminServiceGrpc.AdminServiceImplBase {
    private static final int SKUS_MAX = 1_000;

    private final JournalReader journal;
    private final Reads reads;

    AdminApi(JournalReader journal, Reads reads) {
        this.journal = journal;
        this.reads = reads;
    }

    @Override
    public void audit(AuditRequest request, StreamObserver<AuditResponse> observer) {
        ServerCallStreamObserver<AuditResponse> answers = (ServerCallStreamObserver<AuditResponse>) observer;
        answers.setOnCancelHandler(() -> { });
        try {
            int count = request.getSkusCount();
            if (count == 0 || count > SKUS_MAX) {
                throw InvalidRequest.field("skus", "holds " + count + " SKUs; must be 1 to " + SKUS_MAX);
            }
            List<String> skus = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                skus.add(Fields.sku("skus[" + i + "]", request.getSkus(i)));
            }
            reads.run(status -> answers.onError(Errors.exception(status)), () -> audit(skus, answers));
        } catch (InvalidRequest e) {
            answers.onError(Errors.exception(e.status()));
        }
    }

    private void audit(List<String> skus, ServerCallStreamObserver<AuditResponse> answers) throws SQLException {
        for (String sku : skus) {
            if (answers.isCancelled()) {
                return;
            }
            SkuAudit.Verdict verdict = SkuAudit.of(sku, journal);
            for (SkuAudit.Finding finding : verdict.findings()) {
                answers.onNext(AuditResponse.newBuilder().setFinding(finding(finding)).build());
            }
            answers.onNext(AuditResponse.newBuilder().setVerdict(AuditVerdict.newBuilder()
                    .setSku(sku)
                    .setRows(verdict.rows())
                    .setEntries(verdict.entries())
                    .setClean(verdict.findings().isEmpty())).build());
        }
        answers.onCompleted();
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
