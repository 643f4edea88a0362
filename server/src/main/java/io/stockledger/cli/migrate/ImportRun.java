package io.stockledger.cli.migrate;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.Status.Code;
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

/** Sends an import's lines, a batch at a time, each until the ledger has settled all of it. */
final class ImportRun {
    private static final int LINES_A_CALL = 1_000;
    private static final Duration PAUSE = Duration.ofMillis(500);

    private final LedgerClient client;
    private final String name;
    private final ImportPlan plan;
    private final Duration patience;
    private long applied;
    private long known;
    private String lastError = "";

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

    /** Sends all; a {@link Failure} where a line can't be brought in. */
    void send(LongConsumer settledLines) throws InterruptedException {
        List<OldStock.Row> rows = plan.rows().stream().filter(row -> row.quantity() > 0).toList();
        for (int from = 0; from < rows.size(); from += LINES_A_CALL) {
            List<OldStock.Row> open = rows.subList(from, Math.min(rows.size(), from + LINES_A_CALL));
            long movedAt = System.nanoTime();
            while (!open.isEmpty()) {
                List<OldStock.Row> left = call(open);
                if (left.size() < open.size()) {
                    movedAt = System.nanoTime();
                    settledLines.accept(applied + known);
                }
                if (!left.isEmpty()) {
                    if (System.nanoTime() - movedAt > patience.toNanos()) {
                        throw broken("the ledger has taken no line for " + patience.toSeconds() + " s: " + lastError);
                    }
                    TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
                }
                open = left;
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
            if (isWorthRepeating(e.code())) {
                lastError = e.getMessage();
                return rows;
            }
            throw broken(e.getMessage());
        }
        List<OldStock.Row> left = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            if (!settle(rows.get(i), results.get(i))) {
                left.add(rows.get(i));
            }
        }
        return left;
    }

    private boolean settle(OldStock.Row row, MutationResult result) {
        return switch (result.getOutcomeCase()) {
            case APPLIED -> {
                if (result.getApplied().getReplayed()) {
                    known++;
                } else {
                    applied++;
                }
                yield true;
            }
            case REFUSAL -> throw broken("line " + row.line() + " (" + row.place() + ") is refused: " + result.getRefusal().getReason());
            case ERROR -> {
                Status error = result.getError();
                if (reason(error).equals("MUTATION_EXPIRED")) {
                    throw expired(row);
                }
                if (!isWorthRepeating(io.grpc.Status.fromCodeValue(error.getCode()).getCode())) {
                    throw broken("line " + row.line() + " (" + row.place() + "): " + Table.printable(error.getMessage()));
                }
                lastError = Table.printable(error.getMessage());
                yield false;
            }
            case OUTCOME_NOT_SET -> throw broken("line " + row.line() + " came back without an outcome");
        };
    }

    private static boolean isWorthRepeating(Code code) {
        return code == Code.UNAVAILABLE || code == Code.DEADLINE_EXCEEDED || code == Code.RESOURCE_EXHAUSTED;
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

    private Failure expired(OldStock.Row row) {
        return new Failure("line " + row.line() + " (" + row.place() + ") can't be brought in any more: the import " + name + " was begun at "
                + Converters.shown(plan.begun()) + ", longer ago than the ledger recognises an id, so it can't be gone on with. A SKU whose entries "
                + "('stockledger entries SKU') have the reference import/" + name + " has its line; bring the remaining lines in under a new --name, with --add");
    }

    private Failure broken(String why) {
        return new Failure(why + "; " + Table.grouped(applied + known) + " lines are in the ledger; the same command again goes on after them");
    }
}
