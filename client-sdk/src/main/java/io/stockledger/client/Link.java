package io.stockledger.client;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One connection to a ledger, with the transport's settings pinned. The client has one for calls and mutations; each
 * subscription has its own, since HTTP/2 counts what a stalled reader leaves unread against the whole connection, and
 * a slow listener may not hold up a checkout.
 */
final class Link {

    /** The ledger permits pings from 10 s up; a margin keeps a jittery clock from breaking that. */
    private static final long KEEP_ALIVE_SECONDS = 12;

    private static final long KEEP_ALIVE_TIMEOUT_SECONDS = 4;

    /** What a stalled reader may have under way; more stays with the ledger. */
    private static final int FLOW_CONTROL_WINDOW_BYTES = 1 << 20;

    /** Stock of 1,000 SKUs with hundreds of locations each. */
    private static final int REPLY_BYTES_MAX = 64 << 20;

    /** However many callers wait for a connection, it is tried at most so often. */
    private static final long RECONNECT_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private static final Metadata.Key<String> PRINCIPAL =
            Metadata.Key.of("stockledger-principal", Metadata.ASCII_STRING_MARSHALLER);

    private final String target;
    private final ManagedChannel channel;
    private final AtomicLong lastReconnectNanos = new AtomicLong(System.nanoTime() - RECONNECT_INTERVAL_NANOS);
    private volatile boolean reached;

    Link(String target, ManagedChannel channel) {
        this.target = target;
        this.channel = channel;
    }

    static Link open(String host, int port, String principal) {
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(host, port)
                .usePlaintext()
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
                .keepAliveTimeout(KEEP_ALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .flowControlWindow(FLOW_CONTROL_WINDOW_BYTES)
                .maxInboundMessageSize(REPLY_BYTES_MAX)
                // Our own resends decide, by what the ledger promises for each status.
                .disableRetry();
        if (!principal.isEmpty()) {
            Metadata headers = new Metadata();
            headers.put(PRINCIPAL, principal);
            builder.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
        }
        return new Link(host + ":" + port, builder.build());
    }

    String target() {
        return target;
    }

    ManagedChannel channel() {
        return channel;
    }

    /** Takes note that a ledger is there. */
    void answered() {
        // Read first: a write on each answer would bounce the cache line between callers.
        if (!reached) {
            reached = true;
        }
    }

    /** Whether nobody listens where nobody ever did: a wrong address is likelier than a restart. */
    boolean isWrongAddress(Failure failure) {
        return failure.unsent() && !reached;
    }

    /** The connection's state; asks for a connection where there is none. */
    ConnectivityState connect() {
        return channel.getState(true);
    }

    /**
     * Tries to connect now where the last try failed. The channel's own wait grows to two minutes, longer than a
     * mutation lives, so the wait between our attempts decides.
     */
    void reconnect() {
        long now = System.nanoTime();
        long last = lastReconnectNanos.get();
        if (now - last >= RECONNECT_INTERVAL_NANOS && lastReconnectNanos.compareAndSet(last, now)) {
            channel.resetConnectBackoff();
        }
    }

    void close() {
        channel.shutdownNow();
    }
}
