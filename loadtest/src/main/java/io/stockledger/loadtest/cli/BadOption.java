package io.stockledger.loadtest.cli;

/** What the user asked for can't be done; the message is one line that says what to do instead. */
final class BadOption extends RuntimeException {
    BadOption(String message) {
        super(message);
    }
}
