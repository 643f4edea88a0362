package io.stockledger.loadtest.drill;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A bad network on loopback: passes bytes between callers and a ledger, holds them back in either direction for as
 * long as it is told to, and breaks connections. What is held is passed on later, in order, never lost by itself.
 */
final class Proxy implements AutoCloseable {
    private static final int CHUNK_BYTES = 64 * 1024;

    private final ServerSocket door;
    private final int ledgerPort;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Object gate = new Object();
    private boolean holdRequests;
    private boolean holdAnswers;
    private boolean closed;

    private Proxy(ServerSocket door, int ledgerPort) {
        this.door = door;
        this.ledgerPort = ledgerPort;
    }

    static Proxy to(int ledgerPort) {
        try {
            Proxy proxy = new Proxy(new ServerSocket(0, 100, InetAddress.getLoopbackAddress()), ledgerPort);
            proxy.thread(proxy::accept);
            return proxy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String target() {
        return "127.0.0.1:" + door.getLocalPort();
    }

    /** Whether what callers send waits here. */
    void holdRequests(boolean hold) {
        synchronized (gate) {
            holdRequests = hold;
            gate.notifyAll();
        }
    }

    /** Whether what the ledger answers waits here. */
    void holdAnswers(boolean hold) {
        synchronized (gate) {
            holdAnswers = hold;
            gate.notifyAll();
        }
    }

    /** Breaks all connections, with what is held on them. */
    void cut() {
        for (Socket socket : sockets) {
            shut(socket);
        }
    }

    private void accept() {
        while (!door.isClosed()) {
            try {
                Socket caller = door.accept();
                Socket ledger;
                try {
                    ledger = new Socket(InetAddress.getLoopbackAddress(), ledgerPort);
                    if (ledger.getLocalPort() == ledgerPort) {
                        // Nobody listens: it met itself, and would keep the port from the ledger.
                        shut(ledger);
                        shut(caller);
                        continue;
                    }
                } catch (IOException nobodyThere) {
                    shut(caller);
                    continue;
                }
                caller.setTcpNoDelay(true);
                ledger.setTcpNoDelay(true);
                sockets.add(caller);
                sockets.add(ledger);
                thread(() -> pass(caller, ledger, true));
                thread(() -> pass(ledger, caller, false));
            } catch (IOException e) {
                // Closed, or a caller that went away at once: nothing to pass.
            }
        }
    }

    private void pass(Socket from, Socket to, boolean requests) {
        byte[] chunk = new byte[CHUNK_BYTES];
        try (from; to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            int read = in.read(chunk);
            while (read >= 0) {
                awaitGate(requests);
                out.write(chunk, 0, read);
                read = in.read(chunk);
            }
        } catch (IOException | InterruptedException broken) {
            // The other side learns it from its own socket, closed here.
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    private void awaitGate(boolean requests) throws InterruptedException {
        synchronized (gate) {
            while (!closed && (requests ? holdRequests : holdAnswers)) {
                gate.wait();
            }
        }
    }

    private void thread(Runnable task) {
        Thread thread = new Thread(task, "proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private static void shut(Socket socket) {
        try {
            // At once, so that held bytes are not sent on.
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // It was closed already.
        }
    }

    @Override
    public void close() {
        try {
            door.close();
        } catch (IOException e) {
            // It was closed already.
        }
        cut();
        synchronized (gate) {
            closed = true;
            gate.notifyAll();
        }
    }
}
