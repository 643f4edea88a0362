package io.stockledger.cli;

import io.stockledger.v1.Entry;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * What a file asks for, SKU by SKU, and what the ledger holds of it already.
 *
 * <p>The file is read whole before anything is sent: a file that is cut off, or
 * that is not the one whose lines the ledger holds, then changes nothing.
 */
final class ReplayPlan {
    /** One SKU of the file. */
    static final class Sku {
        private final long firstLine;
        private long lines;
        private OptionalLong openingHeld = OptionalLong.empty();
        private long lastLineHeld;
        private long lastQuantityHeld;
        private long accepted;

        Sku(long firstLine) {
            this.firstLine = firstLine;
        }

        /** The line that meets it first. */
        long firstLine() {
            return firstLine;
        }

        /** Its sound lines. */
        long lines() {
            return lines;
        }

        /** The opening stock that the ledger holds. */
        OptionalLong openingHeld() {
            return openingHeld;
        }

        /** The last line that the ledger holds; every line up to it is settled. 0: none. */
        long lastLineHeld() {
            return lastLineHeld;
        }

        /** Its lines that were applied. */
        long accepted() {
            return accepted;
        }

        void lineWasApplied() {
            accepted++;
        }

        /** The ledger took a line for malformed. */
        void lineWasMalformed() {
            lines--;
        }
    }

    private final ReplayNames names;
    private final Map<String, Sku> skus = new LinkedHashMap<>();
    private long linesRead;
    private long malformed;

    private ReplayPlan(ReplayNames names) {
        this.names = names;
    }

    /** Reads the whole file; tells each malformed line. */
    static ReplayPlan read(Path file, ReplayNames names, Consumer<SalesLog.Malformed> malformed) {
        ReplayPlan plan = new ReplayPlan(names);
        try (SalesLog log = SalesLog.open(file)) {
            for (Optional<SalesLog.Line> next = log.next(); next.isPresent(); next = log.next()) {
                plan.linesRead++;
                if (next.get() instanceof SalesLog.Movement line) {
                    plan.skus.computeIfAbsent(line.sku(), sku -> new Sku(line.number())).lines++;
                } else if (next.get() instanceof SalesLog.Malformed line) {
                    plan.malformed++;
                    malformed.accept(line);
                }
            }
        }
        return plan;
    }

    ReplayNames names() {
        return names;
    }

    Map<String, Sku> skus() {
        return skus;
    }

    long linesRead() {
        return linesRead;
    }

    long malformed() {
        return malformed;
    }

    long accepted() {
        return skus.values().stream().mapToLong(Sku::accepted).sum();
    }

    long refused() {
        return skus.values().stream().mapToLong(sku -> sku.lines() - sku.accepted()).sum();
    }

    /** Takes note of an entry of the feed, if it is of this file. */
    void holds(Entry entry) {
        Sku sku = skus.get(entry.getSku());
        boolean opening = names.isOpening(entry.getMutationId());
        OptionalLong line = names.line(entry.getMutationId());
        if (!opening && line.isEmpty()) {
            return;
        }
        if (sku == null) {
            throw otherFile(entry.getMutationId(), entry.getSku());
        }
        long moved = entry.getMovementsCount() == 0 ? 0 : entry.getMovements(0).getQuantity();
        if (opening) {
            sku.openingHeld = OptionalLong.of(moved);
            return;
        }
        sku.accepted++;
        // Per SKU the feed is in order, and so are the lines that were sent.
        sku.lastLineHeld = Math.max(sku.lastLineHeld, line.getAsLong());
        sku.lastQuantityHeld = entry.getKind() == io.stockledger.v1.EntryKind.ENTRY_KIND_RETURN ? -moved : moved;
    }

    /** Fails where what the ledger holds under this file's name did not come from this file, or not in this way. */
    void checkHeld(Path file, long opening) {
        Map<Long, String> last = new HashMap<>();
        skus.forEach((name, sku) -> {
            if (sku.openingHeld.isPresent() && sku.openingHeld.getAsLong() != opening
                    || sku.openingHeld.isEmpty() && sku.lastLineHeld > 0 && opening > 0) {
                throw new Failure("the ledger holds " + Table.printable(name) + " of " + names.file() + " with an opening stock of "
                        + sku.openingHeld.orElse(0) + "; go on with --opening " + sku.openingHeld.orElse(0));
            }
            if (sku.lastLineHeld > 0) {
                last.put(sku.lastLineHeld, name);
            }
        });
        if (last.isEmpty()) {
            return;
        }
        try (SalesLog log = SalesLog.open(file)) {
            for (Optional<SalesLog.Line> next = log.next(); next.isPresent() && !last.isEmpty(); next = log.next()) {
                String held = last.get(next.get().number());
                if (held != null && next.get() instanceof SalesLog.Movement line && line.sku().equals(held)
                        && line.quantity() == skus.get(held).lastQuantityHeld) {
                    last.remove(line.number());
                }
            }
        }
        last.entrySet().stream().min(Map.Entry.comparingByKey()).ifPresent(wrong -> {
            throw otherFile(names.id(wrong.getKey()), wrong.getValue());
        });
    }

    private Failure otherFile(String mutationId, String sku) {
        return new Failure("the ledger holds lines of another file named " + names.file() + " (mutation " + Table.printable(mutationId)
                + " of " + Table.printable(sku) + " is not in this one); give this file another name");
    }
}
