package io.stockledger.server.api;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import io.stockledger.server.domain.Mutation;
import io.stockledger.server.entity.Ledger;
import io.stockledger.server.entity.Outcome;
import io.stockledger.server.entity.Submission;
import io.stockledger.server.journal.Pace;
import io.stockledger.server.journal.WireWriter;
import io.stockledger.v1.ImportLine;
import io.stockledger.v1.ImportStockRequest;
import io.stockledger.v1.ImportStockResponse;
import io.stockledger.v1.Receive;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Takes opening stock in: each line as an ordinary mutation with an id made from the import's name and the line, so
 * that the ledger itself knows on a resend what it holds already. There is no state of an import anywhere.
 *
 * <p>A call's SKUs go to the ledger a few at a time. While others have mutations under way they are fewer, with rests
 * between, as who reads much takes them: a thousand SKUs that wake at once would keep a checkout waiting.
 */
final class StockImports implements AutoCloseable {
    private static final int LINES_MAX = 1_000;
    private static final int SKUS_AT_ONCE = 16;
    private static final int SKUS_AT_ONCE_BESIDE_OTHERS = 4;
    /** With {@code import/}, a slash and the longest line number it fills a mutation id. */
    private static final int NAME_MAX = 44;
    private static final long LINE_MAX = 999_999_999_999L;

    private final Ledger ledger;
    private final MutationReader reader;
    private final Admission admission;
    private final Pace pace;
    private final ApiMeasurements measurements;
    /** Lines of all calls that are not answered yet: what else waits in the ledger is others'. */
    private final AtomicInteger open = new AtomicInteger();
    private final ScheduledExecutorService rests = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "import-rests");
        thread.setDaemon(true);
        return thread;
    });

    StockImports(Ledger ledger, MutationReader reader, Admission admission, Pace pace, ApiMeasurements measurements) {
        this.ledger = ledger;
        this.reader = reader;
        this.admission = admission;
        this.pace = pace;
        this.measurements = measurements;
    }

    /** Answers once each line is; never blocks. */
    void take(ImportStockRequest request, String principal, long deadlineNanos, Answer<ImportStockResponse> answer) {
        try {
            String name = Fields.requiredText("import_name", request.getImportName(), NAME_MAX);
            if (!request.hasCreatedAt()) {
                throw InvalidRequest.field("created_at", "is required: when this import was first begun");
            }
            Fields.time("created_at", request.getCreatedAt());
            int count = request.getLinesCount();
            if (count == 0 || count > LINES_MAX) {
                throw InvalidRequest.field("lines", "holds " + count + " lines; must be 1 to " + LINES_MAX);
            }
            if (!admission.tryEnter(count)) {
                measurements.turnedAway(count);
                throw new InvalidRequest(Errors.of(Outcome.Failure.TOO_MANY_WAITING));
            }
            open.addAndGet(count);
            new Batch(count, deadlineNanos, answer).begin(request, name, principal);
        } catch (InvalidRequest e) {
            answer.fail(e.status());
        }
    }

    private static String mutationId(String name, long line) {
        return "import/" + name + "/" + line;
    }

    private Mutation read(String name, Timestamp createdAt, ImportLine line, String principal) throws InvalidRequest {
        Fields.between("line", line.getLine(), 1, LINE_MAX);
        Fields.quantity("quantity", line.getQuantity());
        return reader.read(io.stockledger.v1.Mutation.newBuilder()
                .setMutationId(mutationId(name, line.getLine()))
                .setSku(line.getSku())
                .setLocation(line.getLocation())
                .setReference("import/" + name)
                .setCreatedAt(createdAt)
                .setReceive(Receive.newBuilder().setQuantity(line.getQuantity()))
                .build(), principal);
    }

    /** The lines of one call. */
    private final class Batch {
        private final Result[] results;
        private final AtomicInteger unanswered;
        private final long deadlineNanos;
        private final Answer<ImportStockResponse> answer;
        /** Not handed to the ledger yet. */
        private final ArrayDeque<Part> parts = new ArrayDeque<>();
        /** Of the parts that the ledger has now. */
        private final AtomicInteger underWay = new AtomicInteger();
        private long handedOnNanos;

        Batch(int count, long deadlineNanos, Answer<ImportStockResponse> answer) {
            this.results = new Result[count];
            this.unanswered = new AtomicInteger(count);
            this.deadlineNanos = deadlineNanos;
            this.answer = answer;
        }

        void begin(ImportStockRequest request, String name, String principal) {
            Map<String, Part> bySku = new LinkedHashMap<>();
            for (int i = 0; i < results.length; i++) {
                ImportLine line = request.getLines(i);
                try {
                    Mutation mutation = read(name, request.getCreatedAt(), line, principal);
                    bySku.computeIfAbsent(mutation.sku(), Part::new).add(mutation, i);
                } catch (InvalidRequest e) {
                    measurements.malformed();
                    set(i, Result.failed(mutationId(name, line.getLine()), e.status()));
                }
            }
            parts.addAll(bySku.values());
            handOn();
        }

        /** Never two at once: the next is handed on when all of the last are answered. */
        private void handOn() {
            List<Part> now = new ArrayList<>();
            int most = isBesideOthers() ? SKUS_AT_ONCE_BESIDE_OTHERS : SKUS_AT_ONCE;
            while (!parts.isEmpty() && now.size() < most) {
                now.add(parts.poll());
            }
            handedOnNanos = System.nanoTime();
            underWay.set(now.stream().mapToInt(part -> part.mutations.size()).sum());
            now.forEach(part -> ledger.submit(new Submission(part.sku, part.mutations, 0, deadlineNanos, (index, outcome) -> {
                set(part.places.get(index), Result.of(part.mutations.get(index).mutationId(), outcome).withoutBalances());
                if (underWay.decrementAndGet() == 0 && !parts.isEmpty()) {
                    rests.schedule(this::handOn, restNanos(System.nanoTime() - handedOnNanos), TimeUnit.NANOSECONDS);
                }
            })));
        }

        private void set(int place, Result result) {
            results[place] = result;
            open.decrementAndGet();
            admission.leave(1);
            if (unanswered.decrementAndGet() == 0) {
                answer.give(response());
            }
        }

        /** Results know their wire form; an import is no hot path, so it is read back into the message. */
        private ImportStockResponse response() {
            WireWriter out = new WireWriter(96 * results.length, 0);
            for (Result result : results) {
                int begun = out.begin(ImportStockResponse.RESULTS_FIELD_NUMBER);
                result.write(out);
                out.end(begun);
            }
            try {
                return ImportStockResponse.parseFrom(out.toBytes(0));
            } catch (InvalidProtocolBufferException e) {
                throw new IllegalStateException("a result is written as the contract has it", e);
            }
        }
    }

    private long restNanos(long workedNanos) {
        return isBesideOthers() ? pace.restNanos(workedNanos) : 0;
    }

    private boolean isBesideOthers() {
        return admission.waiting() > open.get();
    }

    /** Once the calls are answered. */
    @Override
    public void close() {
        rests.shutdownNow();
    }

    /** What one SKU is asked, and the places of it in the call. */
    private record Part(String sku, List<Mutation> mutations, List<Integer> places) {
        private Part(String sku) {
            this(sku, new ArrayList<>(), new ArrayList<>());
        }

        void add(Mutation mutation, int place) {
            mutations.add(mutation);
            places.add(place);
        }
    }
}
