package io.stockledger.server;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/** A network between caller and ledger that can hold back what the caller sends. */
final class HoldingProxy implements AutoCloseable {
    private final ServerSocket front;
    private final int port;
    private final Semaphore open = new Semaphore(1);
    private final AtomicLong heldBytes = new AtomicLong();

    HoldingProxy(int port) throws IOException {
        this.port = port;
        this.front = new ServerSocket(0, 16, InetAddress.getByName("127.0.0.1"));
        daemon(this::accept);
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

    private void accept() {
        try {
            while (true) {
                Socket caller = front.accept();
                Socket ledger = new Socket("127.0.0.1", port);
                daemon(() -> copy(caller, ledger, true));
                daemon(() -> copy(ledger, caller, false));
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void copy(Socket from, Socket to, boolean held) {
        byte[] buffer = new byte[8192];
        try (from; to; InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                if (held) {
                    heldBytes.addAndGet(read);
                    open.acquireUninterruptibly();
                    open.release();
                }
                out.write(buffer, 0, read);
            }
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
    }
}
