package io.stockledger.loadtest.workload;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.stockledger.loadtest.ServerProcess;
import io.stockledger.loadtest.engine.Ground;
import io.stockledger.v1.LedgerServiceGrpc;
import java.util.concurrent.TimeUnit;

/** Ends a server and starts it again on its folder, and asks it the first thing that it is ever asked. */
final class Restarts {
    private Restarts() {}

    /** Milliseconds from the process's start until its port answers, which it opens when all else is ready. */
    static double startMs(ServerProcess ledger) {
        ledger.stop();
        return ledger.start().toNanos() / 1e6;
    }

    /** The same after both were killed, the ledger first: as after a power cut, but for what a disk forgets. */
    static double startAfterKillMs(ServerProcess ledger) {
        ledger.kill();
        ledger.killPostgresql();
        return ledger.start().toNanos() / 1e6;
    }

    /** Milliseconds of the first sale of a process that has just started, of that SKU; the connection stands before. */
    static double firstSaleMs(Ground ground, ServerProcess ledger, Sales sales, String sku) throws InterruptedException {
        ManagedChannel channel = connected(ground, ledger);
        LedgerServiceGrpc.LedgerServiceBlockingStub stub = LedgerServiceGrpc.newBlockingStub(channel).withDeadlineAfter(120, TimeUnit.SECONDS);
        long begun = System.nanoTime();
        Sales.requireApplied(stub.applyMutation(sales.request(sku)).getResult());
        return (System.nanoTime() - begun) / 1e6;
    }

    private static ManagedChannel connected(Ground ground, ServerProcess ledger) throws InterruptedException {
        ManagedChannel channel = ground.channelTo(ledger.target());
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (channel.getState(true) != ConnectivityState.READY) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("no connection to the restarted ledger within 30 s");
            }
            TimeUnit.MILLISECONDS.sleep(1);
        }
        return channel;
    }
}
