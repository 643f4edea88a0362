package io.stockledger.loadtest.drill;

/** A process that does not outlive its drill. */
record Killed(Process process) implements AutoCloseable {
    @Override
    public void close() {
        process.destroyForcibly();
    }
}
