package io.stockledger.server;

import io.stockledger.server.journal.Database;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A network between two sides that can hold back what the caller sends, lose the callers, and break altogether. */
final class HoldingProxy implements AutoCloseable {
    private static final byte[] END = new byte[0];

    private final ServerSocket front;
    private final int port;
    private final Semaphore open = new Semaphore(1);
    private final AtomicLong heldBytes = new AtomicLong();
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    /** Connections whose callers have gone without a word. */
    private final Set<Socket> lost = ConcurrentHashMap.newKeySet();
    private final Set<Socket> kept = ConcurrentHashMap.newKeySet();
    private final AtomicInteger turnedAway = new AtomicInteger();
    private volatile boolean broken;

    HoldingProxy(int port) throws IOException {
        this.port = port;
        this.front = new ServerSocket(0, 16, InetAddress.getByName("127.0.0.1"));
        daemon(this::accept);
    }

    /** In front of the PostgreSQL that this database is on. */
    static HoldingProxy before(Database.Address database) throws IOException {
        return new HoldingProxy(portOf(database));
    }

    /** The same database, by way of this. */
    Database.Address addressOf(Database.Address database) {
        return new Database.Address(database.url().replace(":" + portOf(database) + "/", ":" + port() + "/"),
                database.user(), database.password());
    }

    private static int portOf(Database.Address database) {
        return URI.create(database.url().substring("jdbc:".length())).getPort();
    }

    int port() {
        return front.getLocalPort();
    }

    /** From now on nothing that a caller sends goes through. */
    void hold() {
        open.acquireUninterruptibly();
        heldBytes.set(0);
    }

    /** Bytes that came in since and are held. */
    long heldBytes() {
        return heldBytes.get();
    }

    void release() {
        open.release();
    }

    /** Ends every connection for its caller, while the other side learns nothing of it, as where a host between them dies. */
    void loseCallers() throws IOException {
        lost.addAll(connections);
        for (Socket connection : connections) {
            connection.close();
        }
    }

    /** Ends every connection, and each new one at once, until it is mended. */
    void breakDown() throws IOException {
        broken = true;
        for (Socket connection : connections) {
            connection.close();
        }
    }

    /** Connections that were ended at once. */
    int turnedAway() {
        return turnedAway.get();
    }

    void mend() {
        broken = false;
    }

    private void accept() {
        try {
            while (true) {
                Socket caller = front.accept();
                if (broken) {
                    turnedAway.incrementAndGet();
                    caller.close();
                    continue;
                }
                connections.add(caller);
                Socket ledger = new Socket("127.0.0.1", port);
                kept.add(ledger);
                // Read on while nothing goes through, so that all that was sent is counted.
                BlockingQueue<byte[]> held = new LinkedBlockingQueue<>();
                daemon(() -> take(caller, held));
                daemon(() -> give(held, ledger));
                daemon(() -> copy(ledger, caller));
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void take(Socket caller, BlockingQueue<byte[]> held) {
        byte[] buffer = new byte[8192];
        try (caller; InputStream in = caller.getInputStream()) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                heldBytes.addAndGet(read);
                held.add(Arrays.copyOf(buffer, read));
            }
        } catch (IOException e) {
            // The caller has gone; so will the ledger's side.
        }
        if (!lost.contains(caller)) {
            held.add(END);
        }
    }

    private void give(BlockingQueue<byte[]> held, Socket ledger) {
        try (ledger; OutputStream out = ledger.getOutputStream()) {
            for (byte[] bytes = held.take(); bytes != END; bytes = held.take()) {
                open.acquireUninterruptibly();
                open.release();
                out.write(bytes);
            }
        } catch (IOException | InterruptedException e) {
            // One side has gone; so does the other.
        }
    }

    private static void copy(Socket ledger, Socket caller) {
        try (ledger; caller; InputStream in = ledger.getInputStream()) {
            in.transferTo(caller.getOutputStream());
        } catch (IOException e) {
            // One side has gone; so does the other.
        }
    }

    private static void daemon(Runnable task) {
        Thread thread = new Thread(task, "holding-proxy");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        front.close();
        for (Socket ledger : kept) {
            ledger.close();
        }
    }
}
