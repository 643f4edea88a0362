package io.stockledger.server.api;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.stockledger.server.audit.Finding;
import io.stockledger.server.audit.JournalAudit;
import io.stockledger.server.audit.JournalAudit.Asked;
import io.stockledger.server.audit.JournalAudit.Progress;
import io.stockledger.server.audit.JournalAudit.Verdict;
import io.stockledger.server.journal.ChainHead;
import io.stockledger.server.journal.GroupRow;
import io.stockledger.v1.AdminServiceGrpc;
import io.stockledger.v1.AuditFinding;
import io.stockledger.v1.AuditFindingKind;
import io.stockledger.v1.AuditProgress;
import io.stockledger.v1.AuditRequest;
import io.stockledger.v1.AuditResponse;
import io.stockledger.v1.AuditTotal;
import io.stockledger.v1.AuditVerdict;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.ImportStockResponse;
import io.stockledger.v1.RebuildProjectionRequest;
import io.stockledger.v1.RebuildProjectionResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** AdminService: for the operator. */
final class AdminApi extends AdminServiceGrpc.AdminServiceImplBase {
    private static final int SKUS_MAX = 1_000;
    private static final int HEADS_MAX = 1_000;
    private static final long PROGRESS_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final JournalAudit audit;
    private final Reads audits;
    private final ProjectionApi projection;
    private final StockImports imports;
    /** An audit of everything may take hours: one has a thread, and those of some SKUs have the others. */
    private final AtomicBoolean everythingUnderWay = new AtomicBoolean();

    AdminApi(JournalAudit audit, Reads audits, ProjectionApi projection, StockImports imports) {
        this.audit = audit;
        this.audits = audits;
        this.projection = projection;
        this.imports = imports;
    }

    @Override
    public void importStock(ImportStockRequest request, StreamObserver<ImportStockResponse> observer) {
        imports.take(request, Principal.current(), LedgerApi.deadlineNanos(), new Answer<>(observer));
    }

    @Override
    public void audit(AuditRequest request, StreamObserver<AuditResponse> observer) {
        ServerCallStreamObserver<AuditResponse> answers = (ServerCallStreamObserver<AuditResponse>) observer;
        AuditOutlet outlet = new AuditOutlet(answers);
        try {
            List<Asked> asked = asked(request);
            boolean everything = asked.isEmpty();
            if (!everything && !request.getAfterSku().isEmpty()) {
                throw InvalidRequest.field("after_sku", "not with skus or heads: it is where an audit of everything goes on");
            }
            String afterSku = request.getAfterSku().isEmpty() ? "" : Fields.sku("after_sku", request.getAfterSku());
            if (everything && !everythingUnderWay.compareAndSet(false, true)) {
                answers.onError(Errors.exception(Errors.tooMany("AUDIT_UNDER_WAY",
                        "an audit of everything is at work on this node already; audit single SKUs, or come back when it is done",
                        Duration.ofMinutes(1))));
                return;
            }
            audits.run(status -> {
                if (everything) {
                    everythingUnderWay.set(false);
                }
                answers.onError(Errors.exception(status));
            }, () -> {
                Relay relay = new Relay(outlet, everything, request.getChainHeads());
                Optional<Progress> end = everything
                        ? audit.all(new Progress(afterSku, 0, 0, 0, 0), relay)
                        : audit.some(asked, relay);
                if (everything) {
                    everythingUnderWay.set(false);
                }
                if (end.isPresent() && outlet.send(AuditResponse.newBuilder().setTotal(total(end.get())).build())) {
                    answers.onCompleted();
                }
            });
        } catch (InvalidRequest e) {
            answers.onError(Errors.exception(e.status()));
        }
    }

    @Override
    public void rebuildProjection(RebuildProjectionRequest request, StreamObserver<RebuildProjectionResponse> observer) {
        projection.rebuild((ServerCallStreamObserver<RebuildProjectionResponse>) observer);
    }

    /** The SKUs that are named, each once; none: all. */
    private static List<Asked> asked(AuditRequest request) throws InvalidRequest {
        if (request.getSkusCount() > SKUS_MAX) {
            throw InvalidRequest.field("skus", "holds " + request.getSkusCount() + " SKUs; must be " + SKUS_MAX + " at most");
        }
        if (request.getHeadsCount() > HEADS_MAX) {
            throw InvalidRequest.field("heads", "holds " + request.getHeadsCount() + " chain heads; must be " + HEADS_MAX + " at most");
        }
        Map<String, List<ChainHead>> heads = new LinkedHashMap<>();
        for (int i = 0; i < request.getSkusCount(); i++) {
            heads.putIfAbsent(Fields.sku("skus[" + i + "]", request.getSkus(i)), new ArrayList<>());
        }
        for (int i = 0; i < request.getHeadsCount(); i++) {
            ChainHead head = head("heads[" + i + "]", request.getHeads(i));
            heads.computeIfAbsent(head.sku(), sku -> new ArrayList<>()).add(head);
        }
        return heads.entrySet().stream().map(sku -> new Asked(sku.getKey(), sku.getValue())).toList();
    }

    private static ChainHead head(String field, io.stockledger.v1.ChainHead head) throws InvalidRequest {
        String sku = Fields.sku(field + ".sku", head.getSku());
        if (head.getRow() < 1) {
            throw InvalidRequest.field(field + ".row", "must be 1 or more");
        }
        if (head.getSequence() < head.getRow()) {
            throw InvalidRequest.field(field + ".sequence", "must not be below the row's number: a row holds an entry at least");
        }
        if (head.getDigest().size() != GroupRow.DIGEST_BYTES) {
            throw InvalidRequest.field(field + ".digest", "holds " + head.getDigest().size() + " bytes; must be " + GroupRow.DIGEST_BYTES);
        }
        return new ChainHead(sku, head.getRow(), head.getSequence(), head.getDigest().toByteArray());
    }

    /** Passes an audit on to its caller: all verdicts where SKUs were named, else those with findings and the progress. */
    private static final class Relay implements JournalAudit.Follower {
        private final AuditOutlet outlet;
        private final boolean everything;
        private final boolean chainHeads;
        private long toldNanos = System.nanoTime();

        Relay(AuditOutlet outlet, boolean everything, boolean chainHeads) {
            this.outlet = outlet;
            this.everything = everything;
            this.chainHeads = chainHeads;
        }

        @Override
        public boolean goesOn(Progress soFar) {
            if (!everything || System.nanoTime() - toldNanos < PROGRESS_NANOS) {
                return outlet.isOpen();
            }
            toldNanos = System.nanoTime();
            return outlet.send(AuditResponse.newBuilder().setProgress(progress(soFar)).build());
        }

        @Override
        public boolean done(Verdict verdict, Progress soFar) {
            for (Finding finding : verdict.findings()) {
                if (!outlet.send(AuditResponse.newBuilder().setFinding(finding(finding)).build())) {
                    return false;
                }
            }
            boolean clean = verdict.findings().isEmpty();
            if ((!everything || !clean) && !outlet.send(AuditResponse.newBuilder().setVerdict(verdict(verdict)).build())) {
                return false;
            }
            return !chainHeads || verdict.head().isEmpty()
                    || outlet.send(AuditResponse.newBuilder().setChainHead(verdict.head().get().toContract()).build());
        }
    }

    private static AuditVerdict verdict(Verdict verdict) {
        return AuditVerdict.newBuilder()
                .setSku(verdict.sku())
                .setRows(verdict.rows())
                .setEntries(verdict.entries())
                .setClean(verdict.findings().isEmpty())
                .build();
    }

    private static AuditProgress progress(Progress progress) {
        return AuditProgress.newBuilder()
                .setSku(progress.lastSku())
                .setSkus(progress.skus())
                .setRows(progress.rows())
                .setEntries(progress.entries())
                .build();
    }

    private static AuditTotal total(Progress progress) {
        return AuditTotal.newBuilder()
                .setSkus(progress.skus())
                .setRows(progress.rows())
                .setEntries(progress.entries())
                .setFindings(progress.findings())
                .setClean(progress.findings() == 0)
                .build();
    }

    private static AuditFinding finding(Finding finding) {
        AuditFindingKind kind = switch (finding.kind()) {
            case ROW_CHANGED -> AuditFindingKind.AUDIT_FINDING_KIND_ROW_CHANGED;
            case CHAIN_BROKEN -> AuditFindingKind.AUDIT_FINDING_KIND_CHAIN_BROKEN;
            case SEQUENCE_GAP -> AuditFindingKind.AUDIT_FINDING_KIND_SEQUENCE_GAP;
            case BALANCE_DRIFT -> AuditFindingKind.AUDIT_FINDING_KIND_BALANCE_DRIFT;
            case HOLDS_DRIFT -> AuditFindingKind.AUDIT_FINDING_KIND_HOLDS_DRIFT;
            case BELOW_ZERO -> AuditFindingKind.AUDIT_FINDING_KIND_BELOW_ZERO;
            case ENTRY_MALFORMED -> AuditFindingKind.AUDIT_FINDING_KIND_ENTRY_MALFORMED;
            case SNAPSHOT_DRIFT -> AuditFindingKind.AUDIT_FINDING_KIND_SNAPSHOT_DRIFT;
            case PROJECTION_DRIFT -> AuditFindingKind.AUDIT_FINDING_KIND_PROJECTION_DRIFT;
            case HEAD_CONTRADICTED -> AuditFindingKind.AUDIT_FINDING_KIND_HEAD_CONTRADICTED;
        };
        return AuditFinding.newBuilder()
                .setSku(finding.sku())
                .setKind(kind)
                .setSequence(finding.sequence())
                .setExpected(finding.expected())
                .setFound(finding.found())
                .setAdvice(finding.kind().advice())
                .build();
    }
}
