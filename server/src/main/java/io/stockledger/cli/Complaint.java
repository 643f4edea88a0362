package io.stockledger.cli;

import io.stockledger.client.LedgerException;

/** What went wrong, as the one line that a person gets to read. */
final class Complaint {
    private Complaint() {
    }

    static String of(Throwable thrown) {
        if (thrown instanceof Failure) {
            return thrown.getMessage();
        }
        if (thrown instanceof LedgerException e) {
            return ofLedger(e);
        }
        // A fault of this program: its place is worth more than its name alone.
        StackTraceElement[] trace = thrown.getStackTrace();
        return "a fault of the command line itself: " + Table.printable(thrown.toString())
                + (trace.length == 0 ? "" : " at " + trace[0]);
    }

    private static String ofLedger(LedgerException e) {
        String message = Table.printable(e.getMessage());
        if (e.outcomeUnknown()) {
            return message + e.mutationId()
                    .map(id -> " (it may have been applied: send it again with --id " + id + ", or ask 'stockledger mutation SKU " + id + "')")
                    .orElse("");
        }
        return message;
    }
}
