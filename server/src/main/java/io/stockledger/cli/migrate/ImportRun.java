package io.stockledger.cli.migrate;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.Status.Code;
import io.grpc.protobuf.StatusProto;
import io.stockledger.cli.Converters;
import io.stockledger.cli.Failure;
import io.stockledger.cli.Table;
import io.stockledger.client.LedgerClient;
import io.stockledger.client.LedgerException;
import io.stockledger.v1.ImportLine;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.MutationResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;

/** Sends an import's lines, a batch at a time, each until the ledger has settled all of it. */
final class ImportRun {
    private static final int LINES_A_CALL = 1_000;
    private static final int LINES_NAMED_MAX = 3;
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final LedgerClient client;
    private final String name;
    private final ImportPlan plan;
    private final Duration patience;
    private final List<Bad> bad = new ArrayList<>();
    private long applied;
    private long known;
    private long foreign;
    /** Whether a call went without an answer, so that what it brought in is known when it is asked again. */
    private boolean unanswered;
    private String lastError = "";

    /** A line that the ledger does not take, however often it is sent as it is. */
    private record Bad(OldStock.Row row, String why, String reason) {
    }

    /** @param patience for a ledger that is away, or full, while no line gets through */
    ImportRun(LedgerClient client, String name, ImportPlan plan, Duration patience) {
        this.client = client;
        this.name = name;
        this.plan = plan;
        this.patience = patience;
    }

    /** Lines that this run brought in. */
    long applied() {
        return applied;
    }

    /** Lines that the ledger had from an earlier run. */
    long known() {
        return known;
    }

    /** Of those, the ones of which this run's own calls can't be the reason. */
    long foreign() {
        return foreign;
    }

    /** Sends all; a {@link Failure} where a line can't be brought in, once the others of its call are settled. */
    void send(LongConsumer settledLines) throws InterruptedException {
        List<OldStock.Row> rows = plan.rows().stream().filter(row -> row.quantity() > 0).toList();
        for (int from = 0; from < rows.size(); from += LINES_A_CALL) {
            List<OldStock.Row> open = rows.subList(from, Math.min(rows.size(), from + LINES_A_CALL));
            long lastLine = open.get(open.size() - 1).line();
            unanswered = false;
            long movedAt = System.nanoTime();
            while (!open.isEmpty()) {
                List<OldStock.Row> left = call(open);
                if (left.size() < open.size()) {
                    movedAt = System.nanoTime();
                    settledLines.accept(applied + known);
                }
                if (!left.isEmpty()) {
                    if (System.nanoTime() - movedAt > patience.toNanos()) {
                        throw broken("the ledger has taken no line for " + patience.toSeconds() + " s, last " + named(left.get(0)) + ": " + lastError);
                    }
                    TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
                }
                open = left;
            }
            if (!bad.isEmpty()) {
                throw stopped(lastLine, from + LINES_A_CALL < rows.size());
            }
        }
    }

    /** Those of the lines that are to be sent again. */
    private List<OldStock.Row> call(List<OldStock.Row> rows) {
        ImportStockRequest.Builder request = ImportStockRequest.newBuilder().setImportName(name).setCreatedAt(Converters.timestamp(plan.begun()));
        rows.forEach(row -> request.addLines(ImportLine.newBuilder()
                .setLine(row.line()).setSku(row.place().sku()).setLocation(row.place().location()).setQuantity(row.quantity())));
        List<MutationResult> results;
        try {
            results = client.importStock(request.build()).getResultsList();
        } catch (LedgerException e) {
            Status status = e.getCause() == null ? Status.getDefaultInstance() : StatusProto.fromThrowable(e.getCause());
            if (isWorthRepeating(e.code(), status)) {
                unanswered = true;
                lastError = e.getMessage();
                return rows;
            }
            throw broken("from " + named(rows.get(0)) + " on: " + e.getMessage());
        }
        List<OldStock.Row> left = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            if (!settle(rows.get(i), results.get(i))) {
                left.add(rows.get(i));
            }
        }
        return left;
    }

    /** False where the line is to be sent again. */
    private boolean settle(OldStock.Row row, MutationResult result) {
        switch (result.getOutcomeCase()) {
            case APPLIED -> {
                boolean replayed = result.getApplied().getReplayed();
                applied += replayed ? 0 : 1;
                known += replayed ? 1 : 0;
                foreign += replayed && !unanswered ? 1 : 0;
            }
            case REFUSAL -> bad.add(new Bad(row, "refused: " + result.getRefusal().getReason(), ""));
            case ERROR -> {
                Status error = result.getError();
                if (isWorthRepeating(io.grpc.Status.fromCodeValue(error.getCode()).getCode(), error)) {
                    lastError = Table.printable(error.getMessage());
                    return false;
                }
                bad.add(new Bad(row, Table.printable(error.getMessage()), reason(error)));
            }
            case OUTCOME_NOT_SET -> bad.add(new Bad(row, "came back without an outcome", ""));
        }
        return true;
    }

    /** What is full tells when it is worth another try; where it does not, as with a limit of the SKU, it never is. */
    private static boolean isWorthRepeating(Code code, Status status) {
        return code == Code.UNAVAILABLE || code == Code.DEADLINE_EXCEEDED
                || code == Code.RESOURCE_EXHAUSTED && status.getDetailsList().stream().anyMatch(detail -> detail.is(RetryInfo.class));
    }

    private static String reason(Status error) {
        for (Any detail : error.getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                try {
                    return detail.unpack(ErrorInfo.class).getReason();
                } catch (InvalidProtocolBufferException e) {
                    throw new IllegalStateException("the ledger's error can't be read", e);
                }
            }
        }
        return "";
    }

    private static String named(OldStock.Row row) {
        return "line " + row.line() + " (" + Table.printable(row.place().toString()) + ")";
    }

    /**
     * Says which lines the ledger does not take, which it has, and what can be done.
     *
     * @param lastLine up to which all others are settled
     * @param more whether there are lines after it
     */
    private Failure stopped(long lastLine, boolean more) {
        for (Bad one : bad) {
            if (one.reason().equals("MUTATION_EXPIRED")) {
                return expired(one.row());
            }
        }
        boolean reused = bad.stream().anyMatch(one -> one.reason().equals("MUTATION_ID_REUSED"));
        String shown = bad.stream().limit(LINES_NAMED_MAX).map(one -> named(one.row()) + ": " + (one.reason().equals("MUTATION_ID_REUSED")
                ? "an import " + name + " has brought in other units under this line's number" : one.why())).collect(Collectors.joining("; "))
                + (bad.size() > LINES_NAMED_MAX ? "; and " + Table.grouped(bad.size() - LINES_NAMED_MAX) + " more lines" : "");
        String left = (bad.size() == 1 ? "that one" : "those " + Table.grouped(bad.size())) + (more ? " and the lines after " + lastLine : "");
        return new Failure(shown + ". Stopped: " + count() + ", up to line " + lastLine + " all but " + (bad.size() == 1 ? "that one" : "those")
                + ". The same command stops there again" + (reused ? "" : ", until what it says is mended") + "; what is left (" + left
                + ") can go in under another --name, with --add");
    }

    private Failure expired(OldStock.Row row) {
        return new Failure(named(row) + " can't be brought in any more: the import " + name + " was begun at "
                + Converters.shown(plan.begun()) + ", longer ago than the ledger recognises an id, so it can't be gone on with; in this run "
                + count() + ". A SKU whose entries ('stockledger entries SKU') have the reference import/" + name
                + " has its line; bring the remaining lines in under a new --name, with --add");
    }

    private Failure broken(String why) {
        return new Failure(why + "; " + count() + " for certain" + (bad.isEmpty() ? "" : ", and " + named(bad.get(0).row()) + " is not taken: " + bad.get(0).why())
                + "; the same command again goes on after them");
    }

    private String count() {
        long settled = applied + known;
        return Table.grouped(settled) + (settled == 1 ? " line is in the ledger" : " lines are in the ledger");
    }
}
